// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/loop_of.hpp>
#include <rill/core/registered_buffer.hpp>
#include <rill/core/storable_sequence.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace rill {

/// Buffers that a context has registered with the system, until this dies. Move-only. The memory is the user's, and
/// outlives it; no operation uses a buffer of it when it dies.
///
/// Threads  one at a time; it may outlive its context
template <mutable_buffer_sequence Buffers, class Allocator = std::allocator<void>>
class buffer_registration {
    using buffer_allocator =
        typename std::allocator_traits<Allocator>::template rebind_alloc<mutable_registered_buffer>;
    using container = std::vector<mutable_registered_buffer, buffer_allocator>;

public:
    using allocator_type = Allocator;
    using iterator = typename container::const_iterator;
    using const_iterator = iterator;

    /// Of register_buffers().
    buffer_registration(engine::loop& l, const Buffers& buffers, const Allocator& a)
        : memory_(l.memory()), buffers_(buffer_allocator(a)) {
        std::size_t count = 0;
        for (auto b = buffer_sequence_begin(buffers); b != buffer_sequence_end(buffers); ++b)
            ++count;
        buffers_.reserve(count);
        first_ = memory_->take_slots(count);
        int slot = first_;
        for (auto b = buffer_sequence_begin(buffers); b != buffer_sequence_end(buffers); ++b) {
            const mutable_buffer each(*b);
            if (slot >= 0)
                memory_->set(slot, each.data(), each.size());
            buffers_.emplace_back(each, registered_buffer_id(slot));
            slot += slot >= 0;
        }
    }
    buffer_registration(buffer_registration&& other) noexcept
        : memory_(std::move(other.memory_)),
          buffers_(std::move(other.buffers_)),
          first_(std::exchange(other.first_, engine::registered_memory::no_slot)) {
        other.buffers_.clear();
    }
    buffer_registration& operator=(buffer_registration&& other) noexcept {
        if (this != &other) {
            this->~buffer_registration();
            ::new (this) buffer_registration(std::move(other));
        }
        return *this;
    }
    ~buffer_registration() {
        if (first_ >= 0)
            memory_->give_back_slots(first_, buffers_.size());
    }

    std::size_t size() const noexcept { return buffers_.size(); }
    const_iterator begin() const noexcept { return buffers_.begin(); }
    const_iterator end() const noexcept { return buffers_.end(); }
    const_iterator cbegin() const noexcept { return begin(); }
    const_iterator cend() const noexcept { return end(); }
    const mutable_registered_buffer& operator[](std::size_t i) const noexcept { return buffers_[i]; }
    /// Throws  std::out_of_range
    const mutable_registered_buffer& at(std::size_t i) const { return buffers_.at(i); }

private:
    std::shared_ptr<engine::registered_memory> memory_;
    container buffers_;
    int first_ = engine::registered_memory::no_slot;
};

/// Registers the buffers of a sequence with a context, or with that of an executor: what that gains is in docs/buffers.md.
/// More than the system has room for are as good as not registered.
///
/// Throws  std::bad_alloc; system_error: a context that is no loop cannot have one
template <execution::executor Executor, mutable_buffer_sequence Buffers, class Allocator = std::allocator<void>>
buffer_registration<Buffers, Allocator> register_buffers(const Executor& ex, const Buffers& buffers,
                                                         const Allocator& a = Allocator()) {
    return {engine::loop_of(query(ex, execution::context)), buffers, a};
}
template <std::derived_from<execution_context> Context, mutable_buffer_sequence Buffers,
          class Allocator = std::allocator<void>>
buffer_registration<Buffers, Allocator> register_buffers(Context& ctx, const Buffers& buffers,
                                                         const Allocator& a = Allocator()) {
    return {engine::loop_of(ctx), buffers, a};
}

}  // namespace rill
