// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/native_buffers.hpp>
#include <rill/engine/request/overlapped_request.hpp>
#include <rill/engine/scheduler/loop.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <utility>

namespace rill::engine {

/// What an object of a handle is, whatever its executor: the handle, its loop, and its registration there. It closes the
/// handle when it dies.
template <handle_kind Kind>
class kernel_handle {
public:
    explicit kernel_handle(loop& l) noexcept : loop_(&l) {}
    kernel_handle(kernel_handle&& other) noexcept
        : loop_(other.loop_),
          registration_(std::exchange(other.registration_, nullptr)),
          handle_(std::exchange(other.handle_, none())) {
        if (registration_)
            registration_->owner = &registration_;
    }
    kernel_handle& operator=(kernel_handle&& other) noexcept {
        if (this != &other) {
            this->~kernel_handle();
            ::new (this) kernel_handle(std::move(other));
        }
        return *this;
    }
    ~kernel_handle() { close(); }

    loop& get_loop() const noexcept { return *loop_; }
    bool is_open() const noexcept { return handle_ != none(); }
    ::HANDLE get() const noexcept { return handle_; }

    error_code assign(::HANDLE handle) noexcept {
        if (is_open())
            return error::already_open;
        if (handle == none() || !handle)
            return error::bad_descriptor;
        error_code ec;
        registration_ = loop_->attach_other(number_of(handle), Kind, &registration_, ec);
        if (!ec)
            handle_ = handle;
        return ec;
    }

    /// Ends the operations with operation_aborted and closes the handle, which is gone whatever this returns.
    error_code close() noexcept {
        if (!is_open())
            return error_code();
        const native_handle handle = number_of(std::exchange(handle_, none()));
        if (registration* r = std::exchange(registration_, nullptr))
            return loop_->close(*r);
        return system::close(handle);
    }

    /// Ends the operations with operation_aborted and gives the handle away.
    ::HANDLE release(error_code& ec) noexcept {
        ec = is_open() ? error_code() : error_code(error::bad_descriptor);
        if (!ec && registration_)
            ec = loop_->release(*registration_);
        if (ec)
            return none();
        registration_ = nullptr;
        return std::exchange(handle_, none());
    }

    error_code cancel() noexcept {
        if (!is_open())
            return error::bad_descriptor;
        return registration_ ? loop_->cancel_all(*registration_) : error_code();
    }

    /// Names the registration in @p q, or answers it if there is none.
    void prepare(request& q) noexcept {
        if (registration_)
            q.handle = registration_;
        else
            q.answer(error::bad_descriptor);
    }

private:
    static ::HANDLE none() noexcept { return INVALID_HANDLE_VALUE; }
    static native_handle number_of(::HANDLE handle) noexcept { return reinterpret_cast<native_handle>(handle); }

    loop* loop_;
    registration* registration_ = nullptr;  // cleared by the loop if it goes first
    ::HANDLE handle_ = none();
};

using file_handle = kernel_handle<handle_kind::file>;

/// The first buffer that is not empty: a call moves no more.
template <class Sequence>
system::overlapped_transfer transfer_at(std::uint64_t offset, const Sequence& sequence) noexcept {
    native_buffers<1> native(sequence);
    system::overlapped_transfer t;
    t.offset = offset;
    if (native.count() != 0) {
        t.data = native.data()->buf;
        t.size = native.data()->len;
    }
    return t;
}

/// Blocks until the transfer is done.
template <class Sequence>
std::size_t transfer_now(const file_handle& h, system::overlapped_call call, std::uint64_t offset,
                         const Sequence& sequence, error_code& ec) noexcept {
    const system::overlapped_transfer t = transfer_at(offset, sequence);
    ec = h.is_open() ? error_code() : error_code(error::bad_descriptor);
    return ec || t.size == 0 ? 0 : system::call_and_wait(h.get(), call, t, ec);
}

struct file_transfer : overlapped_request {
    template <class Sequence>
    file_transfer(task::function f, file_handle& h, system::overlapped_call c, std::uint64_t offset,
                  const Sequence& sequence) noexcept
        : overlapped_request(f, c) {
        about = transfer_at(offset, sequence);
        h.prepare(*this);
        if (about.size == 0 && state == request_state::created)
            answer();  // nothing to move
    }

    std::tuple<error_code, std::size_t> result() noexcept { return {ec, bytes}; }
};

struct object_wait : object_wait_request {
    object_wait(task::function f, kernel_handle<handle_kind::object>& h) noexcept : object_wait_request(f) {
        h.prepare(*this);
    }

    std::tuple<error_code> result() noexcept { return {ec}; }
};

}  // namespace rill::engine
