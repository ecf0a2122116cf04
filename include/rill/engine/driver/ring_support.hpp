// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/engine/system/gnu_linux/ring.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/utsname.h>

namespace rill::engine {

/// What of io_uring this process may use.
struct ring_support {
    error_code refused;               ///< set: nothing, and why
    bool submits_all = false;         ///< 5.18: an entry that is wrong does not hold up those behind it
    bool cooperates = false;          ///< 5.19: what is left to do waits until the thread calls the kernel
    bool defers = false;              ///< 6.1: and until it asks for completions
    bool remembers_handle = false;    ///< 5.18
    bool skips_success = false;       ///< 5.17: no completions that tell nothing
    bool polls_on = false;            ///< 5.13: a poll that goes on after its first event
    bool polls_first = false;         ///< 5.19: a receive that does not try before it waits
    bool sends_without_copy = false;  ///< 6.1: one buffer is 6.0
    bool answers_on = false;          ///< 6.0: a receive that goes on after its first answer; an accept, 5.19
    bool accepts_later = false;       ///< 6.10: an accept that does not try before it waits
};

/// RILL_IO_URING in the environment, for tests and measurements: words between commas, for every context.
struct ring_wishes {
    bool oldest = false;   ///< "oldest": as if the kernel were Linux 5.11
    bool pinned = false;   ///< "pinned": as scheduler.pinned in the configuration
    unsigned entries = 0;  ///< "entries=N", as io_uring.entries; 0: it does not say
    unsigned idle_ms = 0;  ///< "polled=N", as io_uring.polled
};

/// Throws  system_error: invalid_argument, and the message says which word is none
RILL_COLD inline ring_wishes read_ring_wishes() {
    ring_wishes wishes;
    const auto takes_number = [](std::string_view word, std::string_view name, unsigned& value) noexcept {
        if (!word.starts_with(name))
            return false;
        const char* end = word.data() + word.size();
        const auto parsed = std::from_chars(word.data() + name.size(), end, value);
        return parsed.ec == std::errc() && parsed.ptr == end && value != 0;
    };
    const char* set = std::getenv("RILL_IO_URING");
    for (std::string_view rest = set ? set : ""; !rest.empty();) {
        const std::string_view word = rest.substr(0, rest.find(','));
        rest.remove_prefix(word.size() == rest.size() ? word.size() : word.size() + 1);
        if (word == "oldest") {
            wishes.oldest = true;
        } else if (word == "pinned") {
            wishes.pinned = true;
        } else if (!takes_number(word, "entries=", wishes.entries) && !takes_number(word, "polled=", wishes.idle_ms)) {
            const std::string message = "rill: RILL_IO_URING has '" + std::string(word) +
                                        "'; it may have: oldest, pinned, entries=N, polled=N (N above 0)";
            throw_error(error::invalid_argument, message.c_str());
        }
    }
    return wishes;
}

/// An accept on no file at all: a kernel that does not know the flag does not come to look for the file.
RILL_COLD inline bool knows_accept_poll_first(system::ring& r) noexcept {
    r.pop_all_before(r.completed());
    system::ring::entry& e = *r.next_entry();
    e.opcode = IORING_OP_ACCEPT;
    e.fd = -1;
    e.ioprio = system::ring_constant::accept_poll_first;
    r.publish();
    return r.enter(1, 1) == 1 && r.completed() != r.seen() && r.completion_at(r.seen()).res == -EBADF;
}

/// Tries what there is, without caring for wishes.
RILL_COLD inline ring_support try_ring() noexcept {
    namespace constant = system::ring_constant;
    constexpr unsigned few = 4;
    const auto opens = [](std::uint32_t flags) noexcept {
        system::ring r;
        return !r.open(few, few, flags);
    };
    ring_support found;
    system::ring r;
    found.refused = r.open(few, few, 0);
    if (found.refused)
        return found;
    // A filter of system calls may allow one of them and not the others.
    r.next_entry()->opcode = IORING_OP_NOP;
    r.publish();
    const int entered = r.enter(1, 1);
    if (entered < 0) {
        found.refused = error_code(-entered, boost::system::system_category());
        return found;
    }
    if (!r.knows(IORING_OP_RECV)) {
        found.refused = error::operation_not_supported;
        return found;
    }
    found.polls_on = (r.features() & constant::feature_rsrc_tags) != 0;
    found.skips_success = (r.features() & constant::feature_cqe_skip) != 0;
    found.polls_first = r.knows(constant::operation_socket);
    found.sends_without_copy = r.knows(constant::operation_sendmsg_zc);
    found.answers_on = r.knows(constant::operation_send_zc);
    found.accepts_later = knows_accept_poll_first(r);
    found.submits_all = found.remembers_handle = opens(constant::setup_submit_all);
    found.cooperates = opens(constant::setup_coop_taskrun | constant::setup_taskrun_flag);
    found.defers = opens(constant::setup_single_issuer | constant::setup_defer_taskrun);
    return found;
}

/// What there is to know of the kernels' io_uring, and from which on it is preferred to epoll. (Distributions carry
/// patches back: what try_ring() finds counts where it finds less.)
struct ring_kernel {
    unsigned major;
    unsigned minor;
    bool is_preferred;
    std::string_view what;
};
inline constexpr ring_kernel ring_kernels[] = {
    {5, 11, false, "the first in which a wait can end in time"},
    {5, 13, false, "one request tells of every wake-up"},
    {5, 19, false, "the first that need not interrupt the loop's thread for each completion"},
    {6, 1, false, "rings of one thread that leave all work to its own calls"},
    {6, 10, false, "accepts need not try before they wait"},
    {6, 12, true, "the oldest long-term kernel that is close to the one on which the tests run, 6.18"},
};

RILL_COLD inline bool kernel_prefers_ring(std::string_view release) noexcept {
    unsigned number[2] = {0, 0};  // "6.18.4-amd64"
    const char* next = release.data();
    for (unsigned& n : number) {
        const auto parsed = std::from_chars(next, release.data() + release.size(), n);
        if (parsed.ec != std::errc())
            return false;
        next = parsed.ptr + (parsed.ptr != release.data() + release.size());
    }
    bool is_preferred = false;
    for (const ring_kernel& k : ring_kernels)
        if (number[0] > k.major || (number[0] == k.major && number[1] >= k.minor))
            is_preferred = k.is_preferred;
    return is_preferred;
}

/// Tries until it is answered for good: a want of memory or of descriptors may pass.
///
/// Threads  any
class ring_trial {
public:
    RILL_COLD inline ring_support result() noexcept {
        scoped_lock lock(mutex_);
        if (!is_settled_) {
            found_ = try_ring();
            const int why = found_.refused.value();
            is_settled_ = why != ENOMEM && why != EMFILE && why != ENFILE && why != EAGAIN;
        }
        return found_;
    }

private:
    mutex mutex_;
    ring_support found_;
    bool is_settled_ = false;
};

/// This process's.
inline ring_support tried_ring() noexcept {
    static ring_trial trial;
    return trial.result();
}

/// Whether backend::best is io_uring.
inline bool prefers_ring() noexcept {
    const ring_support found = tried_ring();
    ::utsname system;
    return !found.refused && found.cooperates && ::uname(&system) == 0 && kernel_prefers_ring(system.release);
}

}  // namespace rill::engine
