// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/reactor.hpp>

#include RILL_SYSTEM(environment.hpp)
#include RILL_KERNEL(waker.hpp)

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/event.h>
#include <sys/types.h>
#include <time.h>

namespace rill::engine {

/// Edges from the kqueue of macOS and the BSDs: each handle is registered once for reading, and for writing from the
/// first write that has to wait until room is reported that nobody waits for.
///
/// It uses what all of them have and do alike. In particular it does not read `fflags` and `data`: what they count differs,
/// and the error that they tell is the socket's to tell. There are no EV_ERROR entries, as no call that changes something
/// has room for one: it fails itself. Source: kqueue(2).
class kqueue_poller final : public poller {
public:
    kqueue_poller(threading t, const driver_options&) : poller(arming::while_writing), solo_(t == threading::solo) {
        error_code ec;
        handle_ = make_queue(ec);
        throw_if(ec, "kqueue");
    }
    /// A process made by fork() has not inherited the queue, and the number may be another file's there.
    ~kqueue_poller() override {
        if (made_by_ == system::process_number())
            system::close(handle_);
    }

    const char* name() const noexcept override { return "kqueue"; }

    bool add(reactor_registration& r, error_code& ec) noexcept override {
        added_.fetch_add(1, std::memory_order_release);
        return change(r, EVFILT_READ, EV_ADD | EV_CLEAR, ec);
    }

    /// The kernel forgets a number that is closed, whatever other number has the same file.
    void remove(reactor_registration& r, bool closing) noexcept override {
        if (!closing)
            forget(r);
        r.armed = 0;
        if (solo_)
            forget_events(r);
    }

    void abandon(reactor_registration& r) noexcept override {
        forget(r);
        system::abandon_file(r.handle, has_forked_);
    }

    /// Also if the filter is there: EV_ADD looks at the handle anew, so that nothing depends on when exactly a kind of file
    /// has its edges.
    bool arm(reactor_registration& r, direction way, error_code& ec) noexcept override {
        if (way == direction::write && change(r, EVFILT_WRITE, EV_ADD | EV_CLEAR, ec))
            r.armed = 1;
        return !ec;
    }

    /// Else each acknowledgement that comes from the peer would be an event.
    void disarm(reactor_registration& r, direction way) noexcept override {
        error_code ignored;
        if (way == direction::write && r.armed)
            change(r, EVFILT_WRITE, EV_DELETE, ignored);
        r.armed = 0;
    }

    /// Passes a few events on at a time: what has been read should still be in the processor's cache when its handler
    /// runs. But it comes back with nothing only after a look at all that is ready now, or because of wake().
    void wait(wait_limit limit, reactor& to, task_queue& answered) noexcept override {
        for (bool some = next_ != fetched_ || fetch(limit); some; some = fetch(wait_limit::none())) {
            pass_on(to, answered);
            if (!answered.empty() || (woken_ && !limit.look_only))
                return;
        }
    }

    void wake() noexcept override { waker_.wake(); }

    error_code notify_fork(fork_event event, reactor& of) noexcept override {
        has_forked_ = true;
        return event == fork_event::child ? renew(of) : error_code();
    }

private:
    // The types of its fields differ from system to system, and so does what EV_SET() does with them.
    using kernel_event = struct ::kevent;
    using filter = decltype(kernel_event::filter);
    using flags = decltype(kernel_event::flags);

    static constexpr int most_events = 128;
    static constexpr int events_at_a_time = 16;
    static constexpr std::chrono::hours longest_wait{1};  // there are systems that refuse to wait for years

    static kernel_event make_change(native_handle handle, filter of, flags what) noexcept {
        kernel_event change{};
        change.ident = static_cast<decltype(change.ident)>(handle);
        change.filter = of;
        change.flags = what;
        return change;
    }

    bool change(reactor_registration& r, filter of, flags what, error_code& ec) noexcept {
        kernel_event c = make_change(r.handle, of, what);
        c.udata = reinterpret_cast<decltype(c.udata)>(&r);
        return submit(handle_, c, ec);
    }

    // Without room for events, so that a change that fails is the failure of the call. After a signal nothing is left to
    // be done.
    static bool submit(native_handle queue, const kernel_event& c, error_code& ec) noexcept {
        if (::kevent(queue, &c, 1, nullptr, 0, nullptr) >= 0 || errno == EINTR)
            return true;
        ec = system::last_error();
        return false;
    }

    // The registration may be another thread's next. (In shared mode its lock sees to that, and the events are those of
    // the thread in wait().)
    void forget_events(const reactor_registration& r) noexcept {
        for (int i = next_; i < fetched_; ++i)
            if (registration_of(events_[i]) == &r)
                events_[i].udata = {};
    }

    static reactor_registration* registration_of(const kernel_event& event) noexcept {
        return reinterpret_cast<reactor_registration*>(event.udata);
    }

    void forget(reactor_registration& r) noexcept {
        error_code ignored;  // one that is not there
        change(r, EVFILT_READ, EV_DELETE, ignored);
        change(r, EVFILT_WRITE, EV_DELETE, ignored);
    }

    // False: there is nothing.
    bool fetch(wait_limit limit) noexcept {
        ::timespec timeout{};
        const bool forever = !limit.look_only && limit.deadline == time_point::max();
        if (!limit.look_only && !forever) {
            const auto left = std::min<std::chrono::nanoseconds>(
                time_left(limit.deadline, std::chrono::steady_clock::now()), longest_wait);
            timeout.tv_sec = static_cast<::time_t>(left.count() / 1'000'000'000);
            timeout.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
        }
        next_ = 0;
        fetched_ = std::max(::kevent(handle_, nullptr, 0, events_, solo_ ? most_events : events_at_a_time,
                                     forever ? nullptr : &timeout),
                            0);
        return fetched_ != 0;
    }

    void pass_on(reactor& to, task_queue& answered) noexcept {
        static_cast<void>(added_.load(std::memory_order_acquire));
        woken_ = false;
        for (int passed = 0; next_ != fetched_ && (passed < events_at_a_time || answered.empty()); ++passed, ++next_)
            pass_on(events_[next_], to, answered);
    }

    // Each filter is asked for one direction, and reports what ends that: the end, an error, a connection that is
    // refused. Urgent data is reported as data, where it is: so whoever waits for that looks at each report, and a short
    // read proves nothing.
    void pass_on(const kernel_event& event, reactor& to, task_queue& answered) noexcept {
        if (event.ident == static_cast<decltype(event.ident)>(waker_.handle())) {
            waker_.drain();
            woken_ = true;
        } else if (reactor_registration* r = registration_of(event)) {
            // Shared: its handle may be gone, and the registration another one's. Then that one looks for nothing.
            ready_events ready;
            ready.readable = ready.exceptional = ready.unusual = event.filter == EVFILT_READ;
            ready.writable = event.filter == EVFILT_WRITE;
            to.on_ready(*r, ready, answered);
        }
    }

    native_handle make_queue(error_code& ec) noexcept {
        native_handle made = ::kqueue();
        if (made < 0) {
            ec = system::last_error();
            return no_handle;
        }
        ::fcntl(made, F_SETFD, FD_CLOEXEC);
        // Level-triggered, as all are that do not say EV_CLEAR: a wake() lasts until it is seen.
        if (submit(made, make_change(waker_.handle(), EVFILT_READ, EV_ADD), ec))
            return made;
        system::close(made);
        return no_handle;
    }

    // The queue was not inherited. What is ready already is an edge in the new one, so none is lost between the two.
    error_code renew(reactor& of) noexcept {
        error_code ec = waker_.renew();
        native_handle made = ec ? no_handle : make_queue(ec);
        if (ec)
            return ec;
        if (made_by_ == system::process_number())
            system::close(handle_);  // of an attempt before this one
        handle_ = made;
        made_by_ = system::process_number();
        return of.for_each_handle([this](reactor_registration& r) noexcept {
            error_code refused;
            if (r.closing.load(std::memory_order_acquire))
                return refused;  // another thread has closed it, and all that is left is its number: see abandon()
            if (change(r, EVFILT_READ, EV_ADD | EV_CLEAR, refused) && r.armed)
                change(r, EVFILT_WRITE, EV_ADD | EV_CLEAR, refused);
            return refused;
        });
    }

    const bool solo_;          // shared: no more events are fetched than are passed on at once
    bool has_forked_ = false;  // another process may have the same files
    waker waker_;
    native_handle handle_;
    long made_by_ = system::process_number();
    // What was written to a registration before add() is seen by whoever gets its events. The kernel sees to that, but
    // the language does not know.
    std::atomic<unsigned> added_{0};
    // Whoever is in wait().
    bool woken_ = false;
    int next_ = 0;  // of the fetched ones, which has not been passed on yet
    int fetched_ = 0;
    kernel_event events_[most_events];
};

}  // namespace rill::engine
