// SPDX-License-Identifier: BSL-1.0
#pragma once

#define TEST_HAS_FORK 0
#define TEST_HAS_SIGNALS 0
#define TEST_HAS_LOCAL_SOCKETS 0  // Windows 10 has them, Wine 8 not
#define TEST_HAS_PROC 0
#define TEST_HAS_REACTOR 0
#define TEST_HAS_IO_URING 0
#define TEST_HAS_KQUEUE 0
#define TEST_HAS_DESCRIPTORS 0
#define TEST_CAN_REFUSE_THREADS 0
#define TEST_HAS_REUSE_PORT 0
#define TEST_TELLS_MARK_IF_NONE_COMES 1
#define TEST_HAS_LOW_WATERMARKS 0
#define TEST_HAS_COMPLETION_PORTS 1
#define TEST_FREES_ADDRESSES_LATE 1  // Wine 8
#define TEST_HAS_DO_NOT_ROUTE 0
#define TEST_TAKES_LEADING_ZEROS 1     // Wine 8
#define TEST_TELLS_END_BEFORE_RESET 1  // Wine 8
#define TEST_KEEPS_THREAD_LOCALS 0     // MinGW's gcc may free them first
