// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

namespace rill {

/// The mechanism of the operating system that a context uses, chosen at run time.
enum class backend {
    best,      ///< what RILL_BACKEND in the environment names, or else the best that there is
    epoll,     ///< Linux
    io_uring,  ///< Linux 5.11; where the system refuses it: epoll
    iocp,      ///< Windows
    kqueue,    ///< macOS and the BSDs
    poll,      ///< POSIX
};

}  // namespace rill
