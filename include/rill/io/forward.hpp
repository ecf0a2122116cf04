// SPDX-License-Identifier: BSL-1.0
#pragma once

// The I/O objects by name only, with their default arguments, for the protocols that name them.

namespace rill {

class any_io_executor;

template <class Clock>
struct wait_traits;

template <class Clock, class WaitTraits = wait_traits<Clock>, class Executor = any_io_executor>
class basic_waitable_timer;

template <class Protocol, class Executor = any_io_executor>
class basic_socket;

template <class Protocol, class Executor = any_io_executor>
class basic_stream_socket;

template <class Protocol, class Executor = any_io_executor>
class basic_socket_acceptor;

}  // namespace rill
