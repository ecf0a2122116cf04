// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/spin_lock.hpp>
#include <rill/engine/driver/driver.hpp>
#include <rill/engine/driver/perform.hpp>
#include <rill/engine/driver/registration_pool.hpp>
#include <rill/engine/driver/request_ring.hpp>
#include <rill/engine/driver/ring_ahead.hpp>
#include <rill/engine/driver/ring_buffers.hpp>
#include <rill/engine/driver/ring_memory.hpp>
#include <rill/engine/driver/ring_support.hpp>
#include <rill/engine/system/gnu_linux/listening_address.hpp>

#include RILL_KERNEL(waker.hpp)

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

namespace rill::engine {

/// io_uring's state for one handle.
struct ring_registration : registration {
    request_ring waiting[3];                   // by direction: all requests, those that the kernel has among them
    std::atomic<unsigned> in_ring{0};          // how many it has; written as the rest, read by abandon()
    ring_registration* next_behind = nullptr;  // of those that are behind
    bool is_behind = false;                    // something could not be put into the ring
    bool has_gone = false;                     // detached, but the kernel has not given all back yet
    bool may_listen = false;                   // then its address must be free as soon as it is closed
    bool copies_all = false;                   // the kernel does not send without a copy here
    bool seems_empty = false;  // the last read or accept took all there was: the next need not try before it waits
};

static_assert(sizeof(void*) != 8 || sizeof(ring_registration) <= 96);

/// Requests through Linux's io_uring: the kernel is given them and gives back answered ones.
///
/// Where it cannot do what is wanted by itself (urgent data; a kernel that gives up on a request), it is asked to wait
/// until the handle is ready, and the call is tried here, as the reactor does: that is a request that is `polled`.
///
/// Order: of the transfers that wait in one direction of a handle only the first is in the ring. All else is there at
/// once.
///
/// What the kernel has may touch its buffers, and holds the file open (never the number): so a handle is only gone when
/// all its requests have come back.
///
/// Requests belong to the thread that submitted them. When that ends the kernel gives them back as cancelled, though
/// nobody asked for it: they are put in again.
///
/// Threads  Solo: the ring itself is the loop's thread's. Shared: a spin lock is held to fill entries and to take
///          completions; nobody calls the kernel with it. While a thread waits there, others submit what they start at
///          once; else it goes with whoever waits next.
class io_uring_driver final : public driver {
public:
    /// Throws  system_error: the system refuses; std::bad_alloc
    io_uring_driver(threading t, const driver_options& options, const ring_wishes& wishes, const ring_support& support);
    const char* name() const noexcept override { return "io_uring"; }
    RILL_COLD inline registration* attach(native_handle handle, error_code& ec) noexcept override;
    RILL_COLD inline void detach(registration& r, bool closing, task_queue& ready) noexcept override;
    RILL_COLD inline void abandon(registration& r) noexcept override;
    inline void start(request& q, task_queue& ready) noexcept override;
    RILL_COLD inline void cancel(request& q, task_queue& ready) noexcept override;
    RILL_COLD inline void cancel_all(registration& r, task_queue& ready) noexcept override;
    RILL_COLD inline void take_ahead(registration& r, request_kind what) noexcept override;
    inline void wait(wait_limit limit, task_queue& ready) noexcept override;
    void wake() noexcept override { waker_.wake(); }
    RILL_COLD inline void leave() noexcept override;
    RILL_COLD inline error_code notify_fork(fork_event event) noexcept override;
    RILL_COLD inline void shut_down(task_queue& ready) noexcept override;

private:
    using entry = ring_registration;
    using ring_entry = system::ring::entry;
    using listening_address = system::listening_address;

    template <std::size_t>
    struct nothing_shared {};
    using pool = registration_pool<entry, nothing_shared>;

    // request::progress, bits.
    static constexpr std::uint8_t in_ring = 1;       // the kernel has it
    static constexpr std::uint8_t cancel_asked = 2;  // whoever started it, or its handle's owner, wants it to end
    static constexpr std::uint8_t cancel_put = 4;    // the kernel is told so
    static constexpr std::uint8_t polled = 8;        // what the kernel has is a poll; then the call is tried
    static constexpr std::uint8_t cancelling = cancel_asked | cancel_put;
    static constexpr std::uint8_t stands = 16;  // it is none of the user's: see ring_ahead.hpp
    static constexpr std::uint8_t alone = 32;   // and the kernel does not do it now: the next behind it is put itself

    // user_data: a request's address, plus 1 if it stands; or these.
    static constexpr std::uint64_t not_plain = 1;
    static constexpr std::uint64_t for_waker = 1;
    static constexpr std::uint64_t for_nobody = 3;
    static std::uint64_t user_data_of(const request& q) noexcept {
        return reinterpret_cast<std::uintptr_t>(&q) | ((q.progress & stands) != 0 ? not_plain : 0);
    }

    // So many waits inside one run() say that the thread will go on.
    static constexpr unsigned waits_to_settle = 64;
    // After which a wait looks again whether the kernel takes what it has refused for want of memory.
    static constexpr std::chrono::nanoseconds retry_interval = std::chrono::milliseconds(10);

    static constexpr std::size_t index(direction d) noexcept { return static_cast<std::size_t>(d); }
    static bool is_ordered(const request& q) noexcept {
        return q.kind == request_kind::receive || q.kind == request_kind::send || q.kind >= request_kind::receive_block;
    }

    /// Of a shared driver.
    class guard {
    public:
        explicit guard(io_uring_driver& d) noexcept : lock_(d.shared_ ? &d.lock_ : nullptr) { lock(); }
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard() { unlock(); }
        void lock() noexcept {
            if (lock_)
                lock_->lock();
        }
        void unlock() noexcept {
            if (lock_)
                lock_->unlock();
        }

    private:
        spin_lock* lock_;
    };

    /// Which ring: see open_ring().
    enum class issuer : bool { any_thread, this_thread };

    RILL_COLD error_code open_ring(issuer who) noexcept;
    RILL_COLD void settle_here() noexcept;
    RILL_COLD void unsettle() noexcept;
    RILL_COLD void change_rings(issuer who) noexcept;
    RILL_COLD void take_back(guard& lock, task_queue& ready) noexcept;
    RILL_COLD void put_all() noexcept;
    RILL_COLD void fail_all(task_queue& ready) noexcept;

    void begin(request& q, task_queue& ready) noexcept;
    RILL_COLD void start_shared(request& q, task_queue& ready) noexcept;
    void begin_behind(entry& r, request& q, task_queue& ready) noexcept;
    RILL_COLD bool is_done_at_once(entry& r, request& q, bool is_first) noexcept;
    void put(entry& r, request& q) noexcept;
    RILL_COLD void put_again(entry& r, request& q) noexcept;
    void count_in(entry& r, request& q) noexcept;
    RILL_COLD void put_cancel(entry& r, request& q) noexcept;
    RILL_COLD bool take_out(entry& r, request& q) noexcept;
    RILL_COLD void put_next(entry& r, direction way) noexcept;
    RILL_COLD void put_what_is_left(entry& r) noexcept;
    RILL_COLD void fall_behind(entry& r) noexcept;
    RILL_COLD void catch_up(guard& lock, task_queue& ready) noexcept;
    RILL_COLD void catch_up_after_start() noexcept;
    void fill(ring_entry& e, entry& r, request& q) noexcept;
    void fill_transfer(ring_entry& e, const transfer_request& q, bool receives) noexcept;
    RILL_COLD void fill_other(ring_entry& e, entry& r, request& q) noexcept;
    RILL_COLD bool fill_message(ring_entry& e, const transfer_request& q, bool receives) noexcept;
    RILL_COLD bool fill_block(ring_entry& e, entry& r, receive_block_request& q) noexcept;
    RILL_COLD bool conclude_block(entry& r, receive_block_request& q, int result, unsigned flags) noexcept;
    RILL_COLD void feed() noexcept;
    static request* standing(const request_ring& queue) noexcept {
        return !queue.empty() && (queue.front()->progress & stands) != 0 ? queue.front() : nullptr;
    }
    static bool is_fed_by(const request& s, const request& q) noexcept;
    static request* first_fed_by(const request& s) noexcept;
    static bool one_is_in_ring(const request& s) noexcept;
    static bool has_any(const request& s) noexcept;
    static bool has_any_for(const entry& r, const request& q) noexcept;
    static bool give(request& s, request& q) noexcept;
    RILL_COLD static void destroy(request& s) noexcept;
    RILL_COLD void put_standing(entry& r, request& s) noexcept;
    void put_if_wanted(entry& r, request& s) noexcept;
    RILL_COLD void stop_if_unwanted(entry& r, request& s) noexcept;
    void serve(entry& r, request& s, task_queue& ready) noexcept;
    void on_standing(request& s, int result, unsigned flags, task_queue& ready) noexcept;
    void keep(request& s, int result, unsigned flags) noexcept;
    bool pass_on(entry& r, request& s, int result, unsigned flags, task_queue& ready) noexcept;
    RILL_COLD void fill_send_zc(ring_entry& e, const entry& r, send_zc_request& q) noexcept;
    RILL_COLD static bool does_not_do_without_copy(entry& r, send_zc_request& q, int error) noexcept;
    RILL_COLD void on_part(send_zc_request& q, int result, unsigned flags, task_queue& ready) noexcept;
    RILL_COLD void owe(send_zc_request& q) noexcept;
    RILL_COLD void forgive(send_zc_request& q, task_queue& ready) noexcept;
    RILL_COLD void forgive_all(task_queue& ready) noexcept;
    static bool is_owed(const request& q) noexcept {
        return q.kind == request_kind::send_zc && static_cast<const send_zc_request&>(q).owed != 0;
    }
    static bool starves(const request& q) noexcept {
        return q.kind == request_kind::receive_block && static_cast<const receive_block_request&>(q).before;
    }
    void forget_hunger(request& q) noexcept {
        if (starves(q)) [[unlikely]]
            blocks.made()->stop_starving(static_cast<receive_block_request&>(q));
    }
    RILL_COLD void fill_cancel(ring_entry& e, std::uint64_t of) noexcept;
    RILL_COLD void put_waker() noexcept;

    RILL_COLD void wait_without_ring(time_point deadline, guard& lock, task_queue& found) noexcept;
    void call_kernel(wait_limit limit, guard& lock, task_queue& found) noexcept;
    int enter(guard& lock, unsigned least, std::chrono::nanoseconds timeout) noexcept;
    RILL_COLD void submit_now(guard& lock) noexcept;
    RILL_COLD void help_waiter(guard& lock) noexcept;
    void take_completions(task_queue& ready) noexcept;
    void on_completion(request& q, int result, unsigned flags, task_queue& ready) noexcept;
    bool conclude(entry& r, request& q, int result, unsigned flags) noexcept;
    RILL_COLD bool conclude_failure(entry& r, request& q, int error) noexcept;
    RILL_COLD bool try_call(entry& r, request& q) noexcept;
    RILL_COLD static void note_closing(entry& r, request& q) noexcept;
    RILL_COLD void end_all(entry& r, task_queue& ready, bool for_good) noexcept;
    RILL_COLD bool reap(entry& r, guard& lock, task_queue& ready, bool must) noexcept;

    const bool shared_;
    const bool pinned_;
    const ring_support support_;
    const unsigned entries_;
    const unsigned idle_ms_;  // above 0: a thread of the kernel's takes entries, until it has been idle for so long
    bool has_forked_ = false;
    bool takes_back_ = false;  // requests come back to be put in later
    bool waker_put_ = false;   // the kernel tells of wake()
    bool woken_ = false;       // it has
    bool waited_for_ = false;  // shared: a thread is about to wait for completions, or does
    bool refused_ = false;     // the kernel has not taken entries, for want of memory
    issuer issuer_ = issuer::any_thread;
    bool stays_ = false;         // it does not change to another ring any more
    unsigned waits_ = 0;         // inside one run()
    std::size_t in_flight_ = 0;  // requests that the kernel has
    unsigned callers_ = 0;       // threads in a call with ring_
    std::size_t owed_ = 0;       // how often it will still say that it needs bytes no more
    send_zc_request* all_owed_ = nullptr;
    system::ring ring_;
    system::ring other_ring_;  // of the other issuer; nothing is in there
    error_code broken_;        // set: the kernel does not take calls any more, and ring_ is closed
    waker waker_;
    spin_lock lock_;                        // shared: of all here but the pool
    entry* behind_ = nullptr;               // linked by next_behind
    task_queue answered_;                   // while no one could take it
    std::unique_ptr<::msghdr[]> messages_;  // one for each place in the ring; null until one is needed
    ring_buffers buffers_;
    ring_memory registered_;
    pool registrations_;
};

// Implementation

inline io_uring_driver::io_uring_driver(threading t, const driver_options& options, const ring_wishes& wishes,
                                        const ring_support& support)
    : shared_(t == threading::shared),
      pinned_((options.pinned || wishes.pinned) && !shared_),
      support_(wishes.oldest ? ring_support{} : support),
      entries_(wishes.entries != 0 ? wishes.entries : options.ring_entries),
      idle_ms_(wishes.idle_ms != 0 ? wishes.idle_ms : options.ring_idle_ms),
      registrations_(options.memory) {
    throw_if(open_ring(issuer::any_thread), "io_uring");
    registrations_.reserve(options.preallocated, [](pool::chunk&, memory_source*) {});
}

// A thread that owns its ring for good lets the kernel do without locks and interruptions. But no other may use that
// ring then, not even to cancel: so it is so only from some time within run() on until that ends.
inline error_code io_uring_driver::open_ring(issuer who) noexcept {
    namespace constant = system::ring_constant;
    std::uint32_t flags = 0;
    if (support_.submits_all)
        flags |= constant::setup_submit_all;
    if (who == issuer::this_thread)
        flags |= constant::setup_single_issuer | constant::setup_defer_taskrun | constant::setup_taskrun_flag;
    else if (idle_ms_ != 0)
        flags |= IORING_SETUP_SQPOLL;
    else if (!shared_ && support_.cooperates)
        flags |= constant::setup_coop_taskrun | constant::setup_taskrun_flag;
    // More fit into the queue of completions than what one call submits, so that hardly ever one must wait in the kernel.
    const unsigned completions = entries_ < 64 ? 2 * entries_ : 16 * entries_;
    return ring_.open(entries_, completions, flags, idle_ms_);
}

inline registration* io_uring_driver::attach(native_handle handle, error_code& ec) noexcept {
    entry* r = registrations_.take([](pool::chunk&, memory_source*) {});
    if (!r) {
        ec = error::no_memory;
        return nullptr;
    }
    guard lock(*this);
    r->handle = handle;
    r->has_gone = r->may_listen = r->copies_all = r->seems_empty = false;
    r->closing.store(false, std::memory_order_relaxed);
    return r;
}

// -- requests begin

RILL_INLINE void io_uring_driver::begin(request& q, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    if (q.cancelled || r.handle == no_handle) [[unlikely]] {
        q.answer(error::operation_aborted);
        ready.push(q);
        return;
    }
    q.state = request_state::waiting;
    q.progress = 0;
    auto& queue = r.waiting[index(q.way)];
    const bool is_first = queue.empty();
    if ((q.kind == request_kind::connect || q.wanted_now) && is_done_at_once(r, q, is_first)) [[unlikely]]
        return ready.push(q);
    queue.push(q);
    if (is_first) [[likely]]
        put(r, q);
    else
        begin_behind(r, q, ready);
}

inline void io_uring_driver::begin_behind(entry& r, request& q, task_queue& ready) noexcept {
    request* s = standing(r.waiting[index(q.way)]);
    if (s)
        serve(r, *s, ready);  // none but q is answered: had there been something, the others would not wait
    if (q.state == request_state::answered)
        return;
    if (s ? is_fed_by(*s, q) : is_ordered(q))
        put_next(r, q.way);
    else
        put(r, q);
}

inline bool io_uring_driver::is_done_at_once(entry& r, request& q, bool is_first) noexcept {
    if (q.kind == request_kind::connect) {
        auto& c = static_cast<connect_request&>(q);
        // To a local socket a connection is there at once or never; the kernel's own attempt would wait for a place in
        // the listener's queue.
        if (c.peer.ss_family == AF_UNIX && connect(r.handle, c) != outcome::would_block) {
            note_closing(r, q);
            return true;
        }
    }
    if (!q.wanted_now || !is_first)
        return false;
    if (try_call(r, q))
        return true;
    if (q.kind == request_kind::connect)
        q.progress |= polled;  // it is under way
    return false;
}

inline void io_uring_driver::start(request& q, task_queue& ready) noexcept {
    if (shared_)
        return start_shared(q, ready);
    begin(q, ready);
    if (behind_) [[unlikely]]
        catch_up_after_start();
}

// What others are answered is kept for wait(): start() hands out its own request alone.
inline void io_uring_driver::catch_up_after_start() noexcept {
    guard lock(*this);
    catch_up(lock, answered_);
}

inline void io_uring_driver::start_shared(request& q, task_queue& ready) noexcept {
    guard lock(*this);
    begin(q, ready);
    if (behind_) [[unlikely]] {
        catch_up(lock, answered_);
        if (waited_for_ && !answered_.empty())
            wake();
    }
    help_waiter(lock);
    if (broken_) [[unlikely]]
        wake();  // whoever waits, or will
}

/// The last that a shared driver's call does where another thread may wait meanwhile.
inline void io_uring_driver::help_waiter(guard& lock) noexcept {
    if (!waited_for_)
        return;
    // It called the kernel before entries were filled here. It may wait for what they bring; and this thread may not return
    // to the loop for long: its handler may itself wait for another.
    if (ring_.unsubmitted() != 0)
        enter(lock, 0, system::ring::for_ever);
    if (refused_) [[unlikely]]
        wake();  // and it tries again
    // And it has missed the completion that was to wake it, if that was taken from the queue here before it came to sleep.
    if (!woken_ || !waited_for_)
        return;
    if (!waker_put_)
        put_waker();
    wake();
    if (ring_.unsubmitted() != 0)
        enter(lock, 0, system::ring::for_ever);
}

// The first transfer of a direction, if the kernel does not have it yet.
inline void io_uring_driver::put_next(entry& r, direction way) noexcept {
    if (request* s = standing(r.waiting[index(way)])) [[unlikely]]
        return put_if_wanted(r, *s);
    request* first = nullptr;
    r.waiting[index(way)].for_each([&](request& q) noexcept {
        if (!first && is_ordered(q))
            first = &q;
    });
    if (first && (first->progress & in_ring) == 0)
        put_again(r, *first);
}

// One that waits for a block is put again by feed(), one that waits for the kernel's last word on it by on_part().
inline void io_uring_driver::put_again(entry& r, request& q) noexcept {
    if (!starves(q) && !is_owed(q))
        put(r, q);
}

RILL_INLINE void io_uring_driver::put(entry& r, request& q) noexcept {
    ring_entry* e = takes_back_ ? nullptr : ring_.next_entry();
    if (!e) [[unlikely]]
        return fall_behind(r);
    fill(*e, r, q);
    e->user_data = reinterpret_cast<std::uintptr_t>(&q);
    count_in(r, q);
}

RILL_INLINE void io_uring_driver::count_in(entry& r, request& q) noexcept {
    q.progress |= in_ring;
    r.in_ring.store(r.in_ring.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    ++in_flight_;
    ring_.publish();
}

inline void io_uring_driver::put_cancel(entry& r, request& q) noexcept {
    ring_entry* e = ring_.next_entry();
    if (!e)
        return fall_behind(r);
    fill_cancel(*e, user_data_of(q));
    q.progress |= cancel_put;
}

inline void io_uring_driver::fill_cancel(ring_entry& e, std::uint64_t of) noexcept {
    e.opcode = IORING_OP_ASYNC_CANCEL;
    e.addr = of;
    e.user_data = for_nobody;
    if (support_.skips_success)
        e.flags = system::ring_constant::skip_success;
    ring_.publish();
}

inline void io_uring_driver::put_what_is_left(entry& r) noexcept {
    for (const auto& queue : r.waiting) {
        request* const s = standing(queue);
        bool has_ordered = false;
        queue.for_each([&](request& q) noexcept {
            const bool is_next = s ? !is_fed_by(*s, q) : !is_ordered(q) || !std::exchange(has_ordered, true);
            const bool is_unwanted = &q == s && !first_fed_by(q);
            const bool ends = takes_back_ || (q.progress & cancel_asked) != 0 || is_unwanted || has_any_for(r, q);
            if ((q.progress & in_ring) == 0) {
                if (&q == s)
                    put_if_wanted(r, q);
                else if (is_next)
                    put_again(r, q);
            } else if (ends && (q.progress & cancel_put) == 0) {
                put_cancel(r, q);
            }
        });
    }
}

// No place in the ring: it is for catch_up() to submit what is there.
inline void io_uring_driver::fall_behind(entry& r) noexcept {
    if (takes_back_ || r.is_behind)
        return;
    r.is_behind = true;
    r.next_behind = std::exchange(behind_, &r);
}

inline void io_uring_driver::catch_up(guard& lock, task_queue& ready) noexcept {
    while (behind_) {
        if (broken_)
            return fail_all(ready);
        const int n = enter(lock, 0, system::ring::for_ever);
        take_completions(ready);
        if (n < 0 && ring_.unsubmitted() == ring_.size())
            return;  // the kernel is short of memory: wait() tries again
        for (entry* r = std::exchange(behind_, nullptr); r;) {
            entry& next = *r;
            r = next.next_behind;
            next.is_behind = false;
            put_what_is_left(next);
        }
    }
}

// False: there is no memory for it; then the first buffer has to do.
inline bool io_uring_driver::fill_message(ring_entry& e, const transfer_request& q, bool receives) noexcept {
    if (!messages_)
        messages_.reset(new (std::nothrow)::msghdr[ring_.size()]());
    if (!messages_)
        return false;
    // The kernel has read it when the entry's place is free. (What it writes there when it has received says nothing, and
    // is not looked at.)
    ::msghdr& message = messages_[ring_.index_of(e)];
    message.msg_iov = q.buffers;
    message.msg_iovlen = q.count;
    e.opcode = receives ? IORING_OP_RECVMSG : IORING_OP_SENDMSG;
    e.addr = reinterpret_cast<std::uintptr_t>(&message);
    e.len = 1;
    return true;
}

RILL_INLINE void io_uring_driver::fill_transfer(ring_entry& e, const transfer_request& q, bool receives) noexcept {
    if (q.count != 1 && fill_message(e, q, receives)) [[unlikely]]
        return;
    e.opcode = receives ? IORING_OP_RECV : IORING_OP_SEND;
    e.addr = reinterpret_cast<std::uintptr_t>(q.buffers->iov_base);
    constexpr std::size_t most = 0x7fff'f000;  // as the kernel's other calls
    e.len = static_cast<unsigned>(q.buffers->iov_len < most ? q.buffers->iov_len : most);
}

RILL_INLINE void io_uring_driver::fill(ring_entry& e, entry& r, request& q) noexcept {
    e.fd = r.handle;
    if (q.kind == request_kind::receive && (q.progress & polled) == 0 && q.way == direction::read) [[likely]] {
        auto& receive = static_cast<receive_request&>(q);
        fill_transfer(e, receive, true);
        e.msg_flags = static_cast<unsigned>(receive.flags);
        if (r.seems_empty && receive.flags == 0)
            e.ioprio = system::ring_constant::receive_poll_first;
    } else if (q.kind == request_kind::send && (q.progress & polled) == 0) [[likely]] {
        auto& send = static_cast<send_request&>(q);
        fill_transfer(e, send, false);
        e.msg_flags = static_cast<unsigned>(send.flags) | MSG_NOSIGNAL;
    } else {
        fill_other(e, r, q);
    }
}

inline void io_uring_driver::fill_other(ring_entry& e, entry& r, request& q) noexcept {
    if (q.kind == request_kind::accept && (q.progress & polled) == 0) {
        auto& accept = static_cast<accept_request&>(q);
        r.may_listen = true;
        e.opcode = IORING_OP_ACCEPT;
        e.addr = reinterpret_cast<std::uintptr_t>(accept.peer);
        e.addr2 = accept.peer ? reinterpret_cast<std::uintptr_t>(&accept.peer_size) : 0;
        e.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
        // In vain it is dear: the kernel makes the new socket before it looks whether there is a connection.
        if (r.seems_empty)
            e.ioprio = system::ring_constant::accept_poll_first;
    } else if (q.kind == request_kind::connect && (q.progress & polled) == 0) {
        auto& connect = static_cast<connect_request&>(q);
        e.opcode = IORING_OP_CONNECT;
        e.addr = reinterpret_cast<std::uintptr_t>(&connect.peer);
        e.off = connect.peer_size;
    } else if (q.kind == request_kind::receive_block && fill_block(e, r, static_cast<receive_block_request&>(q))) {
    } else if (q.kind == request_kind::send_zc && (q.progress & polled) == 0) {
        fill_send_zc(e, r, static_cast<send_zc_request&>(q));
    } else {
        // An error is told of anyway. The kernel does not look at POLLPRI alone (fs/io_uring.c, IO_ASYNC_POLL_COMMON), but
        // all that arrives is announced as POLLRDBAND too.
        constexpr std::uint32_t events[3] = {POLLIN, POLLOUT, POLLPRI | POLLRDBAND};
        if (q.kind == request_kind::wait_ready)
            r.may_listen = true;
        q.progress |= polled;
        e.opcode = IORING_OP_POLL_ADD;
        e.poll32_events = events[index(q.way)];
    }
}

// -- requests end

inline void io_uring_driver::cancel(request& q, task_queue& ready) noexcept {
    if (!q.handle)
        return;  // answered before it was started
    auto& r = static_cast<entry&>(*q.handle);
    guard lock(*this);
    if (q.state == request_state::created) {
        q.cancelled = true;
    } else if (q.state == request_state::waiting && ((q.progress & in_ring) == 0 || take_out(r, q))) {
        r.waiting[index(q.way)].remove(q);
        forget_hunger(q);
        q.answer(error::operation_aborted);
        if (!is_owed(q))
            ready.push(q);
        put_next(r, q.way);  // it may have been the first
        if (request* s = standing(r.waiting[index(q.way)]))
            stop_if_unwanted(r, *s);
    } else if (q.state == request_state::waiting && (q.progress & cancel_asked) == 0) {
        q.progress |= cancel_asked;
        if ((q.progress & cancel_put) == 0)
            put_cancel(r, q);
        // Now, and not with the next wait: what arrives from here on is for the requests behind it.
        submit_now(lock);
        take_completions(ready);
    }
    if (behind_)
        catch_up(lock, ready);
    help_waiter(lock);
}

/// Takes @p q out of the ring, if the kernel has not taken its entry yet, and cannot meanwhile.
inline bool io_uring_driver::take_out(entry& r, request& q) noexcept {
    if (callers_ != 0 || idle_ms_ != 0)
        return false;
    ring_entry* e = ring_.find_unsubmitted(user_data_of(q));
    if (!e)
        return false;
    *e = ring_entry{};  // IORING_OP_NOP
    e->user_data = for_nobody;
    q.progress &= static_cast<std::uint8_t>(~in_ring);
    --in_flight_;
    r.in_ring.store(r.in_ring.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    return true;
}

// What the kernel has ends later. @p for_good: the handle goes, and with it what was taken ahead.
inline void io_uring_driver::end_all(entry& r, task_queue& ready, bool for_good) noexcept {
    for (auto& queue : r.waiting) {
        request_ring kept;
        if (standing(queue) && !for_good)
            kept.push(queue.pop());
        while (!queue.empty()) {
            request& q = queue.pop();
            if ((q.progress & in_ring) == 0 || take_out(r, q)) {
                forget_hunger(q);
                if ((q.progress & stands) != 0) {
                    destroy(q);
                    continue;
                }
                q.answer(error::operation_aborted);
                if (!is_owed(q))
                    ready.push(q);
                continue;
            }
            kept.push(q);
            q.progress |= cancel_asked;
            if ((q.progress & cancel_put) == 0)
                put_cancel(r, q);
        }
        queue = kept;
        if (request* s = standing(queue); s && !for_good)
            stop_if_unwanted(r, *s);
    }
}

inline void io_uring_driver::cancel_all(registration& base, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    guard lock(*this);
    end_all(r, ready, false);
    if (r.in_ring.load(std::memory_order_relaxed) != 0) {
        submit_now(lock);  // as in cancel()
        take_completions(ready);
    }
    if (behind_)
        catch_up(lock, ready);
    help_waiter(lock);
}

/// Waits until the kernel has given back all of @p r. False, if it need not be: it takes too long. (What another thread
/// has submitted comes back when that thread calls the kernel next, or is interrupted.)
inline bool io_uring_driver::reap(entry& r, guard& lock, task_queue& ready, bool must) noexcept {
    for (int tries = 0; r.in_ring.load(std::memory_order_relaxed) != 0; ++tries) {
        constexpr int enough = 100;
        if (tries > enough && !must && ring_.unsubmitted() == 0)
            return false;
        enter(lock, tries == 0 ? 0 : 1, std::chrono::milliseconds(1));
        take_completions(ready);
        if (behind_)
            catch_up(lock, ready);
    }
    return true;
}

// The number may be another file's as soon as this returns: an entry that the kernel has not taken yet must not name it.
inline void io_uring_driver::detach(registration& base, bool closing, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    listening_address address;
    {
        guard lock(*this);
        if (closing && r.may_listen && !has_forked_ && r.in_ring.load(std::memory_order_relaxed) != 0)
            address.note(r.handle);
        end_all(r, ready, true);
        r.owner = nullptr;
        const bool is_free = reap(r, lock, ready, !closing || r.may_listen);
        help_waiter(lock);
        if (!is_free) {
            // TRICKY: before the handle is forgotten. The peer sees the end, though the kernel's hands are on the file.
            if (!has_forked_)
                ::shutdown(r.handle, SHUT_RDWR);
            r.has_gone = true;
            r.handle = no_handle;
            return;
        }
        if (address.is_noted())
            system::abandon_file(r.handle);
        r.handle = no_handle;
    }
    registrations_.put_back(r);
    address.wait_until_free();
}

// The kernel's requests hold the file, and only the loop's thread can end them: but they end by themselves when the
// connection is shut down. Another process that has it too would notice.
inline void io_uring_driver::abandon(registration& base) noexcept {
    auto& r = static_cast<entry&>(base);
    const native_handle kept = has_forked_ ? no_handle : ::fcntl(r.handle, F_DUPFD_CLOEXEC, 0);
    listening_address address;
    if (kept != no_handle)
        address.note(kept);  // TRICKY: before the file is abandoned: that ends the listening
    system::abandon_file(r.handle, has_forked_);
    if (kept == no_handle)
        return;
    // From here on a request that is put in names a file that is none of the network's.
    const bool is_held = r.in_ring.load(std::memory_order_acquire) != 0;
    if (is_held)
        ::shutdown(kept, SHUT_RDWR);
    system::close(kept);
    if (!is_held || !address.is_noted())
        return;
    // The loop's thread may be busy, or wait for this one: then it is not waited for. (But on a machine that has much to do
    // it may not run for some tenths of a second.)
    const time_point end = now() + std::chrono::seconds(1);
    while (r.in_ring.load(std::memory_order_acquire) != 0 && now() < end)
        yield_thread();
    address.wait_until_free();
}

inline void io_uring_driver::shut_down(task_queue& ready) noexcept {
    guard lock(*this);
    ready.splice(answered_);
    registrations_.for_each([&](entry& r) noexcept {
        if (r.handle != no_handle && r.owner)
            *std::exchange(r.owner, nullptr) = nullptr;
        end_all(r, ready, true);
    });
    for (int tries = 0; in_flight_ != 0 || owed_ != 0; ++tries) {
        enter(lock, tries == 0 ? 0 : 1, std::chrono::milliseconds(1));
        take_completions(ready);
        if (behind_)
            catch_up(lock, ready);
    }
    registrations_.for_each([&](entry& r) noexcept {
        if (r.handle == no_handle)
            return;
        r.handle = no_handle;
        registrations_.put_back(r);
    });
}

// -- completions

/// Submits what there is. Answers as system::ring::enter().
inline int io_uring_driver::enter(guard& lock, unsigned least, std::chrono::nanoseconds timeout) noexcept {
    if (broken_) [[unlikely]] {
        lock.unlock();
        yield_thread();  // to one that is in there yet
        lock.lock();
        return -EBADF;
    }
    const unsigned count = ring_.unsubmitted();
    ++callers_;
    lock.unlock();
    const int n = ring_.enter(count, least, timeout);
    lock.lock();
    --callers_;
    refused_ = n == -EAGAIN || n == -ENOMEM || n == -EBUSY;
    if (n < 0 && !refused_ && n != -EINTR && n != -ETIME) [[unlikely]]
        broken_ = error_code(-n, boost::system::system_category());
    return n;
}

/// The kernel has acted on all entries of now when this returns: also where a thread of its own takes them, if that runs.
inline void io_uring_driver::submit_now(guard& lock) noexcept {
    const unsigned tail = ring_.published();
    enter(lock, 0, system::ring::for_ever);
    if (idle_ms_ == 0)
        return;
    const time_point end = now() + std::chrono::milliseconds(100);
    while (!broken_ && !ring_.has_taken(tail) && now() < end) {
        lock.unlock();
        yield_thread();
        lock.lock();
    }
}

// As when a filter of system calls has been put in place. Closing the ring ends what the kernel has, once no thread is in
// a call with it: a filter may be one thread's alone, and another may wait there.
inline void io_uring_driver::fail_all(task_queue& ready) noexcept {
    if (callers_ != 0)
        return wake();  // and whoever waits next comes here
    ring_.close();
    buffers_.forget();
    registered_.forget();
    forgive_all(ready);
    behind_ = nullptr;
    registrations_.for_each([&](entry& r) noexcept {
        r.is_behind = false;
        for (auto& queue : r.waiting) {
            while (!queue.empty()) {
                request& q = queue.pop();
                forget_hunger(q);
                if ((q.progress & stands) != 0) {
                    destroy(q);
                    continue;
                }
                q.answer((q.progress & cancel_asked) != 0 ? error_code(error::operation_aborted) : broken_);
                note_closing(r, q);
                ready.push(q);
            }
        }
        if (r.in_ring.exchange(0, std::memory_order_release) != 0 && std::exchange(r.has_gone, false))
            registrations_.put_back(r);
    });
    in_flight_ = 0;
}

// Only wake() and deadlines are left to wait for.
inline void io_uring_driver::wait_without_ring(time_point deadline, guard& lock, task_queue& found) noexcept {
    ::pollfd woken{waker_.handle(), POLLIN, 0};
    const auto left = time_left(deadline, now()).count();
    const ::timespec timeout{static_cast<::time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    waited_for_ = shared_;
    lock.unlock();
    ::ppoll(&woken, 1, deadline == time_point::max() ? nullptr : &timeout, nullptr);
    waker_.drain();
    lock.lock();
    waited_for_ = false;
    fail_all(found);
    found.splice(answered_);
}

inline void io_uring_driver::put_waker() noexcept {
    ring_entry* e = ring_.next_entry();
    if (!e)
        return;
    // A poll that ends with its first event sees what is there when it begins: that must be gone, and counts as seen.
    if (!support_.polls_on && waker_.drain())
        woken_ = true;
    e->opcode = IORING_OP_POLL_ADD;
    e->fd = waker_.handle();
    e->poll32_events = POLLIN;
    e->len = support_.polls_on ? system::ring_constant::poll_multishot : 0;
    e->user_data = for_waker;
    waker_put_ = true;
    ring_.publish();
}

inline void io_uring_driver::take_completions(task_queue& ready) noexcept {
    if (broken_) [[unlikely]]
        return fail_all(ready);
    const unsigned end = ring_.completed();
    for (unsigned i = ring_.seen(); i != end; ++i) {
        const system::ring::completion& c = ring_.completion_at(i);
        if ((c.user_data & not_plain) == 0) [[likely]] {
            auto& q = *reinterpret_cast<request*>(static_cast<std::uintptr_t>(c.user_data));
            constexpr unsigned part = system::ring_constant::more_follows | system::ring_constant::notification;
            if ((c.flags & part) != 0) [[unlikely]]
                on_part(static_cast<send_zc_request&>(q), c.res, c.flags, ready);
            else
                on_completion(q, c.res, c.flags, ready);
        } else if (c.user_data == for_waker) {
            waker_put_ = (c.flags & system::ring_constant::more_follows) != 0;
            woken_ = true;
        } else if (c.user_data != for_nobody) {
            on_standing(*reinterpret_cast<request*>(static_cast<std::uintptr_t>(c.user_data & ~not_plain)), c.res,
                        c.flags, ready);
        }
    }
    ring_.pop_all_before(end);
}

RILL_INLINE void io_uring_driver::on_completion(request& q, int result, unsigned flags, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    q.progress &= static_cast<std::uint8_t>(~in_ring);
    --in_flight_;
    const bool answered = conclude(r, q, result, flags);
    auto& queue = r.waiting[index(q.way)];
    if (answered) [[likely]] {
        if (queue.front() == &q) [[likely]]
            queue.pop();
        else
            queue.remove(q);
        ready.push(q);
        if (!queue.empty()) [[unlikely]]
            put_next(r, q.way);
    } else {
        q.progress &= static_cast<std::uint8_t>(~cancelling);
        put_again(r, q);
    }
    // TRICKY: the last. Zero tells abandon() that the file is free.
    const unsigned left = r.in_ring.load(std::memory_order_relaxed) - 1;
    r.in_ring.store(left, std::memory_order_release);
    if (r.has_gone && left == 0) [[unlikely]] {
        r.has_gone = false;
        registrations_.put_back(r);
    }
}

/// True: @p q is answered. False: it has to go on waiting.
RILL_INLINE bool io_uring_driver::conclude(entry& r, request& q, int result, unsigned flags) noexcept {
    if ((q.progress & polled) != 0) [[unlikely]]
        return result >= 0 && !r.has_gone ? try_call(r, q) : conclude_failure(r, q, result < 0 ? -result : ECANCELED);
    if (q.kind == request_kind::receive_block) [[unlikely]]
        return conclude_block(r, static_cast<receive_block_request&>(q), result, flags);
    if (result < 0) [[unlikely]]
        return conclude_failure(r, q, -result);
    switch (q.kind) {
    case request_kind::receive: {
        auto& receive = static_cast<receive_request&>(q);
        receive.bytes = static_cast<std::size_t>(result);
        if (result == 0 && receive.stream != stream_kind::none) [[unlikely]] {
            q.answer(error::eof);
            note_closing(r, q);
            return true;
        }
        r.seems_empty = support_.polls_first && receive.stream == stream_kind::tcp && receive.bytes < receive.asked &&
                        receive.flags == 0 && (flags & system::ring_constant::socket_non_empty) == 0;
        break;
    }
    case request_kind::send:
    case request_kind::send_zc: static_cast<send_request&>(q).bytes = static_cast<std::size_t>(result); break;
    case request_kind::accept:
        static_cast<accept_request&>(q).accepted = result;
        r.seems_empty = support_.accepts_later && (flags & system::ring_constant::socket_non_empty) == 0;
        break;
    case request_kind::connect:
    case request_kind::wait_ready:
    case request_kind::wait_until:
    case request_kind::receive_block:
    case request_kind::overlapped:
    case request_kind::wait_object: break;
    }
    q.answer();
    return true;
}

inline bool io_uring_driver::conclude_failure(entry& r, request& q, int error) noexcept {
    const bool asked = (q.progress & cancel_asked) != 0;
    if (q.kind == request_kind::send_zc && does_not_do_without_copy(r, static_cast<send_zc_request&>(q), error)) {
        if (asked)
            q.answer(error::operation_aborted);
        return asked;
    }
    switch (error) {
    case ECANCELED:
    case EINTR:
        if (asked || r.closing.load(std::memory_order_acquire)) {
            q.answer(error::operation_aborted);
            return true;
        }
        if (has_any_for(r, q)) {
            q.answer();
            return true;
        }
        // The thread that submitted it has ended, or it is taken back.
        if (q.kind == request_kind::connect) {
            static_cast<connect_request&>(q).under_way = true;
            q.progress |= polled;
        }
        return false;
    case EAGAIN:
    case EFAULT:  // also when that thread ends
    case EMFILE:  // the kernel reserves a descriptor before there is a connection: that is for then
    case ENFILE:
        if (asked) {
            q.answer(error::operation_aborted);
            return true;
        }
        if ((q.progress & polled) != 0)
            break;
        q.progress |= polled;
        static_cast<void>(q.kind == request_kind::connect && (static_cast<connect_request&>(q).under_way = true));
        return false;
    case EINPROGRESS:
        if (q.kind != request_kind::connect)
            break;
        static_cast<connect_request&>(q).under_way = true;
        q.progress |= polled;
        return false;
    case ECONNABORTED:
        // The connection went away while it waited (accept(2)): take the next.
        if (q.kind == request_kind::accept && !static_cast<accept_request&>(q).report_aborted)
            return false;
        break;
    default: break;
    }
    q.answer(error_code(error, boost::system::system_category()));
    note_closing(r, q);
    return true;
}

/// The handle seems to be ready for what could not be left to the kernel.
inline bool io_uring_driver::try_call(entry& r, request& q) noexcept {
    outcome o = outcome::would_block;
    switch (q.kind) {
    case request_kind::receive:
    case request_kind::send:
    case request_kind::send_zc: o = move_bytes(r.handle, static_cast<transfer_request&>(q)); break;
    case request_kind::accept: o = accept(r.handle, static_cast<accept_request&>(q)); break;
    case request_kind::connect: o = connect(r.handle, static_cast<connect_request&>(q)); break;
    case request_kind::wait_ready:
        o = outcome::answered;
        if (has_any_for(r, q))
            q.answer();
        else
            o = look(r.handle, static_cast<wait_request&>(q));
        if (o == outcome::answered)
            note_closing(r, q);  // it does not tell why a handle is ready
        break;
    case request_kind::receive_block:
        if (!buffers_.serves())
            o = receive(r.handle, static_cast<receive_block_request&>(q), *blocks.made());
        break;
    case request_kind::wait_until:
    case request_kind::overlapped:
    case request_kind::wait_object: break;
    }
    if (o == outcome::failed)
        note_closing(r, q);
    const bool has_to_wait = o == outcome::would_block || o == outcome::starved;
    if (has_to_wait && (q.progress & cancel_asked) != 0) {
        forget_hunger(q);
        q.answer(error::operation_aborted);
        return true;
    }
    return !has_to_wait;
}

// A call may have met what abandon() had left.
inline void io_uring_driver::note_closing(entry& r, request& q) noexcept {
    if (r.closing.load(std::memory_order_acquire))
        q.answer(error::operation_aborted);
}

inline void io_uring_driver::wait(wait_limit limit, task_queue& ready) noexcept {
    guard lock(*this);
    task_queue found;  // there may be something else in ready
    found.splice(answered_);
    take_completions(found);
    if (block_pool* b = blocks.made(); b && b->anyone_starves()) [[unlikely]]
        feed();
    registered_.clean(ring_);
    if (behind_) [[unlikely]] {
        catch_up(lock, found);
        found.splice(answered_);  // meanwhile, by others: none of them wakes a thread that does not wait yet
    }
    const bool was_woken = std::exchange(woken_, false) && !limit.look_only;
    if (!was_woken && found.empty()) {
        if (!broken_) [[likely]]
            call_kernel(limit, lock, found);
        else if (!limit.look_only)
            wait_without_ring(limit.deadline, lock, found);
    }
    ready.splice(found);
}

inline void io_uring_driver::call_kernel(wait_limit limit, guard& lock, task_queue& found) noexcept {
    const bool settles = !limit.look_only && !shared_ && ++waits_ == waits_to_settle;
    const bool unsettles = !limit.look_only && stays_ && issuer_ == issuer::this_thread;
    if (settles || unsettles) [[unlikely]] {
        if (unsettles)
            unsettle();
        else
            settle_here();
        found.splice(answered_);  // meanwhile
        if (!found.empty())
            return;
    }
    if (!waker_put_) [[unlikely]]
        put_waker();
    if (limit.look_only) {
        if (ring_.unsubmitted() == 0 && !ring_.holds_back())
            return;
        enter(lock, 0, system::ring::for_ever);
    } else {
        auto timeout = system::ring::for_ever;
        if (limit.deadline != time_point::max())
            timeout = time_left(limit.deadline, now());
        if ((refused_ || behind_ || !waker_put_) && timeout > retry_interval) [[unlikely]]
            timeout = retry_interval;
        if (block_pool* b = blocks.made(); b && b->anyone_starves() && b->to_feed() != 0) [[unlikely]]
            timeout = std::chrono::nanoseconds::zero();  // those that were fed may not have been hungry
        waited_for_ = shared_;
        const bool refused = refused_;
        if (enter(lock, woken_ ? 0 : 1, timeout) < 0 && refused && refused_) {
            // It takes no entries; what it has may come back all the same.
            ++callers_;
            lock.unlock();
            ring_.enter(0, 1, timeout);
            lock.lock();
            --callers_;
        }
        waited_for_ = false;
    }
    take_completions(found);
    woken_ = false;
}

// -- blocks

// The kernel takes one when there is something to receive, if it can be told so; else it is asked to wait for that.
inline bool io_uring_driver::fill_block(ring_entry& e, entry& r, receive_block_request& q) noexcept {
    forget_hunger(q);
    if (!support_.polls_first || !buffers_.serve(ring_, *blocks.made()))
        return false;
    e.opcode = IORING_OP_RECV;
    e.flags = IOSQE_BUFFER_SELECT;
    e.buf_group = ring_buffers::group;
    if (r.seems_empty || (q.progress & polled) != 0)
        e.ioprio = system::ring_constant::receive_poll_first;
    q.progress &= static_cast<std::uint8_t>(~polled);
    return true;
}

inline bool io_uring_driver::conclude_block(entry& r, receive_block_request& q, int result, unsigned flags) noexcept {
    namespace constant = system::ring_constant;
    block_pool& free_blocks = *blocks.made();
    block* b = (flags & constant::has_buffer) != 0 ? &free_blocks.taken(flags >> constant::buffer_shift) : nullptr;
    if (result > 0 && b) {
        b->size = static_cast<std::size_t>(result);
        q.received = b;
        q.answer();
        r.seems_empty = q.stream == stream_kind::tcp && b->size < free_blocks.block_size() &&
                        (flags & constant::socket_non_empty) == 0;
        return true;
    }
    if (b)
        free_blocks.give_back(*b);
    if (result == 0) {
        q.answer(error::eof);
        note_closing(r, q);
        return true;
    }
    if (result != -ENOBUFS)
        return conclude_failure(r, q, result < 0 ? -result : EAGAIN);
    if ((q.progress & cancel_asked) != 0)
        return conclude_failure(r, q, ECANCELED);
    free_blocks.let_starve(q);
    return false;
}

// As many as there are free blocks; if these turn out not to need them, others follow in the next wait().
inline void io_uring_driver::feed() noexcept {
    block_pool& free_blocks = *blocks.made();
    for (std::size_t n = free_blocks.to_feed(); n != 0; --n) {
        registration* r = free_blocks.next_to_feed();
        if (!r)
            return;
        put_next(static_cast<entry&>(*r), direction::read);
    }
}

// -- what is taken ahead

inline void io_uring_driver::take_ahead(registration& base, request_kind what) noexcept {
    auto& r = static_cast<entry&>(base);
    block_pool* free_blocks = what == request_kind::accept ? nullptr : blocks.get();
    guard lock(*this);
    auto& queue = r.waiting[index(direction::read)];
    if (!support_.answers_on || r.handle == no_handle || standing(queue))
        return;
    request* s = nullptr;
    try {
        if (what == request_kind::accept)
            s = new (blocks.source()) connections_ahead;
        else if (free_blocks && buffers_.serve(ring_, *free_blocks))
            s = new (blocks.source()) bytes_ahead(*free_blocks);
    } catch (...) {  // whatever the user's allocator throws
    }
    if (!s)
        return;  // then each is taken when it is asked for
    s->handle = &r;
    s->state = request_state::waiting;
    s->progress = stands;
    queue.push_front(*s);
}

inline bool io_uring_driver::is_fed_by(const request& s, const request& q) noexcept {
    if (s.kind == request_kind::accept)
        return q.kind == request_kind::accept && &q != &s;
    return (q.kind == request_kind::receive || q.kind == request_kind::receive_block) && &q != &s;
}

// Behind s the queue comes round to it again.
inline request* io_uring_driver::first_fed_by(const request& s) noexcept {
    for (auto* q = static_cast<request*>(s.next); q != &s; q = static_cast<request*>(q->next))
        if (is_fed_by(s, *q))
            return q;
    return nullptr;
}

/// Whether the kernel has one of those: since before s stood, or because s could not be put.
inline bool io_uring_driver::one_is_in_ring(const request& s) noexcept {
    for (auto* q = static_cast<request*>(s.next); q != &s; q = static_cast<request*>(q->next))
        if (is_fed_by(s, *q) && (q->progress & in_ring) != 0)
            return true;
    return false;
}

inline bool io_uring_driver::has_any(const request& s) noexcept {
    return s.kind == request_kind::accept ? !static_cast<const connections_ahead&>(s).empty()
                                          : !static_cast<const bytes_ahead&>(s).empty();
}

/// Whether @p q waits for something that is here already.
inline bool io_uring_driver::has_any_for(const entry& r, const request& q) noexcept {
    const request* s = q.kind == request_kind::wait_ready ? standing(r.waiting[index(q.way)]) : nullptr;
    return s && has_any(*s);
}

inline bool io_uring_driver::give(request& s, request& q) noexcept {
    if (s.kind == request_kind::accept)
        return static_cast<connections_ahead&>(s).give(static_cast<accept_request&>(q));
    auto& bytes = static_cast<bytes_ahead&>(s);
    return q.kind == request_kind::receive ? bytes.give(static_cast<receive_request&>(q))
                                           : bytes.give(static_cast<receive_block_request&>(q));
}

inline void io_uring_driver::destroy(request& s) noexcept {
    if (s.kind == request_kind::accept)
        delete static_cast<connections_ahead*>(&s);
    else
        delete static_cast<bytes_ahead*>(&s);
}

inline void io_uring_driver::put_standing(entry& r, request& s) noexcept {
    ring_entry* e = takes_back_ ? nullptr : ring_.next_entry();
    if (!e)
        return fall_behind(r);
    e->fd = r.handle;
    if (s.kind == request_kind::accept) {
        r.may_listen = true;
        e->opcode = IORING_OP_ACCEPT;
        e->ioprio = system::ring_constant::accept_multishot;
        e->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    } else {
        e->opcode = IORING_OP_RECV;
        e->ioprio = system::ring_constant::receive_multishot;
        e->flags = IOSQE_BUFFER_SELECT;
        e->buf_group = ring_buffers::group;
    }
    e->user_data = user_data_of(s);
    count_in(r, s);
}

/// The kernel is asked for more if somebody waits for it.
inline void io_uring_driver::put_if_wanted(entry& r, request& s) noexcept {
    if ((s.progress & in_ring) != 0)
        return;
    request* first = first_fed_by(s);
    if (!first || one_is_in_ring(s))
        return;
    if (starves(s)) {
        if (first->kind != request_kind::receive)
            return;
        forget_hunger(s);
        s.progress |= alone;  // it has its own memory
    }
    const bool is_possible = s.kind == request_kind::accept || buffers_.serve(ring_, *blocks.made());
    if (is_possible && (s.progress & alone) == 0) {
        forget_hunger(*first);  // since before s stood, or alone: s is to receive for it
        return put_standing(r, s);
    }
    s.progress &= static_cast<std::uint8_t>(~alone);
    put_again(r, *first);
}

inline void io_uring_driver::stop_if_unwanted(entry& r, request& s) noexcept {
    if (first_fed_by(s))
        return;
    forget_hunger(s);
    if ((s.progress & in_ring) != 0 && (s.progress & cancel_put) == 0)
        put_cancel(r, s);
}

/// Gives what there is to those that wait behind @p s.
inline void io_uring_driver::serve(entry& r, request& s, task_queue& ready) noexcept {
    auto& queue = r.waiting[index(s.way)];
    for (;;) {
        request* first = first_fed_by(s);
        if (!first || (first->progress & in_ring) != 0 || !give(s, *first))
            break;
        if (first->ec)
            note_closing(r, *first);
        queue.remove(*first);
        ready.push(*first);
    }
    if (!has_any(s))
        return;
    for (;;) {
        request* first = nullptr;
        queue.for_each([&](request& q) noexcept {
            if (q.kind != request_kind::wait_ready || (q.progress & cancel_put) != 0)
                return;
            if ((q.progress & in_ring) != 0)
                put_cancel(r, q);  // and conclude_failure() sees what it waits for
            else if (!first)
                first = &q;
        });
        if (!first)
            return;
        queue.remove(*first);
        first->answer();
        ready.push(*first);
    }
}

inline void io_uring_driver::on_standing(request& s, int result, unsigned flags, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*s.handle);
    const bool has_ended = (flags & system::ring_constant::more_follows) == 0;
    const bool goes = (s.progress & cancel_asked) != 0;
    if (has_ended) {
        s.progress &= static_cast<std::uint8_t>(~(in_ring | cancelling));
        --in_flight_;
    }
    if (!goes && result > 0 && pass_on(r, s, result, flags, ready)) {
        if (has_ended)
            put_if_wanted(r, s);
    } else if (keep(s, result, flags); !goes) {
        serve(r, s, ready);
        const bool is_full = s.kind == request_kind::accept ? static_cast<connections_ahead&>(s).is_full()
                                                            : static_cast<bytes_ahead&>(s).is_full();
        if (s.kind == request_kind::receive_block)
            static_cast<bytes_ahead&>(s).leave_blocks_to_others();
        if (has_ended)
            put_if_wanted(r, s);
        else if (is_full && (s.progress & cancel_put) == 0)
            put_cancel(r, s);
    } else if (has_ended) {
        r.waiting[index(s.way)].remove(s);
        destroy(s);
    }
    if (!has_ended)
        return;
    // TRICKY: as in on_completion()
    const unsigned left = r.in_ring.load(std::memory_order_relaxed) - 1;
    r.in_ring.store(left, std::memory_order_release);
    if (r.has_gone && left == 0) {
        r.has_gone = false;
        registrations_.put_back(r);
    }
}

/// Bytes for which a buffer waits go there, and their block back to the kernel. False: they have to be kept.
inline bool io_uring_driver::pass_on(entry& r, request& s, int result, unsigned flags, task_queue& ready) noexcept {
    namespace constant = system::ring_constant;
    if (s.kind != request_kind::receive_block || (flags & constant::has_buffer) == 0 || has_any(s))
        return false;
    request* first = first_fed_by(s);
    if (!first || first->kind != request_kind::receive || (first->progress & in_ring) != 0)
        return false;
    auto& q = static_cast<receive_request&>(*first);
    const auto size = static_cast<std::size_t>(result);
    if (q.flags != 0 || q.count != 1 || q.buffers->iov_len < size)
        return false;
    std::memcpy(q.buffers->iov_base, blocks.made()->in_passing(flags >> constant::buffer_shift).memory, size);
    blocks.made()->put_again(flags >> constant::buffer_shift);
    q.bytes = size;
    q.answer();
    r.waiting[index(s.way)].remove(q);
    ready.push(q);
    return true;
}

inline void io_uring_driver::keep(request& s, int result, unsigned flags) noexcept {
    namespace constant = system::ring_constant;
    const bool is_taken_back = result == -ECANCELED || result == -EINTR;
    if (s.kind == request_kind::accept) {
        if (result >= 0)
            static_cast<connections_ahead&>(s).keep(result);
        else if (!is_taken_back)
            s.progress |= alone;  // what is wrong is for the next to find out
        return;
    }
    auto& bytes = static_cast<bytes_ahead&>(s);
    block_pool& free_blocks = *blocks.made();
    block* b = (flags & constant::has_buffer) != 0 ? &free_blocks.taken(flags >> constant::buffer_shift) : nullptr;
    if (result > 0 && b) {
        b->size = static_cast<std::size_t>(result);
        bytes.keep(*b);
        return;
    }
    if (b)
        free_blocks.give_back(*b);
    if (result == 0) {
        bytes.end_with(error::eof);
    } else if (result == -ENOBUFS) {
        const request* first = first_fed_by(s);
        if (first && first->kind == request_kind::receive)
            s.progress |= alone;  // it has its own
        else if (first)
            free_blocks.let_starve(bytes);
    } else if (result > 0 || result == -EAGAIN || result == -EFAULT || result == -EINVAL || result == -EOPNOTSUPP) {
        s.progress |= alone;
    } else if (!is_taken_back) {
        bytes.end_with(error_code(-result, boost::system::system_category()));
    }
}

// -- sends without a copy
//
// The kernel answers such a send twice: what has come of it, and, maybe much later, that it needs the bytes no more. In
// between the handle has nothing to do with it any more, and the ring must stay open.

inline void io_uring_driver::fill_send_zc(ring_entry& e, const entry& r, send_zc_request& q) noexcept {
    fill_transfer(e, q, false);
    e.msg_flags = static_cast<unsigned>(q.flags) | MSG_NOSIGNAL;
    // To note the pages of less is dearer than to copy them: Documentation/networking/msg_zerocopy.rst.
    constexpr std::size_t least = 16384;
    // A kernel's thread that submits leaves processes behind that cannot be killed: seen with Linux 6.18.
    if (q.is_copied || r.copies_all || q.asked < least || !support_.sends_without_copy || idle_ms_ != 0)
        return;
    stays_ = true;
    if (issuer_ != issuer::any_thread)
        return;
    if (e.opcode != IORING_OP_SEND) {
        e.opcode = system::ring_constant::operation_sendmsg_zc;
        return;
    }
    e.opcode = system::ring_constant::operation_send_zc;
    if (q.slot >= 0 && registered_.serve(ring_, memory_made(), q.slot, q.buffers->iov_base, e.len)) {
        e.ioprio = system::ring_constant::send_registered;
        e.buf_index = static_cast<std::uint16_t>(q.slot);
    }
}

/// True: @p q is to be tried again, with a copy.
inline bool io_uring_driver::does_not_do_without_copy(entry& r, send_zc_request& q, int error) noexcept {
    if (q.is_copied || (error != EOPNOTSUPP && error != EINVAL && error != ENOMEM && error != ENOBUFS))
        return false;
    q.is_copied = true;
    r.copies_all |= error == EOPNOTSUPP;
    return true;
}

inline void io_uring_driver::on_part(send_zc_request& q, int result, unsigned flags, task_queue& ready) noexcept {
    namespace constant = system::ring_constant;
    if ((flags & constant::notification) == 0) {
        owe(q);
        task_queue kept;
        on_completion(q, result, flags & ~constant::more_follows, kept);
        return;
    }
    --owed_;
    if (q.owed != 1) {
        --q.owed;
        return;
    }
    const bool goes_on = q.state == request_state::waiting;
    forgive(q, ready);
    if (goes_on)
        put_next(static_cast<entry&>(*q.handle), q.way);
}

inline void io_uring_driver::owe(send_zc_request& q) noexcept {
    ++owed_;
    if (q.owed++ != 0)
        return;
    q.owed_next = all_owed_;
    q.owed_before = &all_owed_;
    if (all_owed_)
        all_owed_->owed_before = &q.owed_next;
    all_owed_ = &q;
}

inline void io_uring_driver::forgive(send_zc_request& q, task_queue& ready) noexcept {
    q.owed = 0;
    *q.owed_before = q.owed_next;
    if (q.owed_next)
        q.owed_next->owed_before = q.owed_before;
    if (q.state == request_state::answered)
        ready.push(q);
}

inline void io_uring_driver::forgive_all(task_queue& ready) noexcept {
    owed_ = 0;
    while (all_owed_)
        forgive(*all_owed_, ready);
}

// -- other rings

// Inside of run() only: whatever else is asked comes through the loop, on this thread.
inline void io_uring_driver::settle_here() noexcept {
    if (pinned_ && support_.defers && issuer_ == issuer::any_thread && !stays_)
        change_rings(issuer::this_thread);
    if (support_.remembers_handle)
        ring_.remember_handle();
}

// For good. The ring that replaces this one is remembered, too.
inline void io_uring_driver::unsettle() noexcept {
    change_rings(issuer::any_thread);
    if (support_.remembers_handle)
        ring_.remember_handle();
}

inline void io_uring_driver::leave() noexcept {
    if (waits_ >= waits_to_settle) {
        ring_.forget_handle();
        if (issuer_ == issuer::this_thread)
            change_rings(issuer::any_thread);
    }
    waits_ = 0;
}

// The ring that any thread may use stays open meanwhile, so that there always is one to come back to.
inline void io_uring_driver::change_rings(issuer who) noexcept {
    if (broken_)
        return;
    guard lock(*this);
    take_back(lock, answered_);
    buffers_.leave(ring_);
    ring_.swap(other_ring_);
    if (who == issuer::this_thread && open_ring(who))
        ring_.swap(other_ring_);
    else
        issuer_ = who;
    if (who == issuer::any_thread)
        other_ring_.close();
    messages_.reset();
    put_all();
}

/// Nothing is in the ring then. What is answered meanwhile goes to @p ready.
inline void io_uring_driver::take_back(guard& lock, task_queue& ready) noexcept {
    takes_back_ = true;
    bool waker_told = false;
    for (int tries = 0; in_flight_ != 0 || waker_put_; ++tries) {
        registrations_.for_each([&](entry& r) noexcept {
            if (r.in_ring.load(std::memory_order_relaxed) != 0)
                put_what_is_left(r);
        });
        if (ring_entry* e = waker_put_ && !waker_told ? ring_.next_entry() : nullptr) {
            fill_cancel(*e, for_waker);
            waker_told = true;
        }
        enter(lock, tries == 0 ? 0 : 1, std::chrono::milliseconds(1));
        take_completions(ready);
        if (broken_)
            break;
    }
    takes_back_ = false;
}

inline void io_uring_driver::put_all() noexcept {
    // Another thread may be in attach(): of what has no requests nothing is read.
    registrations_.for_each([&](entry& r) noexcept { put_what_is_left(r); });
}

// The new process would share the ring, and the kernel would write into the old one's memory: so all is taken out
// before, and put in again after, by each into its own.
inline error_code io_uring_driver::notify_fork(fork_event event) noexcept {
    guard lock(*this);
    has_forked_ = true;
    error_code ec;
    if (event == fork_event::prepare) {
        take_back(lock, answered_);
        buffers_.leave(ring_);
        return ec;
    }
    if (event == fork_event::child) {
        ec = waker_.renew();
        if (!ec) {
            ring_.close_inherited();
            other_ring_.close_inherited();
            ec = open_ring(issuer::any_thread);
            issuer_ = issuer::any_thread;
            messages_.reset();
            registered_.forget();
            forgive_all(answered_);  // what the kernel still needs is the old process's
        }
    }
    if (!ec)
        put_all();
    return ec;
}

}  // namespace rill::engine
