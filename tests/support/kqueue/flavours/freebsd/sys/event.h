// SPDX-License-Identifier: BSL-1.0
#pragma once

// The types of FreeBSD 12 and newer, and its EV_SET, to compile against and not to link. Source: FreeBSD kqueue(2).

#include <cstdint>
#include <ctime>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_SET(kevp_, a, b, c, d, e, f) \
    do {                                \
        struct kevent* kevp = (kevp_);  \
        (kevp)->ident = (a);            \
        (kevp)->filter = (b);           \
        (kevp)->flags = (c);            \
        (kevp)->fflags = (d);           \
        (kevp)->data = (e);             \
        (kevp)->udata = (f);            \
        (kevp)->ext[0] = 0;             \
        (kevp)->ext[1] = 0;             \
        (kevp)->ext[2] = 0;             \
        (kevp)->ext[3] = 0;             \
    } while (0)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

struct kevent {
    std::uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    std::int64_t data;
    void* udata;
    std::uint64_t ext[4];
};

extern "C" int kqueue(void);
extern "C" int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events, int event_count,
                      const struct timespec* timeout);
