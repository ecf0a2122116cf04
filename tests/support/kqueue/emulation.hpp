// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What tests ask of the emulation of kqueue. With KQUEUE_CHAOS in the environment it is in chaos from the start; its
/// value is the seed.
namespace kqueue_emulation {

/// In chaos kevent() does what a kernel may do and mostly does not: it reports a filter that is not ready, a write filter
/// again and again, events in any order and few at a time; it is interrupted, also after it has made its changes; filters
/// that are deleted are said to be gone already; `fflags`, and `data` but for that of a failed change, are noise.
void set_chaos(bool on);
bool is_chaotic();

/// No chaos while it lives: for tests that count calls.
class calm {
public:
    calm() { set_chaos(false); }
    calm(const calm&) = delete;
    calm& operator=(const calm&) = delete;
    ~calm() { set_chaos(was_chaotic_); }

private:
    const bool was_chaotic_ = is_chaotic();
};

/// How often, in this process, EV_ADD has succeeded, and a time-out was refused.
int count_additions();
int count_refused_timeouts();

/// How many filters are registered, with all queues of the process, for @p descriptor.
int count_filters(int descriptor);

}  // namespace kqueue_emulation
