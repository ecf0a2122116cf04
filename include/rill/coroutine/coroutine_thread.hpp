// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_state.hpp>
#include <rill/core/memory.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>

namespace rill::engine {

class coroutine_thread;

/// What every awaitable's frame has: its place on its thread's stack of callers.
struct awaitable_frame {
    std::coroutine_handle<> handle;
    awaitable_frame* caller = nullptr;
    coroutine_thread* thread = nullptr;  // null until it is awaited, or spawned
    std::exception_ptr error;

    // Frames are recycled like operations.
    static void* operator new(std::size_t size) { return allocate(size); }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

/// One flow of control through coroutines that await each other: what co_spawn() starts.
///
/// Frames do not resume each other: each returns to proceed(), which resumes the one on top. So neither a chain of a million
/// calls nor one of a million completions grows the stack, whatever the compiler makes of tail calls.
///
/// It is in one place at a time: inside proceed(), or owned by the handler of the one operation that it awaits. Whoever
/// starts that operation must not touch the thread, or its frames, any more: it may be running elsewhere already.
class coroutine_thread {
public:
    coroutine_thread() noexcept = default;
    coroutine_thread(const coroutine_thread&) = delete;
    coroutine_thread& operator=(const coroutine_thread&) = delete;

    /// Resumes frames until one waits for an operation, or the last has returned.
    /// @p initiating: inside the initiating function that made the thread.
    void proceed(bool initiating = false) {
        step next;
        do {
            next = step::wait;
            next_ = &next;
            top_->handle.resume();
            // Here only `next` may be touched: unless it says otherwise, the thread may be gone, or running elsewhere.
        } while (next == step::resume);
        if (next == step::end)
            finish(initiating);
    }

    /// Destroys the frames, the callee before its caller, and the thread: its operation will not complete.
    void destroy() noexcept {
        while (awaitable_frame* f = top_) {
            top_ = f->caller;
            destroy_frame(*f);
        }
        discard();
    }

    // -- for frames, inside proceed()

    /// Puts @p callee on top, to be resumed next.
    void call(awaitable_frame& callee) noexcept {
        callee.caller = top_;
        callee.thread = this;
        top_ = &callee;
        *next_ = step::resume;
    }

    /// The frame on top has come to its end.
    void return_to_caller() noexcept {
        awaitable_frame* caller = top_->caller;
        *next_ = caller ? step::resume : step::end;
        if (caller)
            top_ = caller;
    }

    cancellation_state& cancellation() noexcept { return cancellation_; }
    cancellation_slot parent_slot() const noexcept { return parent_slot_; }
    bool throws_if_cancelled() const noexcept { return throws_if_cancelled_; }
    void throws_if_cancelled(bool on) noexcept { throws_if_cancelled_ = on; }

    /// Before each co_await: whether it must throw instead. What is emitted from here on reaches the operation.
    bool must_throw() noexcept {
        seen_ = cancellation_.emissions();
        return throws_if_cancelled_ && !!cancellation_.cancelled();
    }
    cancellation_slot operation_slot() const noexcept { return cancellation_.slot_since(seen_); }

    // -- memory for the one operation that is awaited: one block, kept from operation to operation

    void* allocate_operation(std::size_t size) {
        if (block_is_used_)
            return allocate(size);
        if (size > block_size_) {
            free_block();
            block_ = allocate(size);
            block_size_ = size;
        }
        block_is_used_ = true;
        return block_;
    }
    void deallocate_operation(void* memory, std::size_t size) noexcept {
        if (memory == block_)
            block_is_used_ = false;
        else
            deallocate(memory, size);
    }

    /// While it lives, this operating-system thread is inside the initiating function of an operation that a coroutine
    /// thread awaits, or of a co_spawn(): a completion that arrives meanwhile, here, must not resume it from within.
    class initiation {
    public:
        explicit initiation(const coroutine_thread& t) noexcept : thread_(&t), below_(innermost_) { innermost_ = this; }
        initiation(const initiation&) = delete;
        initiation& operator=(const initiation&) = delete;
        ~initiation() { innermost_ = below_; }

        bool completed() const noexcept { return completed_; }

        /// If @p t is being initiated here, its completion is noted, and the initiation goes on by itself.
        static bool note_completion(const coroutine_thread& t) noexcept {
            for (initiation* i = innermost_; i; i = i->below_)
                if (i->thread_ == &t)
                    return i->completed_ = true;
            return false;
        }

    private:
        const coroutine_thread* thread_;
        initiation* below_;
        bool completed_ = false;
        static inline constinit thread_local initiation* innermost_ = nullptr;
    };

protected:
    ~coroutine_thread() { free_block(); }

    /// Relays the terminal cancellation of @p slot, as a new thread does. A state that the coroutine resets later starts
    /// afresh.
    void bind(cancellation_slot slot) {
        parent_slot_ = slot.from_now_on();
        cancellation_ = cancellation_state(slot);
    }
    void unbind() noexcept { cancellation_ = cancellation_state(); }

    awaitable_frame* top() const noexcept { return top_; }

    /// Puts the first frame on the stack.
    void begin(awaitable_frame& root) noexcept {
        root.thread = this;
        top_ = &root;
    }

private:
    enum class step : unsigned char { wait, resume, end };

    /// The last frame, top(), has come to its end: tells whoever waits, and frees the thread.
    virtual void finish(bool initiating) = 0;
    /// Frees the thread, which has no frames any more, without telling anybody.
    virtual void discard() noexcept = 0;

    static void destroy_frame(awaitable_frame& f) noexcept { f.handle.destroy(); }

    void free_block() noexcept {
        if (block_)
            deallocate(block_, block_size_);
        block_ = nullptr;
    }

    awaitable_frame* top_ = nullptr;
    step* next_ = nullptr;  // on the stack of proceed()
    void* block_ = nullptr;
    std::size_t block_size_ = 0;
    bool block_is_used_ = false;
    bool throws_if_cancelled_ = true;
    unsigned seen_ = 0;  // of cancellation_'s emissions
    cancellation_slot parent_slot_;
    cancellation_state cancellation_;
};

/// A thread whose frames run on an Executor.
template <class Executor>
class coroutine_thread_on : public coroutine_thread {
public:
    const Executor& executor() const noexcept { return executor_; }

protected:
    explicit coroutine_thread_on(const Executor& ex) noexcept : executor_(ex) {}
    ~coroutine_thread_on() = default;

private:
    RILL_NO_UNIQUE_ADDRESS Executor executor_;
};

/// The allocator of the operations that a thread awaits.
template <class T>
class coroutine_allocator {
public:
    using value_type = T;

    explicit coroutine_allocator(coroutine_thread& t) noexcept : thread_(&t) {}
    template <class U>
    coroutine_allocator(const coroutine_allocator<U>& other) noexcept : thread_(other.thread_) {}

    T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / sizeof(T))
            throw std::bad_alloc();
        return static_cast<T*>(thread_->allocate_operation(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept { thread_->deallocate_operation(p, n * sizeof(T)); }

    template <class U>
    friend bool operator==(const coroutine_allocator& a, const coroutine_allocator<U>& b) noexcept {
        return a.thread_ == b.thread_;
    }

private:
    template <class U>
    friend class coroutine_allocator;

    coroutine_thread* thread_;
};

}  // namespace rill::engine
