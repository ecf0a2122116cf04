// SPDX-License-Identifier: BSL-1.0
#pragma once

#define TEST_HAS_FORK 1           // a process can be doubled
#define TEST_HAS_SIGNALS 1        // POSIX signals: masks, SIGPIPE, a process that is ended by one
#define TEST_HAS_LOCAL_SOCKETS 1  // sockets of the family AF_UNIX
#define TEST_HAS_PROC 1           // the system's list of what the process has open, and limits to that
#define TEST_HAS_REACTOR 1        // a driver that tries calls when handles are ready; calls can be made to fail for it
#define TEST_HAS_DESCRIPTORS 1    // sockets, files and pipes are handles of one kind, whose numbers can be looked at
// The system can be made to refuse to make threads.
#if defined(__linux__)
#define TEST_CAN_REFUSE_THREADS 1
#else
#define TEST_CAN_REFUSE_THREADS 0
#endif
// The driver io_uring; names of local sockets that are in no folder, and begin with NUL.
#if defined(__linux__)
#define TEST_HAS_IO_URING 1
#define TEST_HAS_ABSTRACT_NAMES 1
#else
#define TEST_HAS_IO_URING 0
#define TEST_HAS_ABSTRACT_NAMES 0
#endif
#define TEST_HAS_KQUEUE 1                // the driver kqueue, on its emulation where that is not the system's
#define TEST_HAS_REUSE_PORT 1            // several sockets can listen on one port, and share its connections
#define TEST_TELLS_MARK_IF_NONE_COMES 0  // at_mark() is also true as long as no urgent data comes
#define TEST_HAS_LOW_WATERMARKS 1        // a number of bytes below which a socket is not ready
#define TEST_HAS_COMPLETION_PORTS 0      // the driver iocp
#define TEST_FREES_ADDRESSES_LATE 0      // a moment after the close of a listener that another thread watches
#define TEST_HAS_DO_NOT_ROUTE 1          // SO_DONTROUTE is more than accepted
#define TEST_TAKES_LEADING_ZEROS 0       // inet_pton() in the numbers of "::1.2.3.4"
#define TEST_TELLS_END_BEFORE_RESET 0    // a peer that resets the connection seems to have sent all it had
#define TEST_KEEPS_THREAD_LOCALS 1       // a thread's variables are there until the last of their destructors has run
