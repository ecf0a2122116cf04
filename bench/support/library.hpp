// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>

// One source, two programs: `lib` is Boost.Asio if BENCH_ASIO is defined, rill otherwise. What the two spell differently
// is bridged here and nowhere else, so that both run the same program.

#ifdef BENCH_ASIO

#include <boost/asio.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

namespace lib = boost::asio;

#else

#include <rill/rill.hpp>

namespace lib = rill;

#endif

namespace bench {

using error_code = boost::system::error_code;
using system_error = boost::system::system_error;

/// For the numbers of operations alone, so that a run takes about as long with both.
#ifdef BENCH_ASIO
inline constexpr bool on_asio = true;
#else
inline constexpr bool on_asio = false;
#endif

/// The mechanism that the context waits by.
inline const char* backend_name(lib::io_context& context) {
#ifndef BENCH_ASIO
    return context.backend_name();
#else
    static_cast<void>(context);
#ifdef BOOST_ASIO_HAS_IO_URING_AS_DEFAULT
    return "io_uring";
#else
    return "epoll";
#endif
#endif
}

/// A context that one thread runs, and says so.
struct solo_context : lib::io_context {
    solo_context() : lib::io_context(1) {}
};

/// The same, and the kernel may receive into a buffer of @p size bytes for each of many connections: else it runs out of
/// them in every turn.
struct ahead_context : lib::io_context {
#ifdef BENCH_ASIO
    explicit ahead_context(std::size_t) : lib::io_context(1) {}
#else
    explicit ahead_context(std::size_t size)
        : lib::io_context(lib::config_from_string("scheduler.concurrency_hint=1\nreceive_buffers.count=1024\n"
                                                  "receive_buffers.size=" +
                                                  std::to_string(size))) {}
#endif
};

/// A context that any number of threads may run.
struct shared_context : lib::io_context {};

}  // namespace bench
