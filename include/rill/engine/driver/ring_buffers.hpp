// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/block_pool.hpp>
#include <rill/engine/system/gnu_linux/buffer_ring.hpp>
#include <rill/engine/system/gnu_linux/ring.hpp>

#include <bit>

namespace rill::engine {

/// The free blocks of a pool in the hands of the kernel: one ring at a time has them.
///
/// Threads  as the driver; add() with the pool's lock
class ring_buffers final : public block_store {
public:
    /// Of receives that take from here.
    static constexpr std::uint16_t group = 0;

    /// Whether the kernel takes blocks from here for requests in @p in, which it is told the first time. False: it
    /// refuses, and the pool has them.
    bool serve(system::ring& in, block_pool& pool) noexcept {
        if (state_ == state::unknown)
            try_to_serve(in, pool);
        return state_ == state::serves;
    }
    bool serves() const noexcept { return state_ == state::serves; }

    /// Nothing in @p of takes blocks: the pool has them again, and another ring may be served.
    void leave(system::ring& of) noexcept {
        if (serves())
            of.unregister_buffers(group);
        forget();
    }
    /// The same, when the ring is closed.
    void forget() noexcept {
        if (serves())
            pool_->keep_in(nullptr);
        buffers_.close();
        state_ = state::unknown;
    }

    void add(std::size_t index, const block& b) noexcept override {
        buffers_.add(b.memory, pool_->block_size(), index);
    }

private:
    enum class state : unsigned char { unknown, serves, refused };

    RILL_COLD void try_to_serve(system::ring& in, block_pool& pool) noexcept;

    state state_ = state::unknown;
    block_pool* pool_ = nullptr;
    system::buffer_ring buffers_;
};

// Implementation

inline void ring_buffers::try_to_serve(system::ring& in, block_pool& pool) noexcept {
    state_ = state::refused;
    pool_ = &pool;
    if (buffers_.open(static_cast<unsigned>(std::bit_ceil(pool.count()))))
        return;
    if (in.register_buffers(group, buffers_.address(), buffers_.size())) {
        buffers_.close();
        return;
    }
    state_ = state::serves;
    pool.keep_in(this);
}

}  // namespace rill::engine
