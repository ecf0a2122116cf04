// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/reactor.hpp>

#include RILL_KERNEL(poll_call.hpp)
#include RILL_KERNEL(waker.hpp)

#include <poll.h>
#include <vector>

namespace rill::engine {

/// Levels from POSIX poll(): the set is rebuilt for each wait from what is armed. Slow with many handles, and
/// everywhere.
class poll_poller final : public poller {
public:
    poll_poller(threading, const driver_options& options)
        : poller(arming::each_wait),
          handles_(source_allocator<reactor_registration*>(options.memory)),
          set_(source_allocator<::pollfd>(options.memory)),
          polled_(source_allocator<reactor_registration*>(options.memory)) {
        handles_.reserve(options.preallocated);
        set_.reserve(options.preallocated + 1);
        polled_.reserve(options.preallocated + 1);
    }

    const char* name() const noexcept override { return "poll"; }

    bool add(reactor_registration& r, error_code& ec) noexcept override {
        scoped_lock lock(mutex_);
        try {
            handles_.push_back(&r);
        } catch (...) {  // whatever the user's allocator throws
            ec = error::no_memory;
            return false;
        }
        r.position = static_cast<std::uint32_t>(handles_.size() - 1);
        return true;
    }

    void remove(reactor_registration& r, bool) noexcept override {
        scoped_lock lock(mutex_);
        handles_[r.position] = handles_.back();
        handles_[r.position]->position = r.position;
        handles_.pop_back();
        r.armed = 0;
        end_round();
    }

    void abandon(reactor_registration& r) noexcept override {
        scoped_lock lock(mutex_);
        system::abandon_file(r.handle, has_forked_);
        end_round();
    }

    bool arm(reactor_registration& r, direction way, error_code&) noexcept override {
        scoped_lock lock(mutex_);
        r.armed = static_cast<unsigned char>(r.armed | bit(way));
        if (polling_)
            waker_.wake();  // a thread polls a set that does not have this
        return true;
    }

    void disarm(reactor_registration& r, direction way) noexcept override {
        scoped_lock lock(mutex_);
        r.armed = static_cast<unsigned char>(r.armed & ~bit(way));
    }

    void wait(wait_limit limit, reactor& to, task_queue& answered) noexcept override {
        build_set();
        int n = poll_set(limit);
        {
            scoped_lock lock(mutex_);
            polling_ = false;
            ++round_;
            polled_once_.notify_all();
        }
        if (n > 0 && set_[0].revents)
            waker_.drain();
        for (std::size_t i = 1; n > 0 && i < set_.size(); ++i) {
            short e = set_[i].revents;
            if (!e)
                continue;
            bool error = (e & (POLLERR | POLLHUP | POLLNVAL)) != 0;
            ready_events ready;
            ready.readable = error || (e & POLLIN);
            ready.writable = error || (e & POLLOUT);
            ready.exceptional = error || (e & POLLPRI);
            to.on_ready(*polled_[i], ready, answered);
        }
    }

    void wake() noexcept override { waker_.wake(); }

    /// The kernel keeps nothing but the waker, which would wake the old process and never the new one.
    error_code notify_fork(fork_event event, reactor&) noexcept override {
        has_forked_ = true;
        return event == fork_event::child ? waker_.renew() : error_code();
    }

private:
    template <class T>
    using vector = std::vector<T, source_allocator<T>>;

    /// With mutex_ held. Afterwards no poll() is under way that had begun before: the kernel would keep the files that
    /// it knows open until it returned.
    void end_round() noexcept {
        for (auto asked = round_; polling_ && asked == round_;) {
            waker_.wake();
            polled_once_.wait(mutex_);
        }
    }

    static constexpr unsigned bit(direction way) noexcept { return 1u << static_cast<unsigned>(way); }

    void build_set() noexcept {
        scoped_lock lock(mutex_);
        set_.clear();
        polled_.clear();
        try {
            set_.reserve(handles_.size() + 1);
            polled_.reserve(handles_.size() + 1);
        } catch (...) {
            // Those for which there is room are polled.
        }
        set_.push_back({waker_.handle(), POLLIN, 0});
        polled_.push_back(nullptr);
        for (reactor_registration* r : handles_) {
            if (!r->armed || set_.size() == set_.capacity() || polled_.size() == polled_.capacity())
                continue;
            short events = 0;
            if (r->armed & bit(direction::read))
                events |= POLLIN;
            if (r->armed & bit(direction::write))
                events |= POLLOUT;
            if (r->armed & bit(direction::exceptional))
                events |= POLLPRI;
            set_.push_back({r->handle, events, 0});
            polled_.push_back(r);
        }
        polling_ = true;
    }

    int poll_set(wait_limit limit) noexcept {
        ::timespec timeout{};
        if (!limit.look_only && limit.deadline != time_point::max()) {
            auto left = time_left(limit.deadline, std::chrono::steady_clock::now()).count();
            timeout.tv_sec = static_cast<::time_t>(left / 1'000'000'000);
            timeout.tv_nsec = static_cast<long>(left % 1'000'000'000);
        }
        bool forever = !limit.look_only && limit.deadline == time_point::max();
        return system::poll(set_.data(), set_.size(), forever ? nullptr : &timeout);
    }

    mutex mutex_;
    vector<reactor_registration*> handles_;  // mutex_; of a registration, `armed` and `position` too
    bool has_forked_ = false;                // another process may have the same files
    bool polling_ = false;                   // mutex_
    unsigned round_ = 0;                     // mutex_
    condition polled_once_;
    waker waker_;
    // Whoever is in wait().
    vector<::pollfd> set_;
    vector<reactor_registration*> polled_;
};

}  // namespace rill::engine
