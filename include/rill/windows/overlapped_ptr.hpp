// SPDX-License-Identifier: BSL-1.0
#pragma once

// First: its error message for a wrong handler is preceded by the way from the user's file to it.
#include <rill/token/async_result.hpp>

#include <rill/context/loop_of.hpp>
#include <rill/engine/driver/iocp.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/operation/operation.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>

namespace rill::engine {

/// What a call that the user makes is answered through.
struct answer_to_user : overlapped_request {
    explicit answer_to_user(task::function f) noexcept : overlapped_request(f, nullptr) {
        std::memset(&known.overlapped, 0, sizeof(known.overlapped));
        known.of.store(nullptr, std::memory_order_relaxed);
        known.from = nullptr;
        known.asked = this;
    }

    std::tuple<error_code, std::size_t> result() noexcept { return {ec, bytes}; }

    iocp_call known;
};

}  // namespace rill::engine

namespace rill::windows {

/// An OVERLAPPED for a call that the library does not make: with it the system's answer becomes a call of a handler,
/// void(error_code, std::size_t bytes).
///
/// Data     the call is made on the handle of an overlapped_handle, stream_handle or random_access_handle of the same
///          context. After it either release(), if it was successful or is pending; or complete(), with what it reports
/// Threads  one object by one thread at a time. The handler runs through its associated executor, by default the one
///          named here; it is never called from inside complete() or release()
/// Cancels  nothing: no slot of the handler's. CancelIoEx() does, and cancelling or closing the handle's object
class overlapped_ptr {
public:
    /// An empty one.
    overlapped_ptr() noexcept = default;

    template <execution::executor Executor, class Handler>
        requires completion_handler_for<Handler, void(error_code, std::size_t)> overlapped_ptr(const Executor& ex,
                                                                                               Handler&& handler) {
            reset(ex, std::forward<Handler>(handler));
        }
    template <std::derived_from<execution_context> Context, class Handler>
        requires completion_handler_for<Handler, void(error_code, std::size_t)> overlapped_ptr(Context& ctx,
                                                                                               Handler&& handler) {
            reset(ctx, std::forward<Handler>(handler));
        }

    overlapped_ptr(const overlapped_ptr&) = delete;
    overlapped_ptr& operator=(const overlapped_ptr&) = delete;
    ~overlapped_ptr() { reset(); }

    /// Destroys the handler, if it is still here, without calling it.
    void reset() noexcept {
        if (!answer_)
            return;
        engine::answer_to_user& a = *std::exchange(answer_, nullptr);
        a.run(nullptr, a);
        loop_->work_finished();
    }

    /// Makes a new OVERLAPPED, for @p handler. The context is at work until that is called or destroyed.
    template <execution::executor Executor, class Handler>
        requires completion_handler_for<Handler, void(error_code, std::size_t)>
    void reset(const Executor& ex, Handler&& handler) {
        reset();
        loop_ = &engine::loop_of(query(ex, execution::context));
        answer_ = &engine::make_operation<engine::answer_to_user>(*loop_, ex, std::forward<Handler>(handler));
        loop_->work_started();
    }
    template <std::derived_from<execution_context> Context, class Handler>
        requires completion_handler_for<Handler, void(error_code, std::size_t)>
    void reset(Context& ctx, Handler&& handler) { reset(ctx.get_executor(), std::forward<Handler>(handler)); }

    /// Null if it is empty.
    ::OVERLAPPED* get() noexcept { return answer_ ? &answer_->known.overlapped : nullptr; }
    const ::OVERLAPPED* get() const noexcept { return answer_ ? &answer_->known.overlapped : nullptr; }

    /// The system has it, and will answer. Returns get(), and is empty then.
    ::OVERLAPPED* release() noexcept {
        ::OVERLAPPED* o = get();
        if (std::exchange(answer_, nullptr))
            loop_->begun_elsewhere();
        return o;
    }

    /// The system does not have it: the handler is to be called with these arguments.
    void complete(const error_code& ec, std::size_t bytes) noexcept {
        if (!answer_)
            return;
        engine::answer_to_user& a = *std::exchange(answer_, nullptr);
        a.bytes = bytes;
        a.answer(ec);
        loop_->start(a);
        loop_->work_finished();
    }

private:
    engine::loop* loop_ = nullptr;
    engine::answer_to_user* answer_ = nullptr;
};

}  // namespace rill::windows
