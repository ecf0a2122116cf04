// SPDX-License-Identifier: BSL-1.0
#pragma once

#define TEST_HAS_FORK 0
#define TEST_HAS_SIGNALS 0
#define TEST_HAS_LOCAL_SOCKETS 0  // Windows 10 has them, Wine 8 not
#define TEST_HAS_PROC 0
#define TEST_HAS_REACTOR 0
#define TEST_HAS_DESCRIPTORS 0
#define TEST_CAN_REFUSE_THREADS 0
#define TEST_HAS_REUSE_PORT 0
#define TEST_TELLS_MARK_IF_NONE_COMES 1
#define TEST_HAS_LOW_WATERMARKS 0
