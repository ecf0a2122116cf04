// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lock_step {

/// The descriptor by which the clients find the server's address.
inline constexpr int inherited_listener = 3;

/// The descriptor of the memory in which the server counts its allocations: a long.
inline constexpr int inherited_count = 4;

/// The calling thread shares one processor with the other side, and neither interrupts the other: a thread of
/// SCHED_BATCH that is woken waits until the one that runs goes to sleep.
inline void take_turns() {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &here);
    sched_setaffinity(0, sizeof here, &here);  // one already, if bench/run started it

    // struct sched_attr, see sched_setattr(2). The runtime is the length of a turn, since Linux 6.12; kernels before
    // interrupt a turn that is longer than they like, once in a while.
    struct {
        std::uint32_t size, policy;
        std::uint64_t flags;
        std::int32_t nice;
        std::uint32_t priority;
        std::uint64_t runtime, deadline, period;
    } attributes{sizeof attributes, SCHED_BATCH, 0, 0, 0, 100'000'000, 0, 0};
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/// Nothing else on this processor has a turn, if the process may ask for that; take_turns() ends it.
inline void insist() {
    sched_param first{};
    first.sched_priority = 1;
    sched_setscheduler(0, SCHED_FIFO, &first);
}

}  // namespace lock_step
