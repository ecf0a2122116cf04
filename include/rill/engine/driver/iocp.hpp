// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/driver.hpp>
#include <rill/engine/driver/registration_pool.hpp>
#include <rill/engine/request/overlapped_request.hpp>

#include RILL_SYSTEM(afd_poll.hpp)
#include RILL_SYSTEM(mutex.hpp)
#include RILL_SYSTEM(nt_calls.hpp)
#include RILL_SYSTEM(wait_timer.hpp)

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mswsock.h>
#include <type_traits>
#include <vector>

namespace rill::engine {

struct iocp_registration;

/// What the kernel knows of a request: it writes here, and says so at the port, once, whatever becomes of the request.
struct iocp_call {
    ::OVERLAPPED overlapped;  // the first, so that a packet names the call
    // Null: the request has been answered, and the call has left its registration; only the packet is awaited. Written with
    // the registration's lock.
    std::atomic<iocp_registration*> of;
    iocp_registration* from;  // the same, for ever; null: the call was not made here, and lies in the request
    request* asked;
    iocp_call* next;
    iocp_call* before;
    std::size_t size;  // of the whole, as it was allocated
    bool is_poll;      // moves nothing
    bool cancelled;    // by us
};

struct iocp_receive : iocp_call {
    ::DWORD flags;
};

/// A call that waits for readiness: of a request that asks for no more than that, or before its turn to be tried.
struct iocp_poll : iocp_call {
    afd::poll_information information;
};

struct iocp_accept : iocp_call {
    static constexpr ::DWORD address_size = sizeof(native_address_storage) + 16;  // as AcceptEx() asks

    native_handle accepted;
    alignas(native_address_storage) char addresses[2 * address_size];  // the local one, the peer's
};

struct iocp_connect : iocp_call {};

struct iocp_transfer : iocp_call {};

/// A wait for an object, which a thread of the system's does. It posts the packet itself.
struct iocp_object_wait : iocp_call {
    ::HANDLE port;
    ::HANDLE wait;  // null: it is over
};

/// The driver's state for one handle.
struct iocp_registration : registration {
    mutex lock;
    iocp_call* calls = nullptr;        // in the kernel, and not answered
    std::atomic<unsigned> packets{0};  // that are still to come of its calls, answered or not
    task_queue waiting[2];             // of a stream, for reading and writing: behind the one that is under way
    request* under_way[2] = {};        // of a stream
    handle_kind kind = handle_kind::socket;
    bool attached = false;                   // false: only the calls that it still has are waited for
    bool tells_success = false;              // there is a packet of a call that succeeded at once, too
    int family = 0, type = 0, protocol = 0;  // of a listener, once it is known
};

/// Completion ports. The kernel is given the requests themselves, and says what became of them.
///
/// Of each direction of a stream one request is under way, so that the bytes keep their order; accepts, waits and
/// datagrams all are. What succeeds at once is answered at once, and makes no packet.
///
/// A send is tried, and waits for room if there is none. To leave a send with the kernel until it is done would save two
/// calls, but what a cancelled one has sent nobody can tell.
///
/// Cancelling asks the kernel. If it is done with the request when that call returns, as it mostly is, the request is
/// answered then and there, and its packet means nothing any more; else the packet answers it. What the kernel had done
/// before it was asked counts: no byte and no connection is lost. A call that the kernel calls cancelled though we did
/// not ask is begun again: see system::shut_down().
///
/// What is no socket takes the same way: files and pipes make a packet of each call, so that a call may also be made by
/// whoever has the handle; objects are waited for by a thread of the system's, one wait of each at a time.
///
/// All of a registration is under its lock, in solo loops too: there abandon() closes the handle on another thread.
/// Registrations are reused, never freed, and not while the kernel has a request of theirs.
class iocp final : public driver {
public:
    /// Throws  system_error: the system has no more ports
    RILL_COLD RILL_DECL iocp(threading t, const driver_options& options);
    RILL_COLD RILL_DECL ~iocp() override;

    const char* name() const noexcept override { return "iocp"; }
    RILL_COLD RILL_DECL registration* attach(native_handle handle, error_code& ec) noexcept override;
    RILL_COLD RILL_DECL registration* attach_other(native_handle handle, handle_kind kind,
                                                   error_code& ec) noexcept override;
    RILL_COLD RILL_DECL void detach(registration& r, bool closing, task_queue& ready) noexcept override;
    RILL_COLD RILL_DECL void abandon(registration& r) noexcept override;
    RILL_DECL void start(request& q, task_queue& ready) noexcept override;
    RILL_DECL void cancel(request& q, task_queue& ready) noexcept override;
    RILL_COLD RILL_DECL void cancel_all(registration& r, task_queue& ready) noexcept override;
    RILL_DECL void wait(wait_limit limit, task_queue& ready) noexcept override;
    RILL_DECL void wake() noexcept override;
    bool many_may_wait() const noexcept override { return shared_; }
    RILL_DECL void expect(time_point deadline) noexcept override;
    RILL_COLD RILL_DECL void shut_down(task_queue& ready) noexcept override;

    /// Makes so many registrations in advance.
    /// Throws  std::bad_alloc
    RILL_COLD RILL_DECL void reserve(std::size_t registrations);

private:
    using entry = iocp_registration;

    template <std::size_t>
    struct nothing_shared {};
    using pool = registration_pool<entry, nothing_shared>;

    static void prepare(pool::chunk&, memory_source*) noexcept {}

    /// A thread that waits with a time-out.
    struct timed_wait {
        time_point until;
        timed_wait* next = nullptr;
    };

    // What has become of a request that was given to the kernel.
    enum class launch : unsigned char { answered, under_way };

    static constexpr ::ULONG packets_at_a_time = 32;

    RILL_COLD RILL_DECL int associate(native_handle handle) noexcept;
    RILL_COLD RILL_DECL void give_away(entry& r, bool idle) noexcept;

    RILL_DECL launch begin(entry& r, request& q) noexcept;
    RILL_DECL launch begin_receive(entry& r, receive_request& q) noexcept;
    RILL_COLD RILL_DECL launch begin_block(entry& r, receive_block_request& q) noexcept;
    RILL_COLD RILL_DECL static receive_block_request* starving(entry& r) noexcept;
    RILL_COLD RILL_DECL void end_starving(entry& r, receive_block_request& q, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL wait_limit feed(block_pool& pool, wait_limit limit, task_queue& ready) noexcept;
    RILL_DECL launch begin_send(entry& r, send_request& q) noexcept;
    RILL_DECL launch begin_accept(entry& r, accept_request& q) noexcept;
    RILL_DECL launch begin_connect(entry& r, connect_request& q) noexcept;
    RILL_DECL launch begin_poll(entry& r, request& q) noexcept;
    RILL_DECL launch begin_overlapped(entry& r, overlapped_request& q) noexcept;
    RILL_DECL launch begin_object_wait(entry& r, request& q) noexcept;
    RILL_DECL static void __stdcall signalled(void* wait, ::BOOLEAN timed_out) noexcept;
    RILL_DECL launch begun(entry& r, iocp_call& call, int error, std::size_t bytes) noexcept;

    RILL_DECL launch conclude(entry& r, iocp_call& call, int error, std::size_t bytes) noexcept;
    RILL_DECL static launch conclude_receive(receive_request& q, int error, std::size_t bytes) noexcept;
    RILL_DECL launch conclude_poll(entry& r, iocp_poll& call) noexcept;
    RILL_DECL static launch conclude_object_wait(iocp_object_wait& call, int error) noexcept;
    RILL_COLD RILL_DECL launch conclude_accept(entry& r, iocp_accept& call, int error) noexcept;
    RILL_COLD RILL_DECL launch conclude_connect(entry& r, connect_request& q, int error) noexcept;

    template <class Call>
    Call* make_call(entry& r, request& q) noexcept;
    RILL_DECL static void unlink(entry& r, iocp_call& call) noexcept;
    RILL_DECL void free_call(iocp_call& call) noexcept;
    RILL_DECL void abandon(iocp_call& call) noexcept;

    RILL_DECL void answered(entry& r, request& q, task_queue& ready) noexcept;
    RILL_DECL void settle(entry& r, iocp_call& call, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL void end_all(entry& r, bool closing, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL static void ask_for_end(entry& r, iocp_call& call) noexcept;
    RILL_COLD RILL_DECL static void ask_for_end_of_all(entry& r) noexcept;
    RILL_COLD RILL_DECL static void let_finish(entry& r) noexcept;
    RILL_DECL void take(iocp_call& call, task_queue& ready) noexcept;
    RILL_COLD RILL_DECL void take_begun_elsewhere(iocp_call& call, task_queue& ready) noexcept;
    RILL_DECL ::ULONG take_packets(::DWORD milliseconds, bool alertable, task_queue& ready) noexcept;
    RILL_DECL ::ULONG take_packets_until(time_point deadline, task_queue& ready) noexcept;
    RILL_DECL wait_timer* borrow_timer() noexcept;
    RILL_DECL void give_back(wait_timer& t) noexcept;
    RILL_DECL bool somebody_returns_at(time_point deadline) const noexcept;

    // Functions that Winsock's providers have, and no library to link with.
    template <class Function>
    static Function* find_function(native_handle s, ::GUID id, std::atomic<Function*>& kept) noexcept;
    using accept_function = std::remove_pointer_t<::LPFN_ACCEPTEX>;
    using accepted_addresses_function = std::remove_pointer_t<::LPFN_GETACCEPTEXSOCKADDRS>;
    using connect_function = std::remove_pointer_t<::LPFN_CONNECTEX>;
    std::atomic<accept_function*> accept_{nullptr};
    std::atomic<accepted_addresses_function*> accepted_addresses_{nullptr};
    std::atomic<connect_function*> connect_{nullptr};

    const bool shared_;
    memory_source* const memory_;
    ::HANDLE port_ = nullptr;
    std::atomic<std::size_t> calls_{0};                    // in the kernel
    std::array<std::atomic<iocp_call*>, 64> abandoned_{};  // see abandon()
    std::atomic<std::size_t> abandonments_{0};
    pool registrations_;
    mutex given_away_mutex_;
    // Sockets that were given away, but that the system cannot take from the port. given_away_mutex_
    std::vector<native_handle, source_allocator<native_handle>> given_away_;
    mutex waits_mutex_;
    timed_wait* timed_waits_ = nullptr;  // shared: waits_mutex_
    wait_timer* timers_ = nullptr;       // waits_mutex_: those that no thread uses
    bool has_timers_ = true;             // waits_mutex_: the system has not refused one
};

}  // namespace rill::engine

#include RILL_BODY(iocp.ipp)
