// SPDX-License-Identifier: BSL-1.0
#pragma once

// kqueue() and kevent() for tests on Linux: what ../../emulation.cpp imitates, with macOS's numbers and types.

#include <cstdint>
#include <ctime>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

struct kevent {
    std::uintptr_t ident;
    std::int16_t filter;
    std::uint16_t flags;
    std::uint32_t fflags;
    std::intptr_t data;
    void* udata;
};

extern "C" int kqueue();
extern "C" int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events, int event_count,
                      const struct timespec* timeout);
