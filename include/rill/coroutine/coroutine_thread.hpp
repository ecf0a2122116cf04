// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>
#include <rill/coroutine/control_flow.hpp>

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
class coroutine_thread : public control_flow {
public:
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

protected:
    ~coroutine_thread() = default;

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

    awaitable_frame* top_ = nullptr;
    step* next_ = nullptr;  // on the stack of proceed()
};

/// A thread whose frames run on an Executor.
template <class Executor>
class coroutine_thread_on : public coroutine_thread {
public:
    using executor_type = Executor;
    using operation_allocator_type = flow_allocator<void>;

    const Executor& executor() const noexcept { return executor_; }
    operation_allocator_type operation_allocator() noexcept { return operation_allocator_type(*this); }

protected:
    explicit coroutine_thread_on(const Executor& ex) noexcept : executor_(ex) {}
    ~coroutine_thread_on() = default;

private:
    RILL_NO_UNIQUE_ADDRESS Executor executor_;
};

}  // namespace rill::engine
