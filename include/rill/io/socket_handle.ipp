// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/io/socket_handle.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(socket_calls.hpp)

namespace rill::engine {

RILL_DECL socket_handle::socket_handle(socket_handle&& other) noexcept
    : loop_(other.loop_),
      registration_(std::exchange(other.registration_, nullptr)),
      handle_(std::exchange(other.handle_, no_handle)),
      user_non_blocking_(std::exchange(other.user_non_blocking_, false)),
      system_non_blocking_(std::exchange(other.system_non_blocking_, false)),
      report_aborted_(std::exchange(other.report_aborted_, false)),
      takes_ahead_(std::exchange(other.takes_ahead_, false)) {
    if (registration_)
        registration_->owner = &registration_;
}

RILL_DECL socket_handle& socket_handle::operator=(socket_handle&& other) noexcept {
    if (this != &other) {
        this->~socket_handle();
        ::new (this) socket_handle(std::move(other));
    }
    return *this;
}

RILL_DECL error_code socket_handle::open(int family, int type, int protocol) noexcept {
    if (is_open())
        return error::already_open;
    error_code ec;
    if (native_handle s = system::open_socket(family, type, protocol, ec); s != no_handle)
        adopt(s);
    return ec;
}

RILL_DECL error_code socket_handle::assign(native_handle handle) noexcept {
    if (is_open())
        return error::already_open;
    if (!may_be_handle(handle))
        return error::bad_descriptor;
    system::prepare_to_send(handle);
    handle_ = handle;
    system_non_blocking_ = false;
    return error_code();
}

RILL_DECL error_code socket_handle::close() noexcept {
    if (!is_open())
        return error_code();
    native_handle handle = std::exchange(handle_, no_handle);
    user_non_blocking_ = system_non_blocking_ = report_aborted_ = takes_ahead_ = false;
    if (registration* r = std::exchange(registration_, nullptr))
        return loop_->close(*r);
    return system::close(handle);
}

RILL_DECL native_handle socket_handle::release(error_code& ec) noexcept {
    ec = may_read();  // what was taken ahead would be lost
    if (ec)
        return no_handle;
    if (registration_) {
        ec = loop_->release(*registration_);
        if (ec)
            return no_handle;
        registration_ = nullptr;
    }
    user_non_blocking_ = system_non_blocking_ = report_aborted_ = false;
    return std::exchange(handle_, no_handle);
}

RILL_DECL error_code socket_handle::cancel() noexcept {
    if (!is_open())
        return error::bad_descriptor;
    return registration_ ? loop_->cancel_all(*registration_) : error_code();
}

RILL_DECL void socket_handle::prepare_first(request& q) noexcept {
    if (error_code ec = attach())
        q.answer(ec);
    else
        q.handle = registration_;
}

inline error_code socket_handle::attach() noexcept {
    error_code ec = is_open() ? error_code() : error_code(error::bad_descriptor);
    if (!ec && !system_non_blocking_)
        ec = native_non_blocking(true);
    if (!ec && !registration_)
        registration_ = loop_->attach(handle_, &registration_, ec);
    return ec;
}

RILL_DECL error_code socket_handle::take_ahead(request_kind what) noexcept {
    error_code ec = attach();
    if (!ec && !std::exchange(takes_ahead_, true))
        loop_->take_ahead(*registration_, what);
    return ec;
}

// Whether there is a handle, and all that comes from it comes to who asks here.
inline error_code socket_handle::may_read() const noexcept {
    if (is_open() && !takes_ahead_) [[likely]]
        return error_code();
    return is_open() ? error::operation_not_supported : error::bad_descriptor;
}

RILL_DECL error_code socket_handle::non_blocking(bool on) noexcept {
    if (!is_open())
        return error::bad_descriptor;
    if (on && !system_non_blocking_)
        if (error_code ec = native_non_blocking(true))
            return ec;
    user_non_blocking_ = on;
    return error_code();
}

RILL_DECL error_code socket_handle::native_non_blocking(bool on) noexcept {
    if (!is_open())
        return error::bad_descriptor;
    if (!on && user_non_blocking_)
        return error::invalid_argument;  // the user has asked for non_blocking(true)
    error_code ec = system::set_non_blocking(handle_, on);
    if (!ec)
        system_non_blocking_ = on;
    return ec;
}

// Whether the call that has just failed with @p ec should be tried again: blocks until it may succeed.
inline bool socket_handle::may_wait(direction way, error_code& ec) noexcept {
    if (!system::would_block(ec) || user_non_blocking_)
        return false;
    ec = wait(way);
    return !ec;
}

RILL_DECL error_code socket_handle::wait(direction way) noexcept {
    if (!is_open())
        return error::bad_descriptor;
    if (way == direction::read && takes_ahead_)
        return error::operation_not_supported;  // it may be here already
    constexpr system::readiness wanted[3] = {system::readiness::read, system::readiness::write,
                                             system::readiness::exceptional};
    const std::chrono::nanoseconds timeout(user_non_blocking_ ? 0 : -1);
    error_code ec;
    if (!system::wait_ready(handle_, wanted[static_cast<std::size_t>(way)], timeout, ec) && !ec)
        ec = error::would_block;
    return ec;
}

RILL_DECL error_code socket_handle::connect(const void* address, std::size_t size) noexcept {
    if (!is_open())
        return error::bad_descriptor;
    error_code ec;
    if (system::connect(handle_, address, size, ec) || user_non_blocking_)
        return ec;
    if (system::would_block(ec) && !native_non_blocking(false)) {
        // The queue of a local listener is full, and connect() itself is all that can wait for it: unix(7).
        ec = error_code();
        system::connect(handle_, address, size, ec);
        native_non_blocking(true);
    }
    if (ec.value() != error_number::in_progress)
        return ec;
    ec = wait(direction::write);
    return ec ? ec : system::pending_error(handle_);
}

RILL_DECL native_handle socket_handle::accept(native_address* peer, native_address_size* size,
                                              error_code& ec) noexcept {
    ec = may_read();
    if (ec)
        return no_handle;
    for (;;) {
        ec = error_code();
        native_handle s = system::accept(handle_, peer, size, ec);
        bool next = ec.value() == error_number::connection_aborted && !report_aborted_;
        if (!ec || (!next && !may_wait(direction::read, ec)))
            return s;
    }
}

RILL_DECL std::size_t socket_handle::send(native_buffer* buffers, std::size_t count, int flags,
                                          error_code& ec) noexcept {
    ec = is_open() ? error_code() : error_code(error::bad_descriptor);
    if (ec || count == 0)
        return 0;
    for (;;) {
        auto n = system::send(handle_, buffers, count, flags);
        if (n >= 0)
            return static_cast<std::size_t>(n);
        ec = system::error_of(n);
        if (!may_wait(direction::write, ec))
            return 0;
    }
}

RILL_DECL std::size_t socket_handle::receive(native_buffer* buffers, std::size_t count, int flags, bool stream,
                                             error_code& ec) noexcept {
    ec = may_read();
    if (ec || (count == 0 && stream))
        return 0;
    for (;;) {
        auto n = system::receive(handle_, buffers, count, flags);
        if (n == 0 && stream)
            ec = error::eof;
        if (n >= 0)
            return static_cast<std::size_t>(n);
        ec = system::error_of(n);
        if (!may_wait(direction::read, ec))
            return 0;
    }
}

// The driver's own blocks may be in the hands of the kernel, and all of them in use: nobody should wait here for one.
RILL_DECL block* socket_handle::receive_block(error_code& ec) noexcept {
    ec = may_read();
    if (!ec && !user_non_blocking_)
        ec = wait(direction::read);
    if (ec)
        return nullptr;
    block* b = make_lone_block(loop_->block_size());
    if (!b) {
        ec = error::no_memory;
        return nullptr;
    }
    native_buffer memory = make_native_buffer(b->memory, loop_->block_size());
    b->size = receive(&memory, 1, 0, true, ec);
    if (!ec)
        return b;
    free_block(*b);
    return nullptr;
}

}  // namespace rill::engine
