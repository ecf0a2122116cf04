// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <thread>

/// Waits until @p condition holds, for no longer than a minute: the machine may be busy, and Wine is slow. Whether it came
/// to hold. For conditions that other threads bring about: a test that passes hardly waits.
template <class Condition>
bool soon(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::yield();
    }
    return true;
}
