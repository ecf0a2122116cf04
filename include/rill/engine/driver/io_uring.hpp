// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/spin_lock.hpp>
#include <rill/engine/driver/driver.hpp>
#include <rill/engine/driver/registration_pool.hpp>
#include <rill/engine/driver/request_ring.hpp>
#include <rill/engine/driver/ring_ahead.hpp>
#include <rill/engine/driver/ring_buffers.hpp>
#include <rill/engine/driver/ring_memory.hpp>
#include <rill/engine/driver/ring_support.hpp>

#include RILL_KERNEL(waker.hpp)

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <sys/socket.h>

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
///          completions; nobody submits or waits with it. While a thread waits there, others submit what they start at
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
    void take_what_has_completed(task_queue& ready) noexcept;
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

}  // namespace rill::engine

// The bodies, by what they are about.
#include <rill/engine/driver/io_uring_ahead.hpp>
#include <rill/engine/driver/io_uring_begin.hpp>
#include <rill/engine/driver/io_uring_completions.hpp>
#include <rill/engine/driver/io_uring_ends.hpp>
#include <rill/engine/driver/io_uring_rings.hpp>
#include <rill/engine/driver/io_uring_zero_copy.hpp>
