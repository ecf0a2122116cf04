// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rill::engine::system {

/// Threads of this process that compute are in the kernel for a moment, and do there what it has waiting for them. No
/// more than an attempt: a filter of system calls may refuse it.
///
/// Source  membarrier(2): the barrier is an interrupt of each processor on which a thread of the process runs
inline void interrupt_threads() noexcept {
    ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

}  // namespace rill::engine::system
