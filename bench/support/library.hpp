// SPDX-License-Identifier: BSL-1.0
#pragma once

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

/// A context that any number of threads may run.
struct shared_context : lib::io_context {};

}  // namespace bench
