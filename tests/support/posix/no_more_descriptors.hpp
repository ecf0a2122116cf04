// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/// While it lives the process can open no descriptor.
class no_more_descriptors {
public:
    no_more_descriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        REQUIRE(lowest_free >= 0);
        ::close(lowest_free);
        ::rlimit now = before_;
        now.rlim_cur = static_cast<::rlim_t>(lowest_free);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
    }
    no_more_descriptors(const no_more_descriptors&) = delete;
    ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    ::rlimit before_{};
};
