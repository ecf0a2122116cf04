// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/windows/basic_handle.hpp>

#include <type_traits>

namespace rill::windows {

/// A handle that can be waited for: of an event, a process, a thread, a semaphore, a timer. (Not of a mutex: a thread of
/// the system's would come to own it.)
template <class Executor = any_io_executor>
class basic_object_handle : public basic_handle<Executor, engine::handle_kind::object> {
    using base = basic_handle<Executor, engine::handle_kind::object>;

public:
    using typename base::executor_type;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_object_handle<OtherExecutor>;
    };

    using base::base;
    basic_object_handle(basic_object_handle&&) noexcept = default;
    basic_object_handle& operator=(basic_object_handle&&) noexcept = default;
    template <std::convertible_to<Executor> E>
        requires(!std::is_same_v<E, Executor>)
    basic_object_handle(basic_object_handle<E>&& other) : base(std::move(other)) {}

    /// Blocks until the object is signalled. Source: WaitForSingleObject()
    void wait() {
        this->throwing("wait", [&](auto& ec) { wait(ec); });
    }
    void wait(error_code& ec) {
        ec = this->is_open() ? error_code() : error_code(error::bad_descriptor);
        if (!ec && ::WaitForSingleObject(this->native_handle(), INFINITE) == WAIT_FAILED)
            ec = engine::system::last_error();
    }

    /// Completes when the object is signalled. Waits complete in the order in which they were started; an event that resets
    /// itself ends one of them.
    ///
    /// Result   void(error_code)
    /// Errors   operation_aborted  cancelled, or the handle was closed
    ///          bad_descriptor     the handle is not open
    ///          or the system's own code, as it is
    /// Cancels  terminal, partial, total
    /// Threads  the handler is never called from inside this function
    /// Source   RegisterWaitForSingleObject()
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = default_completion_token_t<executor_type>()) {
        using initiate_wait = typename base::template initiate<engine::object_wait>;
        return async_initiate<Token, void(error_code)>(initiate_wait{this}, token);
    }
};

}  // namespace rill::windows
