// SPDX-License-Identifier: BSL-1.0
// kqueue() and kevent() by epoll. tests/engine/kqueue_emulation.cpp states what is imitated and what is not.
//
// A kqueue is an epoll instance that holds one more for each filter. So each filter has its own edges, which stay in the
// kernel until there is room for them: nothing is queued here. EV_CLEAR is EPOLLET; to repeat EV_ADD is EPOLL_CTL_MOD, which
// looks at the file again. What goes through the instances is the number of a note, which is looked up when it comes
// back: events of filters that have been deleted meanwhile are dropped.
//
// A kernel forgets a descriptor's filters when the number is closed, epoll only when the file is. So close(), dup2() and
// dup3() are wrapped (-Wl,--wrap). All other calls go to the kernel directly: tests make those of libc fail.
#include <support/kqueue/emulation.hpp>

#include <sys/event.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <random>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <utility>
#include <vector>

extern "C" int __real_close(int);
extern "C" int __real_dup2(int, int);
extern "C" int __real_dup3(int, int, int);

namespace {

template <class... Arguments>
int kernel(long call, Arguments... arguments) {
    return static_cast<int>(::syscall(call, arguments...));
}

int kernel_epoll_ctl(int set, int what, int descriptor, ::epoll_event* event) {
    return kernel(SYS_epoll_ctl, set, what, descriptor, event);
}

bool get_socket_option(int descriptor, int name, int& value) {
    ::socklen_t size = sizeof value;
    return kernel(SYS_getsockopt, descriptor, SOL_SOCKET, name, &value, &size) == 0;
}

const char* const seed = std::getenv("KQUEUE_CHAOS");
std::atomic<bool> chaos{seed != nullptr};
std::atomic<int> additions{0};
std::atomic<int> refused_timeouts{0};

constexpr ::time_t longest_timeout = 100'000'000;  // seconds

class dice {
public:
    bool one_in(unsigned n) { return chaos && random_() % n == 0; }
    unsigned up_to(unsigned n) { return static_cast<unsigned>(random_() % n); }
    template <class Iterator>
    void shuffle(Iterator first, Iterator last) {
        std::shuffle(first, last, random_);
    }

private:
    std::minstd_rand random_{seed ? static_cast<unsigned>(std::atoi(seed)) : 1};
};

enum filter_set : unsigned { read_set, write_set, set_count };

struct note {
    struct kevent as_added;
    filter_set set;
    std::uint64_t number;
};

class queue {
public:
    /// Throws errno.
    queue() {
        top_ = make_set(0);
        for (int& set : sets_) {
            set = make_set(EPOLL_CLOEXEC);
            ::epoll_event event{};
            event.events = EPOLLIN;
            kernel_epoll_ctl(top_, EPOLL_CTL_ADD, set, &event);
        }
    }
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;
    ~queue() {
        for (int set : sets_)
            kernel(SYS_close, set);
    }

    int descriptor() const { return top_; }

    /// 0 or an error number.
    int apply(const struct kevent& change) {
        std::lock_guard lock(mutex_);
        const int error = apply_locked(change);
        if (error == 0 && change.flags & EV_ADD)
            ++additions;
        return error == 0 && change.flags & EV_DELETE && dice_.one_in(8) ? ENOENT : error;
    }

    int wait(struct kevent* events, int count, const std::optional<::timespec>& end) {
        count = room(count);
        for (;;) {
            int n = take(events, count);
            if (n == 0)
                n = invent(events);
            if (n != 0)
                return n;
            ::timespec left{};
            if (end && !time_to(*end, left))
                return 0;
            if (is_interrupted()) {
                errno = EINTR;
                return -1;
            }
            ::pollfd p{top_, POLLIN, 0};
            if (kernel(SYS_ppoll, &p, 1, end ? &left : nullptr, nullptr, 0) < 0)
                return -1;
        }
    }

    /// In chaos: a signal.
    bool is_interrupted() {
        std::lock_guard lock(mutex_);
        return dice_.one_in(32);
    }

    /// The number is about to be closed.
    void forget(int descriptor) {
        std::lock_guard lock(mutex_);
        for (filter_set set : {read_set, write_set})
            if (auto n = notes_.find({descriptor, set}); n != notes_.end())
                drop(n);
    }

    int count(int descriptor) {
        std::lock_guard lock(mutex_);
        return static_cast<int>(notes_.count({descriptor, read_set}) + notes_.count({descriptor, write_set}));
    }

    void close_sets() {
        for (int set : sets_)
            kernel(SYS_close, set);
        kernel(SYS_close, top_);
    }

private:
    using notes = std::map<std::pair<int, filter_set>, note>;

    static int make_set(int flags) {
        int made = kernel(SYS_epoll_create1, flags);
        if (made < 0)
            throw errno;
        return made;
    }

    int apply_locked(const struct kevent& change) {
        constexpr int known = EV_ADD | EV_DELETE | EV_CLEAR;
        if ((change.filter != EVFILT_READ && change.filter != EVFILT_WRITE) || (change.flags & ~known) != 0)
            return EINVAL;
        const auto descriptor = static_cast<int>(change.ident);
        if (kernel(SYS_fcntl, descriptor, F_GETFD) < 0)
            return EBADF;
        const filter_set set = change.filter == EVFILT_READ ? read_set : write_set;
        auto n = notes_.find({descriptor, set});
        if (change.flags & EV_DELETE) {
            if (n == notes_.end())
                return ENOENT;
            drop(n);
            return 0;
        }
        if (n == notes_.end()) {
            if (!(change.flags & EV_ADD))
                return ENOENT;
            note made{change, set, ++numbers_};
            if (arm(made, EPOLL_CTL_ADD) != 0)
                return errno;
            by_number_[made.number] = notes_.emplace(std::pair(descriptor, set), made).first;
            return 0;
        }
        // What it was added with stays, but for this.
        n->second.as_added.udata = change.udata;
        return arm(n->second, EPOLL_CTL_MOD) == 0 ? 0 : errno;
    }

    int arm(const note& n, int what) {
        ::epoll_event event{};
        event.events = n.set == write_set ? EPOLLOUT : EPOLLIN | EPOLLRDHUP | EPOLLPRI;
        if (n.as_added.flags & EV_CLEAR)
            event.events |= EPOLLET;
        event.data.u64 = n.number;
        return kernel_epoll_ctl(sets_[n.set], what, static_cast<int>(n.as_added.ident), &event);
    }

    void drop(notes::iterator n) {
        ::epoll_event nothing{};
        kernel_epoll_ctl(sets_[n->second.set], EPOLL_CTL_DEL, static_cast<int>(n->second.as_added.ident), &nothing);
        by_number_.erase(n->second.number);
        notes_.erase(n);
    }

    // For how many events there is room: in chaos mostly for one.
    int room(int count) {
        std::lock_guard lock(mutex_);
        return chaos && !dice_.one_in(4) ? 1 : count;
    }

    int take(struct kevent* events, int count) {
        std::unique_lock lock(mutex_);
        const unsigned first = turn_++;
        if (dice_.one_in(2))
            for (auto& [key, n] : notes_)
                if (n.set == write_set)
                    arm(n, EPOLL_CTL_MOD);
        lock.unlock();
        std::vector<::epoll_event> found(static_cast<std::size_t>(count));
        int filled = 0;
        for (unsigned i = 0; i != set_count && filled < count; ++i) {
            const auto set = static_cast<filter_set>((first + i) % set_count);
            const int n = kernel(SYS_epoll_pwait, sets_[set], found.data(), count - filled, 0, nullptr, 0);
            lock.lock();
            for (int each = 0; each < n; ++each)
                filled += fill(found[static_cast<std::size_t>(each)], events[filled]);
            if (chaos)
                dice_.shuffle(events, events + filled);
            lock.unlock();
        }
        return filled;
    }

    bool fill(const ::epoll_event& from, struct kevent& event) {
        const std::uint64_t number = from.data.u64;  // which is not aligned, and cannot be referred to
        const auto entry = by_number_.find(number);
        if (entry == by_number_.end())
            return false;
        const note& n = entry->second->second;
        const auto descriptor = static_cast<int>(n.as_added.ident);
        if (from.events & EPOLLHUP && !(from.events & EPOLLERR) && never_connected(descriptor))
            return false;
        event = n.as_added;
        event.flags &= static_cast<std::uint16_t>(~EV_ADD);
        event.fflags = 0;
        if (from.events & end_of(n))
            event.flags |= EV_EOF;
        event.data = n.set == read_set ? readable_bytes(descriptor) : 1;
        scramble(event);
        return true;
    }

    // Nobody reads a pipe any more: Linux calls that an error. But of a socket an error need not be the end.
    static unsigned end_of(const note& n) {
        int type = 0;
        if (n.set == read_set)
            return EPOLLRDHUP | EPOLLHUP;
        return get_socket_option(static_cast<int>(n.as_added.ident), SO_TYPE, type) ? EPOLLHUP : EPOLLHUP | EPOLLERR;
    }

    // Linux says that there is room, and nobody: the BSDs say nothing.
    static bool never_connected(int descriptor) {
        int type = 0;
        if (!get_socket_option(descriptor, SO_TYPE, type) || type != SOCK_STREAM)
            return false;
        ::pollfd p{descriptor, POLLRDHUP, 0};
        const ::timespec at_once{};
        return kernel(SYS_ppoll, &p, 1, &at_once, nullptr, 0) == 1 && !(p.revents & (POLLRDHUP | POLLERR));
    }

    static std::intptr_t readable_bytes(int descriptor) {
        int value = 0;
        if (get_socket_option(descriptor, SO_ACCEPTCONN, value) && value)
            return 1;
        ::ioctl(descriptor, FIONREAD, &value);
        return value;
    }

    // An event of nothing.
    int invent(struct kevent* events) {
        std::lock_guard lock(mutex_);
        if (!dice_.one_in(8) || notes_.empty())
            return 0;
        const note& n = std::next(notes_.begin(), dice_.up_to(static_cast<unsigned>(notes_.size())))->second;
        *events = n.as_added;
        events->flags &= static_cast<std::uint16_t>(~EV_ADD);
        scramble(*events);
        return 1;
    }

    void scramble(struct kevent& event) {
        if (!chaos)
            return;
        event.fflags = dice_.up_to(200);
        event.data = static_cast<std::intptr_t>(dice_.up_to(100000));
    }

    // False: it is over.
    static bool time_to(const ::timespec& end, ::timespec& left) {
        ::timespec now;
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        left = {end.tv_sec - now.tv_sec, end.tv_nsec - now.tv_nsec};
        if (left.tv_nsec < 0) {
            left.tv_nsec += 1'000'000'000;
            --left.tv_sec;
        }
        return left.tv_sec > 0 || (left.tv_sec == 0 && left.tv_nsec > 0);
    }

    int top_;
    std::array<int, set_count> sets_{-1, -1};
    std::mutex mutex_;  // of the rest
    notes notes_;
    std::map<std::uint64_t, notes::iterator> by_number_;
    std::uint64_t numbers_ = 0;
    unsigned turn_ = 0;
    dice dice_;
};

// All of the process, by descriptor. Never destroyed: descriptors are closed until the very end.
struct registry {
    std::mutex mutex;
    std::map<int, std::shared_ptr<queue>> queues;
    std::vector<std::shared_ptr<queue>> lost;  // of the process that this one was forked from

    std::shared_ptr<queue> find(int descriptor) {
        std::lock_guard lock(mutex);
        const auto q = queues.find(descriptor);
        return q == queues.end() ? nullptr : q->second;
    }
};

registry& all_queues() {
    static registry& all = *new registry;
    static const int once = ::pthread_atfork([] { all.mutex.lock(); }, [] { all.mutex.unlock(); },
                                             [] {
                                                 // A kqueue is not inherited. Its memory is left alone: a lock in it may
                                                 // be a thread's that is not here.
                                                 for (auto& [descriptor, q] : all.queues) {
                                                     q->close_sets();
                                                     all.lost.push_back(std::move(q));
                                                 }
                                                 all.queues.clear();
                                                 all.mutex.unlock();
                                             });
    static_cast<void>(once);
    return all;
}

// What a kernel does when @p descriptor is closed.
void on_close(int descriptor) {
    const int error = errno;
    std::vector<std::shared_ptr<queue>> queues;
    {
        registry& all = all_queues();
        std::lock_guard lock(all.mutex);
        if (const auto q = all.queues.find(descriptor); q != all.queues.end())
            all.queues.erase(q);
        for (auto& [number, q] : all.queues)
            queues.push_back(q);
    }
    for (auto& q : queues)
        q->forget(descriptor);
    errno = error;
}

}  // namespace

int kqueue_emulation::count_additions() { return additions; }
int kqueue_emulation::count_refused_timeouts() { return refused_timeouts; }
void kqueue_emulation::set_chaos(bool on) { chaos = on; }
bool kqueue_emulation::is_chaotic() { return chaos; }

int kqueue_emulation::count_filters(int descriptor) {
    registry& all = all_queues();
    std::lock_guard lock(all.mutex);
    int n = 0;
    for (auto& [number, q] : all.queues)
        n += q->count(descriptor);
    return n;
}

extern "C" int kqueue() {
    try {
        auto made = std::make_shared<queue>();
        const int descriptor = made->descriptor();
        registry& all = all_queues();
        std::lock_guard lock(all.mutex);
        all.queues[descriptor] = std::move(made);
        return descriptor;
    } catch (int error) {
        errno = error;
        return -1;
    }
}

extern "C" int kevent(int descriptor, const struct kevent* changes, int change_count, struct kevent* events,
                      int event_count, const struct timespec* timeout) {
    const auto q = all_queues().find(descriptor);
    if (!q) {
        errno = EBADF;
        return -1;
    }
    std::optional<::timespec> end;
    if (timeout) {
        if (timeout->tv_sec < 0 || timeout->tv_sec > longest_timeout || timeout->tv_nsec < 0 ||
            timeout->tv_nsec >= 1'000'000'000) {
            ++refused_timeouts;
            errno = EINVAL;
            return -1;
        }
        end.emplace();
        ::clock_gettime(CLOCK_MONOTONIC, &*end);
        end->tv_sec += timeout->tv_sec;
        end->tv_nsec += timeout->tv_nsec;
        if (end->tv_nsec >= 1'000'000'000) {
            end->tv_nsec -= 1'000'000'000;
            ++end->tv_sec;
        }
    }
    int failed = 0;
    for (int i = 0; i < change_count; ++i) {
        const int error = q->apply(changes[i]);
        if (error == 0)
            continue;
        if (failed == event_count) {
            errno = error;
            return -1;
        }
        events[failed] = changes[i];
        events[failed].flags |= EV_ERROR;
        events[failed].data = error;
        ++failed;
    }
    if (failed == 0 && event_count == 0 && q->is_interrupted()) {
        errno = EINTR;
        return -1;
    }
    if (failed != 0 || event_count == 0)
        return failed;
    return q->wait(events, event_count, end);
}

extern "C" int __wrap_close(int descriptor) {
    on_close(descriptor);
    return __real_close(descriptor);
}

extern "C" int __wrap_dup2(int from, int to) {
    if (from != to)
        on_close(to);
    return __real_dup2(from, to);
}

extern "C" int __wrap_dup3(int from, int to, int flags) {
    if (from != to)
        on_close(to);
    return __real_dup3(from, to, flags);
}
