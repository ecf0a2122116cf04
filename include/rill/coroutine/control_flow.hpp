// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_state.hpp>
#include <rill/core/config.hpp>
#include <rill/core/memory.hpp>

#include <cstddef>
#include <new>
#include <utility>

namespace rill::engine {

/// One flow of control through a coroutine, stackless or stackful, that awaits one operation at a time: how it is
/// cancelled, the memory of that operation, and whether this thread is just starting it.
class control_flow {
public:
    control_flow() noexcept = default;
    control_flow(const control_flow&) = delete;
    control_flow& operator=(const control_flow&) = delete;

    cancellation_state& cancellation() noexcept { return cancellation_; }
    cancellation_slot parent_slot() const noexcept { return parent_slot_; }
    bool throws_if_cancelled() const noexcept { return throws_if_cancelled_; }
    void throws_if_cancelled(bool on) noexcept { throws_if_cancelled_ = on; }

    /// Forgets what has come in, and filters anew.
    template <class... Filters>
    void reset_cancellation(Filters&&... filters) {
        cancellation_ = cancellation_state(parent_slot_, std::forward<Filters>(filters)...);
        look();
    }

    /// What is emitted from here on reaches the operation that is started next.
    void look() noexcept { seen_ = cancellation_.emissions(); }

    /// Before each operation: whether it must not be started.
    bool must_throw() noexcept {
        look();
        return throws_if_cancelled_ && !!cancellation_.cancelled();
    }
    cancellation_slot operation_slot() const noexcept { return cancellation_.slot_since(seen_); }

    // -- memory for the one operation that is awaited: one block, kept from operation to operation

    RILL_INLINE void* allocate_operation(std::size_t size) {
        if (block_is_used_ || size > block_size_) [[unlikely]]
            return allocate_more(size);
        block_is_used_ = true;
        return block_;
    }
    RILL_INLINE void deallocate_operation(void* memory, std::size_t size) noexcept {
        if (memory == block_) [[likely]]
            block_is_used_ = false;
        else
            deallocate_more(memory, size);
    }

    /// While it lives, this operating-system thread is inside the initiating function of an operation that the flow
    /// awaits, or inside the one that made the flow: a completion that arrives meanwhile, here, must not resume it from
    /// within.
    class initiation {
    public:
        enum class kind : unsigned char { of_operation, of_flow };

        explicit initiation(const control_flow& f, kind k = kind::of_operation) noexcept
            : flow_(&f), below_(innermost_), kind_(k) {
            innermost_ = this;
        }
        initiation(const initiation&) = delete;
        initiation& operator=(const initiation&) = delete;
        ~initiation() { innermost_ = below_; }

        bool completed() const noexcept { return completed_; }
        /// The operation's handler is gone, and has not been called.
        bool abandoned() const noexcept { return abandoned_; }

        /// If @p f is being initiated here, its completion is noted, and the initiation goes on by itself.
        static bool note_completion(const control_flow& f) noexcept {
            for (initiation* i = innermost_; i; i = i->below_)
                if (i->flow_ == &f)
                    return i->completed_ = true;
            return false;
        }

        /// The same for a handler that is destroyed instead of called, as it is if the initiation throws.
        static bool note_abandonment(const control_flow& f) noexcept {
            for (initiation* i = innermost_; i; i = i->below_)
                if (i->flow_ == &f && i->kind_ == kind::of_operation)
                    return i->abandoned_ = true;
            return false;
        }

    private:
        const control_flow* flow_;
        initiation* below_;
        kind kind_;
        bool completed_ = false;
        bool abandoned_ = false;
        static inline constinit thread_local initiation* innermost_ = nullptr;
    };

protected:
    ~control_flow() { free_block(); }

    /// Relays the terminal cancellation of @p slot, as a new flow does. A state that is reset later starts afresh.
    void bind(cancellation_slot slot) {
        parent_slot_ = slot.from_now_on();
        cancellation_ = cancellation_state(slot);
    }
    void unbind() noexcept { cancellation_ = cancellation_state(); }

private:
    RILL_COLD void* allocate_more(std::size_t size) {
        if (block_is_used_)
            return allocate(size);
        free_block();
        block_ = allocate(size);
        block_size_ = size;
        block_is_used_ = true;
        return block_;
    }
    RILL_COLD static void deallocate_more(void* memory, std::size_t size) noexcept { deallocate(memory, size); }

    void free_block() noexcept {
        if (block_)
            deallocate(block_, block_size_);
        block_ = nullptr;
        block_size_ = 0;  // should the next allocation fail
    }

    void* block_ = nullptr;
    std::size_t block_size_ = 0;
    bool block_is_used_ = false;
    bool throws_if_cancelled_ = true;
    unsigned seen_ = 0;  // of cancellation_'s emissions
    cancellation_slot parent_slot_;
    cancellation_state cancellation_;
};

/// The allocator of the operations that a flow awaits.
template <class T>
class flow_allocator {
public:
    using value_type = T;

    explicit flow_allocator(control_flow& f) noexcept : flow_(&f) {}
    template <class U>
    flow_allocator(const flow_allocator<U>& other) noexcept : flow_(other.flow_) {}

    T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / sizeof(T))
            throw std::bad_alloc();
        return static_cast<T*>(flow_->allocate_operation(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept { flow_->deallocate_operation(p, n * sizeof(T)); }

    template <class U>
    friend bool operator==(const flow_allocator& a, const flow_allocator<U>& b) noexcept {
        return a.flow_ == b.flow_;
    }

private:
    template <class U>
    friend class flow_allocator;

    control_flow* flow_;
};

}  // namespace rill::engine
