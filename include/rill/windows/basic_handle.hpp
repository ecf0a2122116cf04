// SPDX-License-Identifier: BSL-1.0
#pragma once

// First: its error message for a wrong handler is preceded by the way from the user's file to it.
#include <rill/token/async_result.hpp>

#include <rill/context/loop_of.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/operation/operation.hpp>
#include <rill/token/deferred.hpp>
#include <rill/windows/kernel_handle.hpp>

#include <concepts>
#include <utility>

namespace rill::windows {

/// What the objects of a native handle can do. Members without an error_code& throw system_error where the others report.
///
/// Data     closing or destroying the object closes the handle and ends its operations with operation_aborted; moving it
///          does not disturb them
/// Threads  one object by one thread at a time; operations on different objects from any
template <class Executor, engine::handle_kind Kind>
class basic_handle {
public:
    using executor_type = Executor;
    using native_handle_type = ::HANDLE;
    using lowest_layer_type = basic_handle;

    /// A closed one.
    explicit basic_handle(const Executor& ex)
        : executor_(ex), handle_(engine::loop_of(query(ex, execution::context))) {}
    /// Takes over a native handle, see assign().
    basic_handle(const Executor& ex, native_handle_type native) : basic_handle(ex) { assign(native); }

    // The same on a context's executor.
    template <std::derived_from<execution_context> Context>
    explicit basic_handle(Context& ctx) : basic_handle(Executor(ctx.get_executor())) {}
    template <std::derived_from<execution_context> Context>
    basic_handle(Context& ctx, native_handle_type native) : basic_handle(Executor(ctx.get_executor()), native) {}

    // Not on what is neither an executor nor a context: the arguments of the template say so.
    template <class... Args, class Mistake = engine::executor_needed__pass_one_or_an_execution_context>
        requires engine::without_executor<Executor, Args...>
    explicit basic_handle(const Args&...) = delete;

    const executor_type& get_executor() const noexcept { return executor_; }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    /// Takes over a native handle. It is closed with the object.
    ///
    /// Errors  already_open      the object has one
    ///         bad_descriptor    it is none
    ///         invalid_argument  it is to be used for transfers and was not opened with FILE_FLAG_OVERLAPPED, or belongs
    ///                           to another completion port
    void assign(native_handle_type native) {
        throwing("assign", [&](auto& ec) { assign(native, ec); });
    }
    void assign(native_handle_type native, error_code& ec) { ec = handle_.assign(native); }

    bool is_open() const noexcept { return handle_.is_open(); }
    native_handle_type native_handle() noexcept { return handle_.get(); }

    /// Ends the operations with operation_aborted. The handle is closed even if an error is reported.
    void close() {
        throwing("close", [&](auto& ec) { close(ec); });
    }
    void close(error_code& ec) { ec = handle_.close(); }

    /// Ends the operations with operation_aborted and gives the native handle to the caller.
    /// Errors  operation_not_supported: the context has the concurrency hint 1 and another thread is inside its run()
    native_handle_type release() {
        native_handle_type native{};
        throwing("release", [&](auto& ec) { native = release(ec); });
        return native;
    }
    native_handle_type release(error_code& ec) { return handle_.release(ec); }

    /// Ends the operations with operation_aborted.
    void cancel() {
        throwing("cancel", [&](auto& ec) { cancel(ec); });
    }
    void cancel(error_code& ec) { ec = handle_.cancel(); }

protected:
    basic_handle(basic_handle&&) noexcept = default;
    basic_handle& operator=(basic_handle&&) noexcept = default;
    template <std::convertible_to<Executor> E>
    basic_handle(basic_handle<E, Kind>&& other) : executor_(other.executor_), handle_(std::move(other.handle_)) {}
    ~basic_handle() = default;

    template <class Call>
    static void throwing(const char* what, Call call) {
        error_code ec;
        call(ec);
        throw_if(ec, what);
    }

    /// What starts an Ask on the handle; its arguments are those of the Ask that are not the handle.
    template <class Ask>
    struct initiate {
        using executor_type = Executor;
        basic_handle* object;

        const executor_type& get_executor() const noexcept { return object->executor_; }
        template <class Handler, class... Args>
        void operator()(Handler&& handler, const Args&... args) const {
            engine::start_operation<Ask>(object->handle_.get_loop(), object->executor_, std::forward<Handler>(handler),
                                         object->handle_, args...);
        }
    };

    RILL_NO_UNIQUE_ADDRESS Executor executor_;
    engine::kernel_handle<Kind> handle_;

private:
    template <class E, engine::handle_kind K>
    friend class basic_handle;
};

}  // namespace rill::windows
