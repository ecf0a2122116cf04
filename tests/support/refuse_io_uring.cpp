// SPDX-License-Identifier: BSL-1.0
#include <support/refuse_call.hpp>

#include <cerrno>
#include <cstdio>
#include <sys/syscall.h>
#include <unistd.h>

// refuse_io_uring PROGRAM [ARGUMENT...]: runs it where the kernel refuses io_uring, as in most containers. 77: that cannot
// be had here.
int main(int argc, char** argv) {
    if (argc < 2 || !refuse_call(__NR_io_uring_setup, EPERM)) {
        std::perror("refuse_io_uring");
        return 77;
    }
    ::execv(argv[1], argv + 1);
    std::perror(argv[1]);
    return 1;
}
