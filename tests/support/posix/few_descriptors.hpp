// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

/// Few descriptors, and, from exhaust() to give_back(), none. The limit is there from the beginning: io_uring looks at it
/// when an accept is started.
class few_descriptors {
public:
    few_descriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const int lowest_free = open_one();
        REQUIRE(lowest_free >= 0);
        ::close(lowest_free);
        ::rlimit now = before_;
        now.rlim_cur = static_cast<::rlim_t>(lowest_free + 40);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
    }
    few_descriptors(const few_descriptors&) = delete;
    ~few_descriptors() {
        give_back();
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

    void exhaust() {
        for (int taken = open_one(); taken >= 0; taken = open_one())
            taken_.push_back(taken);
    }
    void give_back() {
        for (int taken : taken_)
            ::close(taken);
        taken_.clear();
    }

private:
    static int open_one() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

    ::rlimit before_{};
    std::vector<int> taken_;
};
