// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/reactor.hpp>

#include RILL_KERNEL(alarm.hpp)
#include RILL_KERNEL(waker.hpp)

#include <cstdint>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace rill::engine {

/// Edges from Linux's epoll: each handle is registered once for reading, and once more when a first write has to wait.
/// Shared, every thread that has nothing to do may wait: the kernel gives each edge to one of them.
class epoll_poller final : public poller {
public:
    epoll_poller(threading t, const driver_options& options)
        : poller(arming::first_write), solo_(t == threading::solo), uses_timerfd_(options.use_timerfd) {
        error_code ec;
        handle_ = make_instance(ec);
        throw_if(ec, "epoll");
    }
    ~epoll_poller() override { system::close(handle_); }

    const char* name() const noexcept override { return "epoll"; }

    bool add(reactor_registration& r, error_code& ec) noexcept override {
        added_.fetch_add(1, std::memory_order_release);
        return control(EPOLL_CTL_ADD, r, read_events, ec);
    }

    /// A handle that is closed next leaves the set by itself. If a duplicate of it lives on, stale edges may come. But
    /// since Linux 6.9 an epoll_wait() that looks at a file also holds it: from a listener its hands are taken. After a
    /// fork() a duplicate does live on, in the other process, where it may be busy.
    void remove(reactor_registration& r, bool closing) noexcept override {
        error_code ignored;
        if ((!closing || r.may_listen || has_forked_) && !forks_)
            control(EPOLL_CTL_DEL, r, 0, ignored);
        if (solo_)
            forget_events(r);
    }

    void abandon(reactor_registration& r) noexcept override {
        error_code ignored;
        control(EPOLL_CTL_DEL, r, 0, ignored);  // as in remove()
        system::abandon_file(r.handle, has_forked_);
    }

    bool arm(reactor_registration& r, direction, error_code&) noexcept override {
        if (r.armed)
            return true;
        r.armed = 1;
        error_code ignored;  // a handle that was closed behind our back: nothing to wait for
        control(EPOLL_CTL_MOD, r, read_events | EPOLLOUT, ignored);
        return true;
    }
    void disarm(reactor_registration&, direction) noexcept override {}

    /// Passes a few events on at a time: what has been read should still be in the processor's cache when its handler
    /// runs. But it comes back with nothing only after a look at all that is ready now.
    void wait(wait_limit limit, reactor& to, task_queue& answered) noexcept override {
        if (!solo_)
            return wait_among_others(limit, to, answered);
        if (next_ != fetched_) {
            pass_on(to, answered);
            if (!answered.empty())
                return;
        }
        next_ = 0;
        const int fetched = fetch(limit);
        fetched_ = fetched > 0 ? fetched : 0;
        pass_on(to, answered);
    }

    void wake() noexcept override { waker_.wake(); }

    bool many_may_wait() const noexcept override { return !solo_; }

    void expect(time_point deadline) noexcept override {
        scoped_lock lock(alarm_mutex_);
        if (!set_alarm(deadline) && !somebody_returns_at(deadline))
            wake();
    }

    /// The instance is one for both processes until the new one has made its own. Between fork() and that nothing is
    /// taken out of it: it might be the new process that does so, and the old one that then waits in vain.
    error_code notify_fork(fork_event event, reactor& of) noexcept override {
        has_forked_ = true;
        error_code ec;
        if (event == fork_event::child)
            ec = renew(of);
        if (!ec)
            forks_ = event == fork_event::prepare;
        return ec;
    }

private:
    static constexpr std::uint32_t read_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    static constexpr int most_events = 128;
    static constexpr int events_at_a_time = 16;
    static constexpr std::size_t bytes_at_a_time = 32768;  // about

    // The registration may be another thread's next. (In shared mode its lock sees to that, and the events are those of
    // the threads in wait().)
    void forget_events(const reactor_registration& r) noexcept {
        for (int i = next_; i < fetched_; ++i)
            if (events_[i].data.ptr == &r)
                events_[i].data.ptr = nullptr;
    }

    void pass_on(reactor& to, task_queue& answered) noexcept {
        static_cast<void>(added_.load(std::memory_order_acquire));
        const int most = at_a_time_.load(std::memory_order_relaxed);
        task_queue found;
        int passed = 0;
        for (; next_ != fetched_ && (passed < most || (found.empty() && answered.empty())); ++passed, ++next_)
            pass_on(events_[next_], to, found);
        limit_next(found, most);
        answered.splice(found);
    }

    /// If what is found next is about as large as the first of @p found, so many are not too much.
    void limit_next(const task_queue& found, int now) noexcept {
        if (found.empty())
            return;
        int next = events_at_a_time;
        const std::size_t received = bytes_received(static_cast<const request&>(*found.front()));
        if (received > bytes_at_a_time / events_at_a_time) [[unlikely]]
            next = received < bytes_at_a_time ? static_cast<int>(bytes_at_a_time / received) : 1;
        if (next != now) [[unlikely]]
            at_a_time_.store(next, std::memory_order_relaxed);
    }

    static std::size_t bytes_received(const request& q) noexcept {
        if (q.kind == request_kind::receive)
            return static_cast<const receive_request&>(q).bytes;
        if (q.kind != request_kind::receive_block)
            return 0;
        const block* b = static_cast<const receive_block_request&>(q).received;
        return b ? b->size : 0;
    }

    void pass_on(const ::epoll_event& event, reactor& to, task_queue& answered) noexcept {
        if (event.data.ptr == &alarm_) {
            scoped_lock lock(solo_ ? nullptr : &alarm_mutex_);
            alarm_set_for_ = time_point::max();
        } else if (event.data.ptr) {
            const std::uint32_t e = event.events;
            ready_events ready;
            ready.readable = (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
            ready.writable = (e & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
            ready.exceptional = (e & (EPOLLPRI | EPOLLHUP | EPOLLERR)) != 0;
            ready.unusual = (e & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
            to.on_ready(*static_cast<reactor_registration*>(event.data.ptr), ready, answered);
        }
    }

    /// A thread that waits with a time-out, because there is no alarm for its deadline.
    struct timed_wait {
        time_point until;
        timed_wait* next = nullptr;
    };

    // Each thread takes no more than it is to handle next: the rest is for the others.
    void wait_among_others(wait_limit limit, reactor& to, task_queue& answered) noexcept {
        timed_wait self{limit.own_deadline};
        const bool is_listed =
            !limit.look_only && limit.deadline != time_point::max() && !is_alarm_set_for(limit, self);
        int timeout = 0;
        if (!limit.look_only)
            timeout = self.until == time_point::max() ? -1 : milliseconds_until(self.until);
        ::epoll_event events[events_at_a_time];
        task_queue found;
        int most, n;
        do {
            most = at_a_time_.load(std::memory_order_relaxed);
            n = ::epoll_wait(handle_, events, most, timeout);
            static_cast<void>(added_.load(std::memory_order_acquire));
            for (int i = 0; i < n; ++i)
                pass_on(events[i], to, found);
            limit_next(found, most);
            timeout = 0;  // the edges may have been for others than those that are waited for
        } while (n == most && found.empty() && answered.empty());
        answered.splice(found);
        if (is_listed)
            strike_out(self);
    }

    // False: @p self has to end by itself, and says so to the others.
    bool is_alarm_set_for(const wait_limit& limit, timed_wait& self) noexcept {
        scoped_lock lock(alarm_mutex_);
        if (set_alarm(limit.deadline))
            return true;
        if (limit.deadline < self.until)
            self.until = limit.deadline;
        self.next = std::exchange(timed_waits_, &self);
        return false;
    }

    void strike_out(const timed_wait& self) noexcept {
        scoped_lock lock(alarm_mutex_);
        timed_wait** link = &timed_waits_;
        while (*link != &self)
            link = &(*link)->next;
        *link = self.next;
    }

    // With alarm_mutex_ held. If not for this, the threads that wait for a timer would wake each other for ever: each that
    // returns from its wait expects the next deadline.
    bool somebody_returns_at(time_point deadline) const noexcept {
        const timed_wait* w = timed_waits_;
        while (w && w->until > deadline)
            w = w->next;
        return w != nullptr;
    }

    bool control(int what, reactor_registration& r, std::uint32_t events, error_code& ec) noexcept {
        ::epoll_event event{};
        event.events = events;
        event.data.ptr = &r;
        if (::epoll_ctl(handle_, what, r.handle, &event) == 0)
            return true;
        ec = system::last_error();
        return false;
    }

    native_handle make_instance(error_code& ec) noexcept {
        native_handle made = ::epoll_create1(EPOLL_CLOEXEC);
        if (made < 0) {
            ec = system::last_error();
            return no_handle;
        }
        ::epoll_event event{};
        event.events = EPOLLIN | EPOLLET;  // each write to the waker is an edge: nobody needs to read it
        event.data.ptr = nullptr;
        if (::epoll_ctl(made, EPOLL_CTL_ADD, waker_.handle(), &event) == 0)
            return made;
        ec = system::last_error();
        system::close(made);
        return no_handle;
    }

    // What is ready in the new instance already is an edge there, so none is lost between the two.
    error_code renew(reactor& of) noexcept {
        error_code ec = waker_.renew();
        native_handle made = ec ? no_handle : make_instance(ec);
        if (ec)
            return ec;
        native_handle shared = std::exchange(handle_, made);
        ec = of.for_each_handle([this](reactor_registration& r) noexcept {
            error_code refused;
            if (r.closing.load(std::memory_order_acquire))
                return refused;  // another thread has closed it, and all that is left is its number: see abandon()
            control(EPOLL_CTL_ADD, r, read_events | (r.armed ? EPOLLOUT : 0u), refused);
            const bool is_handle_gone =
                refused == error::bad_descriptor;  // closed behind our back: nothing to wait for
            return is_handle_gone ? error_code() : refused;
        });
        if (ec) {
            handle_ = shared;
            system::close(made);
            return ec;
        }
        alarm_.remove();
        alarm_set_for_ = time_point::max();
        system::close(shared);
        return ec;
    }

    int fetch(wait_limit limit) noexcept {
        return ::epoll_wait(handle_, events_, most_events, limit.look_only ? 0 : timeout_for(limit.deadline));
    }

    // A time-out costs a third of the call, though most waits end by an event: so there is an alarm instead, which stays
    // set until it goes off. It is set anew only for a deadline that comes before it.
    int timeout_for(time_point deadline) noexcept { return set_alarm(deadline) ? -1 : milliseconds_until(deadline); }

    // False: the system has none, or the user wants none.
    bool set_alarm(time_point deadline) noexcept {
        if (deadline >= alarm_set_for_)
            return true;
        if (!uses_timerfd_ || (!alarm_.exists() && !add_alarm()))
            return false;
        alarm_.set(deadline);
        alarm_set_for_ = deadline;
        return true;
    }

    static int milliseconds_until(time_point deadline) noexcept {
        auto left = time_left(deadline, std::chrono::steady_clock::now());
        auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        return milliseconds > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(milliseconds);
    }

    bool add_alarm() noexcept {
        if (!alarm_.create())
            return false;
        ::epoll_event event{};
        event.events = EPOLLIN | EPOLLET;  // nobody needs to read it
        event.data.ptr = &alarm_;
        if (::epoll_ctl(handle_, EPOLL_CTL_ADD, alarm_.handle(), &event) == 0)
            return true;
        alarm_.remove();
        return false;
    }

    const bool solo_;
    const bool uses_timerfd_;
    bool has_forked_ = false;  // another process may have the same files
    bool forks_ = false;       // and the same instance: between fork_event::prepare and the next
    waker waker_;
    native_handle handle_;
    // What was written to a registration before add() is seen by whoever gets its events. The kernel sees to that, but
    // the language does not know.
    std::atomic<unsigned> added_{0};
    alarm alarm_;                                   // solo: the thread in wait(); shared: alarm_mutex_
    time_point alarm_set_for_ = time_point::max();  // as alarm_
    mutex alarm_mutex_;
    timed_wait* timed_waits_ = nullptr;             // shared: alarm_mutex_
    std::atomic<int> at_a_time_{events_at_a_time};  // shared: by all; it is a guess
    // Solo: the thread in wait().
    int next_ = 0;  // of the fetched ones, which has not been passed on yet
    int fetched_ = 0;
    ::epoll_event events_[most_events];
};

}  // namespace rill::engine
