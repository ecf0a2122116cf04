// SPDX-License-Identifier: BSL-1.0
#pragma once

// The types of NetBSD 9, whose filters are unsigned, whose udata is a number and whose counts are sizes, to compile against
// and not to link. Source: NetBSD kqueue(2).

#include <cstddef>
#include <cstdint>
#include <ctime>

#define EVFILT_READ 0U
#define EVFILT_WRITE 1U

#define EV_ADD 0x0001U
#define EV_DELETE 0x0002U
#define EV_CLEAR 0x0020U
#define EV_ERROR 0x4000U
#define EV_EOF 0x8000U

struct kevent {
    std::uintptr_t ident;
    std::uint32_t filter;
    std::uint32_t flags;
    std::uint32_t fflags;
    std::int64_t data;
    std::intptr_t udata;
};

extern "C" int kqueue(void);
extern "C" int kevent(int queue, const struct kevent* changes, std::size_t change_count, struct kevent* events,
                      std::size_t event_count, const struct timespec* timeout);
