// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <pthread.h>

/// While it lives the system refuses to make threads: their stacks would have to be larger than the address space.
class no_threads {
public:
    no_threads() {
        ::pthread_getattr_default_np(&before_);
        ::pthread_attr_t huge;
        ::pthread_getattr_default_np(&huge);
        ::pthread_attr_setstacksize(&huge, std::size_t(1) << 47);
        ::pthread_setattr_default_np(&huge);
        ::pthread_attr_destroy(&huge);
    }
    no_threads(const no_threads&) = delete;
    ~no_threads() {
        ::pthread_setattr_default_np(&before_);
        ::pthread_attr_destroy(&before_);
    }

private:
    ::pthread_attr_t before_;
};
