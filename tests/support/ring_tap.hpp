// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <linux/io_uring.h>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

/// Between the program and io_uring: counts its system calls and the entries that are submitted with them, and makes
/// those fail that a test names. The linker sends syscall() through here (tests/CMakeLists.txt).
///
/// It reads the queues through a mapping of its own, which it has for no longer than it looks: a mapping keeps the ring
/// alive.
///
/// Threads  any; but an entry is seen for sure only where no other thread submits at the same time. Rings with a thread
///          of the kernel's that submits are not looked into.
class ring_tap {
public:
    enum class call { setup, enter, registering };

    /// For each entry before the kernel gets it: a value becomes its result, and nothing else is done. What is told of
    /// may also be changed.
    using entry_watcher = std::function<std::optional<int>(::io_uring_sqe&)>;

    /// Which of the calls of a kind fail, counted from 0.
    struct failure {
        int first = 0;
        int behind = 0;
        int error = 0;
        bool in_pairs = false;  // only every other one of them
    };
    static constexpr int for_ever = 0x7fffffff;

    ring_tap() = default;
    ring_tap(const ring_tap&) = delete;

    /// Forgets what it was told, and counts from 0.
    void start(entry_watcher watcher = {});
    void stop();
    void fail(call c, failure f);
    /// @p f is called before each enter, by the thread that is about to make it.
    void before_enter(std::function<void()> f);

    int count(call c) const { return counts_[static_cast<int>(c)].load(); }
    /// How many entries for requests there were, of those that were looked at.
    int requests() const { return requests_.load(); }

    /// The driver's own entries, which no one started, carry small numbers.
    static bool is_request(const ::io_uring_sqe& e) { return e.user_data > 0xff; }

    // -- from the linker
    long setup(unsigned entries, ::io_uring_params* parameters);
    long enter(int handle, unsigned count, unsigned least, unsigned flags, void* argument, unsigned long size);
    long registers(int handle, unsigned what, void* argument, unsigned count);

private:
    struct ring {
        ::io_uring_params parameters{};
        unsigned seen = 0;  // up to here entries have been looked at
    };
    struct injected {
        std::uint64_t user_data;
        int result;
    };
    class mapping;

    bool fails(call c);
    void tell_of_enter();
    std::vector<injected> look_at_entries(int handle);
    void look_at_completions(int handle, const std::vector<injected>& wanted);

    std::atomic<bool> on_{false};
    std::atomic<int> counts_[3]{};
    std::atomic<int> requests_{0};
    std::mutex mutex_;  // of all below
    failure failures_[3];
    entry_watcher watcher_;
    std::shared_ptr<const std::function<void()>> before_enter_;
    std::map<int, ring> rings_;  // by handle
};

/// The one of this program.
ring_tap& the_ring_tap();

/// Taps while it lives.
class tapped {
public:
    explicit tapped(ring_tap::entry_watcher watcher = {}) { the_ring_tap().start(std::move(watcher)); }
    tapped(const tapped&) = delete;
    ~tapped() { the_ring_tap().stop(); }
    ring_tap* operator->() const { return &the_ring_tap(); }
};
