// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/driver.hpp>
#include <rill/engine/driver/perform.hpp>
#include <rill/engine/driver/registration_pool.hpp>
#include <rill/engine/driver/request_ring.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <cstddef>
#include <cstdint>
#include <memory>

namespace rill::engine {

/// What a poller reports of one handle.
struct ready_events {
    bool readable = false;     // data, a connection to accept, the end, or an error
    bool writable = false;     // room, the outcome of a connect, or an error
    bool exceptional = false;  // priority data, or an error
    bool unusual = false;      // more than data and room: end, error, hang-up, or priority data
};

/// The reactor's state for one handle: small, as there is one for each connection.
struct reactor_registration : registration {
    mutex* lock = nullptr;    // shared: its own; solo: see try_other()
    request_ring waiting[3];  // by direction; the front is the one to try
    // Whether a call may succeed now, by direction. False: a call has found it exhausted, and no edge has come since.
    bool may_succeed[3] = {true, true, true};
    // A short read proves nothing while this is set: an edge told of more than data since a read last would have
    // blocked.
    bool unusual = false;
    bool may_listen = false;  // then its address must be free as soon as it is closed
    bool starves = false;     // what waits to receive waits for a block: the poller is not told of it

    /// What the poller keeps here.
    unsigned char armed = 0;
    std::uint32_t position = 0;
};

static_assert(sizeof(void*) != 8 || sizeof(reactor_registration) <= 96);

class reactor;

/// When a reactor has to tell its poller of requests that begin, or cease, to wait.
enum class arming : unsigned char {
    each_wait,     ///< always
    first_write,   ///< of the first that waits for room; edges of other kinds come from add() on
    while_writing  ///< the same, and of room that nobody waits for
};

/// A mechanism that knows which handles are ready, for a reactor.
///
/// Threads  add() and wake() from any at any time; the others as the driver that it serves
class poller : public in_source_memory {
public:
    explicit poller(arming a) noexcept : needs(a) {}
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;
    virtual ~poller() = default;

    const arming needs;

    virtual const char* name() const noexcept = 0;

    virtual bool add(reactor_registration& r, error_code& ec) noexcept = 0;
    /// @p closing: the handle is closed next.
    virtual void remove(reactor_registration& r, bool closing) noexcept = 0;
    /// Lets go of the handle's file at once, see system::abandon_file().
    virtual void abandon(reactor_registration& r) noexcept = 0;

    /// Requests begin, and cease, to wait in a direction. False, and @p ec says why: the system refuses to tell when they
    /// may go on.
    virtual bool arm(reactor_registration& r, direction way, error_code& ec) noexcept = 0;
    virtual void disarm(reactor_registration& r, direction way) noexcept = 0;

    /// Waits, and gives each handle that is ready to the reactor's on_ready().
    virtual void wait(wait_limit limit, reactor& to, task_queue& ready) noexcept = 0;
    virtual void wake() noexcept = 0;

    // As the driver's.
    virtual bool many_may_wait() const noexcept { return false; }
    virtual void expect([[maybe_unused]] time_point deadline) noexcept { wake(); }

    /// As the driver's. The poller of a new process asks @p of for its handles.
    virtual error_code notify_fork(fork_event event, reactor& of) noexcept = 0;
};

/// Answers requests by trying the call, and again whenever its poller says that it may succeed.
class reactor final : public driver {
public:
    reactor(std::unique_ptr<poller> p, threading t, memory_source* memory = nullptr) noexcept
        : shared_(t == threading::shared),
          arms_each_wait_(p->needs == arming::each_wait),
          disarms_idle_writes_(p->needs == arming::while_writing),
          poller_(std::move(p)),
          registrations_(memory) {}

    const char* name() const noexcept override { return poller_->name(); }
    RILL_COLD RILL_DECL registration* attach(native_handle handle, error_code& ec) noexcept override;
    RILL_COLD RILL_DECL void detach(registration& r, bool closing, task_queue& ready) noexcept override;
    RILL_COLD RILL_DECL void abandon(registration& r) noexcept override;
    RILL_DECL void start(request& q, task_queue& ready) noexcept override;
    RILL_DECL void cancel(request& q, task_queue& ready) noexcept override;
    RILL_COLD RILL_DECL void cancel_all(registration& r, task_queue& ready) noexcept override;
    void wait(wait_limit limit, task_queue& ready) noexcept override {
        block_pool* free_blocks = blocks.made();
        if (free_blocks && free_blocks->anyone_starves()) [[unlikely]]
            limit = feed(*free_blocks, limit, ready);
        poller_->wait(limit, *this, ready);
    }
    void wake() noexcept override { poller_->wake(); }
    bool many_may_wait() const noexcept override { return poller_->many_may_wait(); }
    void expect(time_point deadline) noexcept override { poller_->expect(deadline); }
    RILL_COLD RILL_DECL void shut_down(task_queue& ready) noexcept override;

    error_code notify_fork(fork_event event) noexcept override { return poller_->notify_fork(event, *this); }

    /// Makes so many registrations in advance.
    /// Throws  std::bad_alloc
    RILL_COLD RILL_DECL void reserve(std::size_t registrations);

    /// Calls f(registration) for each that has a handle, until it answers with an error.
    template <class Function>
    error_code for_each_handle(Function f) noexcept {
        error_code ec;
        registrations_.for_each([&](entry& r) noexcept {
            if (!ec && r.handle != no_handle)
                ec = f(r);
        });
        return ec;
    }

    /// What the poller has seen of one handle.
    RILL_DECL void on_ready(reactor_registration& r, ready_events events, task_queue& ready) noexcept;

private:
    using entry = reactor_registration;

    // What a chunk of registrations comes with.
    template <std::size_t Size>
    struct locks_of_chunk {
        struct mutexes : in_source_memory {
            mutex of[Size];
        };
        std::unique_ptr<mutexes> locks;  // shared: one for each
    };
    using pool = registration_pool<entry, locks_of_chunk>;

    RILL_COLD RILL_DECL void prepare(pool::chunk& c, memory_source* memory);

    static constexpr std::size_t index(direction d) noexcept { return static_cast<std::size_t>(d); }

    mutex* lock_of(entry& r) noexcept { return shared_ ? r.lock : nullptr; }
    RILL_COLD RILL_DECL void start_shared(entry& r, request& q, task_queue& ready) noexcept;
    void start_locked(entry& r, request& q, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL static void refuse(request& q, task_queue& ready) noexcept;
    RILL_DECL void start_front(entry& r, request& q, task_queue& ready) noexcept;
    void let_wait(entry& r, request& q, task_queue& ready) noexcept;
    RILL_DECL void arm(entry& r, request& q, task_queue& ready) noexcept;
    bool try_now(entry& r, request& q) noexcept;
    RILL_DECL outcome try_other(entry& r, request& q) noexcept;
    RILL_COLD RILL_DECL static void note_closing(entry& r, request& q) noexcept;
    void on_news(entry& r, direction way, task_queue& ready) noexcept;
    RILL_DECL void try_queue(entry& r, direction way, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL void end_all(entry& r, task_queue& ready) noexcept;
    void end_wait(entry& r, direction way) noexcept {
        if (!arms_each_wait_)
            return;
        poller_->disarm(r, way);
        if (way == direction::read)
            r.starves = false;
    }
    RILL_COLD RILL_DECL wait_limit feed(block_pool& free_blocks, wait_limit limit, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL void starve(entry& r) noexcept;
    RILL_COLD RILL_DECL bool satisfy(entry& r, request& q) noexcept;
    void forget_hunger(request& q) noexcept {
        if (q.kind == request_kind::receive_block) [[unlikely]]
            blocks.made()->stop_starving(static_cast<receive_block_request&>(q));
    }

    const bool shared_;
    const bool arms_each_wait_;
    const bool disarms_idle_writes_;
    std::unique_ptr<poller> poller_;
    mutex listeners_mutex_;  // solo
    // An event that was fetched before its handle went, and another came in its place, only makes that other one try a
    // call for nothing, or not conclude that one is needless.
    pool registrations_;
};

}  // namespace rill::engine

#include RILL_BODY(reactor.ipp)
