// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <utility>

namespace rill::engine {

/// Where the caller of a blocking execute() waits.
class gate {
public:
    void open() noexcept {
        scoped_lock lock(mutex_);
        is_open_ = true;
        opened_.notify_one();  // with the lock: the gate may be gone as soon as it is free
    }
    void wait() noexcept {
        scoped_lock lock(mutex_);
        while (!is_open_)
            opened_.wait(mutex_);
    }

private:
    mutex mutex_;
    condition opened_;
    bool is_open_ = false;  // mutex_
};

/// Calls a function that waits behind a gate, and opens that when it is destroyed.
template <class Function>
class awaited_function {
public:
    awaited_function(Function& f, gate& g) noexcept : function_(f), gate_(&g) {}
    awaited_function(awaited_function&& other) noexcept
        : function_(other.function_), gate_(std::exchange(other.gate_, nullptr)) {}
    awaited_function& operator=(awaited_function&&) = delete;
    ~awaited_function() {
        if (gate_)
            gate_->open();
    }

    void operator()() { std::move(function_)(); }

private:
    Function& function_;
    gate* gate_;
};

}  // namespace rill::engine
