// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/engine/driver/block_pool.hpp>

#include <cstddef>
#include <utility>

namespace rill {

/// What async_receive_buffer() has received, in memory that is the owner's until this dies. Move-only; empty if nothing
/// was received.
///
/// As a buffer of an operation it is named: `buffer(received)`. It converts to a const_buffer.
///
/// Threads  it may be destroyed by any, also after its context has gone
class received_buffer {
public:
    received_buffer() noexcept = default;
    /// Takes @p b over. Of the library.
    explicit received_buffer(engine::block* b) noexcept : block_(b) {}
    received_buffer(received_buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    received_buffer& operator=(received_buffer&& other) noexcept {
        if (this != &other) {
            reset();
            block_ = std::exchange(other.block_, nullptr);
        }
        return *this;
    }
    ~received_buffer() { reset(); }

    /// Null if it is empty.
    char* data() noexcept { return block_ ? block_->memory : nullptr; }
    const char* data() const noexcept { return block_ ? block_->memory : nullptr; }
    std::size_t size() const noexcept { return block_ ? block_->size : 0; }
    bool empty() const noexcept { return size() == 0; }

    operator const_buffer() const noexcept { return {data(), size()}; }

    /// Gives the memory back.
    void reset() noexcept {
        if (block_)
            engine::free_block(*std::exchange(block_, nullptr));
    }

private:
    engine::block* block_ = nullptr;
};

}  // namespace rill
