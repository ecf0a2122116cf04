// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>
#include <rill/engine/driver/iocp.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(socket_calls.hpp)

#include <algorithm>
#include <cstring>
#include <utility>

namespace rill::engine {

inline ::HANDLE file_of(native_handle handle) noexcept { return reinterpret_cast<::HANDLE>(handle); }

// -- life

RILL_DECL iocp::iocp(threading t, const driver_options& options)
    : shared_(t == threading::shared),
      memory_(options.memory),
      registrations_(options.memory),
      given_away_(source_allocator<native_handle>(options.memory)) {
    system::use_winsock();
    port_ = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 0);
    if (!port_)
        throw_error(system::make_system_error(static_cast<int>(::GetLastError())), "CreateIoCompletionPort");
}

RILL_DECL iocp::~iocp() {
    RILL_ASSERT(calls_ == 0);
    for (const std::atomic<iocp_call*>& each : abandoned_)
        if (iocp_call* call = each.load(std::memory_order_relaxed))
            deallocate(call, call->size);
    while (wait_timer* t = timers_) {
        timers_ = t->next;
        delete t;
    }
    ::CloseHandle(port_);
}

RILL_DECL void iocp::reserve(std::size_t registrations) { registrations_.reserve(registrations, &prepare); }

// -- handles

RILL_DECL registration* iocp::attach(native_handle handle, error_code& ec) noexcept {
    return attach_other(handle, handle_kind::socket, ec);
}

RILL_DECL registration* iocp::attach_other(native_handle handle, handle_kind kind, error_code& ec) noexcept {
    entry* r = registrations_.take(&prepare);
    if (!r) {
        ec = error::no_memory;
        return nullptr;
    }
    if (const int number = kind == handle_kind::object ? 0 : associate(handle)) {
        ec = system::make_system_error(system::portable_error(number));
        registrations_.put_back(*r);
        return nullptr;
    }
    scoped_lock lock(r->lock);
    RILL_ASSERT(!r->attached && !r->calls);
    r->handle = handle;
    r->kind = kind;
    r->attached = true;
    // It fails where something that knows nothing of it has put itself between Winsock and the kernel.
    constexpr ::UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    r->tells_success = kind != handle_kind::socket || !::SetFileCompletionNotificationModes(file_of(handle), modes);
    r->family = 0;
    r->closing.store(false, std::memory_order_relaxed);
    return r;
}

// Gives the handle to the port. Returns 0, or what the system says.
RILL_DECL int iocp::associate(native_handle handle) noexcept {
    scoped_lock lock(given_away_mutex_);
    const bool is_new = ::CreateIoCompletionPort(file_of(handle), port_, 0, 0) != nullptr;
    const int number = is_new ? 0 : static_cast<int>(::GetLastError());
    const auto known = std::find(given_away_.begin(), given_away_.end(), handle);
    if (known == given_away_.end())
        return number;
    given_away_.erase(known);  // it comes back, or is another of the same number
    return number == ERROR_INVALID_PARAMETER ? 0 : number;
}

// Takes the handle from the port, so that it can go to another one; unless packets are still to come, which might be lost.
// Source: FileReplaceCompletionInformation, since Windows 8.1; Wine 8 does not have it.
RILL_DECL void iocp::give_away(entry& r, bool idle) noexcept {
    struct {
        ::HANDLE port = nullptr;
        void* key = nullptr;
    } none;
    constexpr int replace_completion = 61;
    void* io_status_block[2] = {};
    if (idle && system::nt_calls::get().set_information_file(file_of(r.handle), io_status_block, &none, sizeof(none),
                                                             replace_completion) >= 0)
        return;
    scoped_lock lock(given_away_mutex_);
    try {
        given_away_.push_back(r.handle);
    } catch (...) {
        // It cannot come back to this context.
    }
}

RILL_DECL void iocp::detach(registration& base, bool closing, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(r.lock);
    const bool idle = r.packets.load(std::memory_order_acquire) == 0 &&
                      (r.kind == handle_kind::socket || begun_elsewhere.load(std::memory_order_relaxed) == 0);
    end_all(r, closing, ready);
    if (!closing && r.handle != no_handle && r.kind != handle_kind::object)
        give_away(r, idle);
    r.handle = no_handle;
    r.owner = nullptr;
    r.attached = false;
    if (!r.calls)
        registrations_.put_back(r);
}

// Closes it for good: the loop finds no handle to close.
RILL_DECL void iocp::abandon(registration& base) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(r.lock);
    for (iocp_call* c = r.calls; c; c = c->next)
        c->cancelled = true;
    ask_for_end_of_all(r);
    let_finish(r);
    system::close(r.handle);
    r.handle = no_handle;
}

inline bool is_pending(iocp_call& call) noexcept {
    // The last that the kernel writes of a call. Source: HasOverlappedIoCompleted()
    const ::ULONG_PTR status = std::atomic_ref(call.overlapped.Internal).load(std::memory_order_acquire);
    return static_cast<system::nt_status>(status) == system::status_pending;
}

// A call that the kernel is not done with keeps the socket, and with it the address of a listener. It has been cancelled, so
// that does not take long; if it does, the address is free a little later.
RILL_DECL void iocp::let_finish(entry& r) noexcept {
    constexpr int most_looks = 1000;
    iocp_call* c = r.kind == handle_kind::object ? nullptr : r.calls;
    for (int i = 0; c && i != most_looks; ++i) {
        if (is_pending(*c))
            yield_thread();
        else
            c = c->next;
    }
}

// -- requests

/// Whether one is under way at a time.
inline bool keeps_order(const request& q) noexcept {
    if (q.kind == request_kind::wait_object)
        return true;
    const bool moves_bytes = q.kind == request_kind::receive || q.kind == request_kind::receive_block ||
                             q.kind == request_kind::send || q.kind == request_kind::send_zc;
    return moves_bytes && q.way != direction::exceptional && q.stream != stream_kind::none;
}

inline std::size_t index_of(direction d) noexcept { return static_cast<std::size_t>(d); }

RILL_DECL void iocp::start(request& q, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    scoped_lock lock(r.lock);
    if (q.cancelled || r.handle == no_handle) [[unlikely]] {
        q.answer(error::operation_aborted);
        ready.push(q);
    } else if (!keeps_order(q)) {
        if (begin(r, q) == launch::answered)
            ready.push(q);
    } else if (r.under_way[index_of(q.way)]) {
        q.state = request_state::waiting;
        r.waiting[index_of(q.way)].push(q);
    } else if (begin(r, q) == launch::answered) {
        ready.push(q);
    } else {
        r.under_way[index_of(q.way)] = &q;
    }
}

// @p q has been answered: it goes on its way, and the next of its direction is begun.
RILL_DECL void iocp::answered(entry& r, request& q, task_queue& ready) noexcept {
    ready.push(q);
    if (!keeps_order(q))
        return;
    const std::size_t way = index_of(q.way);
    RILL_ASSERT(r.under_way[way] == &q);
    r.under_way[way] = nullptr;
    while (!r.under_way[way] && !r.waiting[way].empty()) {
        auto& next = static_cast<request&>(r.waiting[way].pop());
        if (begin(r, next) == launch::under_way)
            r.under_way[way] = &next;
        else
            ready.push(next);
    }
}

RILL_DECL void iocp::cancel(request& q, task_queue& ready) noexcept {
    if (!q.handle)
        return;  // answered before it was started
    auto& r = static_cast<entry&>(*q.handle);
    scoped_lock lock(r.lock);
    if (q.state == request_state::created)
        q.cancelled = true;
    if (q.state != request_state::waiting)
        return;
    for (iocp_call* c = r.calls; c; c = c->next) {
        if (c->asked != &q)
            continue;
        c->cancelled = true;
        ask_for_end(r, *c);
        return settle(r, *c, ready);
    }
    if (r.under_way[index_of(q.way)] == &q)
        return end_starving(r, static_cast<receive_block_request&>(q), ready);
    r.waiting[index_of(q.way)].remove(q);
    q.answer(error::operation_aborted);
    ready.push(q);
}

RILL_DECL void iocp::cancel_all(registration& base, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(r.lock);
    end_all(r, false, ready);
}

RILL_DECL void iocp::end_all(entry& r, bool closing, task_queue& ready) noexcept {
    for (task_queue& queue : r.waiting) {
        while (!queue.empty()) {
            auto& q = static_cast<request&>(queue.pop());
            q.answer(error::operation_aborted);
            ready.push(q);
        }
    }
    if (receive_block_request* q = starving(r))
        end_starving(r, *q, ready);
    if (!r.calls && r.kind != handle_kind::file)
        return;
    for (iocp_call* c = r.calls; c; c = c->next)
        c->cancelled = true;
    if (r.handle != no_handle)
        ask_for_end_of_all(r);
    if (closing)
        let_finish(r);
    for (iocp_call* c = r.calls; c;) {
        iocp_call& each = *c;
        c = c->next;
        settle(r, each, ready);
    }
}

RILL_DECL void iocp::ask_for_end(entry& r, iocp_call& call) noexcept {
    if (r.kind != handle_kind::object) {
        ::CancelIoEx(file_of(r.handle), &call.overlapped);
    } else if (const ::HANDLE wait = std::exchange(static_cast<iocp_object_wait&>(call).wait, nullptr)) {
        ::UnregisterWaitEx(wait, INVALID_HANDLE_VALUE);  // waits for signalled(), if that runs: it takes no lock
        auto expected = static_cast<::ULONG_PTR>(system::status_pending);
        std::atomic_ref(call.overlapped.Internal)
            .compare_exchange_strong(expected, static_cast<::ULONG_PTR>(system::status_cancelled));
    }
}

// Those that were made elsewhere, too.
RILL_DECL void iocp::ask_for_end_of_all(entry& r) noexcept {
    if (r.kind != handle_kind::object)
        ::CancelIoEx(file_of(r.handle), nullptr);
    else
        for (iocp_call* c = r.calls; c; c = c->next)
            ask_for_end(r, *c);
}

// -- calls

template <class Call>
Call* iocp::make_call(entry& r, request& q) noexcept {
    void* memory;
    try {
        memory = allocate(sizeof(Call));
    } catch (const std::bad_alloc&) {
        q.answer(error::no_memory);
        return nullptr;
    }
    auto* c = ::new (memory) Call;
    std::memset(&c->overlapped, 0, sizeof(c->overlapped));
    c->of.store(&r, std::memory_order_relaxed);
    c->from = &r;
    r.packets.fetch_add(1, std::memory_order_relaxed);
    c->asked = &q;
    c->size = sizeof(Call);
    c->is_poll = std::is_same_v<Call, iocp_poll>;
    c->cancelled = false;
    c->next = r.calls;
    c->before = nullptr;
    if (r.calls)
        r.calls->before = c;
    r.calls = c;
    calls_.fetch_add(1, std::memory_order_relaxed);
    q.state = request_state::waiting;
    return c;
}

RILL_DECL void iocp::unlink(entry& r, iocp_call& call) noexcept {
    (call.before ? call.before->next : r.calls) = call.next;
    if (call.next)
        call.next->before = call.before;
    call.of.store(nullptr, std::memory_order_release);
}

RILL_DECL void iocp::free_call(iocp_call& call) noexcept {
    call.from->packets.fetch_sub(1, std::memory_order_release);
    deallocate(&call, call.size);
    calls_.fetch_sub(1, std::memory_order_relaxed);
}

// Of a wait that was taken back. Wine 8 may still call signalled() a moment after UnregisterWaitEx() has said that it will not,
// so that the call's memory is kept until some others have been abandoned.
RILL_DECL void iocp::abandon(iocp_call& call) noexcept {
    call.from->packets.fetch_sub(1, std::memory_order_release);
    calls_.fetch_sub(1, std::memory_order_relaxed);
    const std::size_t n = abandonments_.fetch_add(1, std::memory_order_relaxed);
    if (iocp_call* earlier = abandoned_[n % abandoned_.size()].exchange(&call, std::memory_order_acq_rel))
        deallocate(earlier, earlier->size);
}

// The call has been made; @p error is what it said.
RILL_DECL iocp::launch iocp::begun(entry& r, iocp_call& call, int error, std::size_t bytes) noexcept {
    // A datagram that is too long for its buffers has arrived, whatever the call says.
    const bool has_succeeded = error == 0 || error == error_number::message_size;
    if (error == WSA_IO_PENDING || (has_succeeded && r.tells_success))
        return launch::under_way;
    if (error == error_number::operation_aborted)
        call.cancelled = true;  // that is an answer, and no reason to begin it again
    const launch l = conclude(r, call, error, bytes);
    unlink(r, call);
    free_call(call);
    return l;
}

RILL_DECL iocp::launch iocp::begin(entry& r, request& q) noexcept {
    if (r.handle == no_handle) {
        q.answer(error::operation_aborted);
        return launch::answered;
    }
    switch (q.kind) {
    case request_kind::receive: return begin_receive(r, static_cast<receive_request&>(q));
    case request_kind::receive_block: return begin_block(r, static_cast<receive_block_request&>(q));
    case request_kind::send:
    case request_kind::send_zc: return begin_send(r, static_cast<send_request&>(q));
    case request_kind::accept: return begin_accept(r, static_cast<accept_request&>(q));
    case request_kind::connect: return begin_connect(r, static_cast<connect_request&>(q));
    case request_kind::wait_ready: return begin_poll(r, q);
    case request_kind::overlapped: return begin_overlapped(r, static_cast<overlapped_request&>(q));
    case request_kind::wait_object: return begin_object_wait(r, q);
    case request_kind::wait_until: break;
    }
    RILL_ASSERT(false);
    return launch::answered;
}

RILL_DECL iocp::launch iocp::begin_receive(entry& r, receive_request& q) noexcept {
    if (q.way == direction::exceptional)
        return begin_poll(r, q);  // asked for too early, urgent data is an error and not awaited
    auto* call = make_call<iocp_receive>(r, q);
    if (!call)
        return launch::answered;
    call->flags = static_cast<::DWORD>(q.flags);
    ::DWORD bytes = 0;
    const int result =
        ::WSARecv(r.handle, q.buffers, static_cast<::DWORD>(q.count), &bytes, &call->flags, &call->overlapped, nullptr);
    return begun(r, *call, result == 0 ? 0 : system::portable_error(::WSAGetLastError()), bytes);
}

// Without a block there is no call: it is under way all the same, and feed() begins it again.
RILL_DECL iocp::launch iocp::begin_block(entry& r, receive_block_request& q) noexcept {
    block_pool& pool = *blocks.made();
    q.state = request_state::waiting;
    block* b = pool.take(q);
    if (!b)
        return launch::under_way;
    native_buffer memory = make_native_buffer(b->memory, pool.block_size());
    const auto n = system::receive(r.handle, &memory, 1, 0);
    if (n > 0) {
        b->size = static_cast<std::size_t>(n);
        q.received = b;
        q.answer();
        return launch::answered;
    }
    pool.give_back(*b);
    if (n < 0 && system::transfer_would_block(n))
        return begin_poll(r, q);
    if (n == 0 || -n == error_number::shut_down)
        q.answer(error::eof);
    else
        q.answer(system::error_of(n));
    return launch::answered;
}

/// The request of @p r that waits for a block; null: none does.
RILL_DECL receive_block_request* iocp::starving(entry& r) noexcept {
    request* q = r.under_way[index_of(direction::read)];
    if (!q || q->kind != request_kind::receive_block)
        return nullptr;
    for (iocp_call* c = r.calls; c; c = c->next)
        if (c->asked == q)
            return nullptr;
    return static_cast<receive_block_request*>(q);
}

RILL_DECL void iocp::end_starving(entry& r, receive_block_request& q, task_queue& ready) noexcept {
    blocks.made()->stop_starving(q);
    q.answer(error::operation_aborted);
    answered(r, q, ready);
}

// A registration may have been given another handle, or its request been cancelled, since it was in the list.
RILL_DECL wait_limit iocp::feed(block_pool& pool, wait_limit limit, task_queue& ready) noexcept {
    task_queue fed;
    while (registration* base = pool.next_to_feed()) {
        auto& r = static_cast<entry&>(*base);
        scoped_lock lock(r.lock);
        receive_block_request* q = starving(r);
        if (q && !q->before && begin(r, *q) == launch::answered)
            answered(r, *q, fed);
    }
    if (!fed.empty())
        limit = wait_limit::none();
    ready.splice(fed);
    return limit;
}

RILL_DECL iocp::launch iocp::begin_send(entry& r, send_request& q) noexcept {
    const auto n = system::send(r.handle, q.buffers, q.count, q.flags);
    if (n >= 0) {
        q.bytes = static_cast<std::size_t>(n);
        q.answer();
    } else if (system::transfer_would_block(n)) {
        return begin_poll(r, q);
    } else {
        q.answer(system::error_of(n));
    }
    return launch::answered;
}

RILL_DECL iocp::launch iocp::begin_poll(entry& r, request& q) noexcept {
    constexpr ::ULONG events[3] = {
        afd::poll_receive | afd::poll_accept | afd::poll_disconnect | afd::poll_abort | afd::poll_local_close,
        afd::poll_send | afd::poll_abort | afd::poll_connect_fail | afd::poll_local_close,
        afd::poll_receive_expedited | afd::poll_abort | afd::poll_connect_fail | afd::poll_local_close};
    auto* call = make_call<iocp_poll>(r, q);
    if (!call)
        return launch::answered;
    afd::poll_information& about = call->information;
    std::memset(&about, 0, sizeof(about));
    about.timeout.QuadPart = 0x7fff'ffff'ffff'ffff;
    about.count = 1;
    about.handles[0].handle = file_of(r.handle);
    about.handles[0].events = events[index_of(q.way)];
    call->overlapped.Internal = static_cast<::ULONG_PTR>(system::status_pending);
    const system::nt_status status = system::nt_calls::get().device_io_control(
        file_of(r.handle), nullptr, nullptr, &call->overlapped, &call->overlapped, afd::poll_code, &about,
        sizeof(about), &about, sizeof(about));
    const int error = status == system::status_pending   ? WSA_IO_PENDING
                      : status == system::status_success ? 0
                                                         : system::portable_error_of_status(status);
    return begun(r, *call, error, 0);
}

RILL_DECL iocp::launch iocp::begin_overlapped(entry& r, overlapped_request& q) noexcept {
    auto* call = make_call<iocp_transfer>(r, q);
    if (!call)
        return launch::answered;
    ::DWORD bytes = 0;
    const int error = q.call(file_of(r.handle), q.about, call->overlapped, bytes);
    return begun(r, *call, error, bytes);
}

RILL_DECL iocp::launch iocp::begin_object_wait(entry& r, request& q) noexcept {
    auto* call = make_call<iocp_object_wait>(r, q);
    if (!call)
        return launch::answered;
    call->port = port_;
    call->wait = nullptr;
    call->overlapped.Internal = static_cast<::ULONG_PTR>(system::status_pending);
    // Not WT_EXECUTEINWAITTHREAD: Wine 8 may crash when such a wait is taken back at the moment it ends.
    if (::RegisterWaitForSingleObject(&call->wait, file_of(r.handle), &signalled, call, INFINITE, WT_EXECUTEONLYONCE))
        return launch::under_way;
    return begun(r, *call, system::portable_error(static_cast<int>(::GetLastError())), 0);
}

// On a thread of the system's. TRICKY: once the packet is posted the call may be gone.
RILL_DECL void __stdcall iocp::signalled(void* wait, ::BOOLEAN) noexcept {
    auto& call = *static_cast<iocp_object_wait*>(wait);
    const ::HANDLE port = call.port;
    auto expected = static_cast<::ULONG_PTR>(system::status_pending);
    if (!std::atomic_ref(call.overlapped.Internal)
             .compare_exchange_strong(expected, static_cast<::ULONG_PTR>(system::status_success)))
        return;  // it was cancelled: see abandon()
    while (!::PostQueuedCompletionStatus(port, 0, 0, &call.overlapped))
        yield_thread();  // out of memory
}

template <class Function>
Function* iocp::find_function(native_handle s, ::GUID id, std::atomic<Function*>& kept) noexcept {
    Function* f = kept.load(std::memory_order_relaxed);
    ::DWORD ignored = 0;
    if (!f && ::WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &f, sizeof(f), &ignored, nullptr,
                         nullptr) == 0)
        kept.store(f, std::memory_order_relaxed);
    return f;
}

RILL_DECL iocp::launch iocp::begin_accept(entry& r, accept_request& q) noexcept {
    error_code ec;
    if (r.family == 0) {
        ::WSAPROTOCOL_INFOW about;
        std::size_t size = sizeof(about);
        if (system::get_option(r.handle, SOL_SOCKET, SO_PROTOCOL_INFOW, &about, size, ec)) {
            r.family = about.iAddressFamily;
            r.type = about.iSocketType;
            r.protocol = about.iProtocol;
        }
        int listens = 0;
        size = sizeof(listens);
        if (!ec && system::get_option(r.handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, size, ec) && !listens) {
            r.family = 0;
            ec = error::invalid_argument;  // Windows says so, too; Wine waits for ever
        }
    }
    accept_function* f = ec ? nullptr : find_function(r.handle, ::GUID WSAID_ACCEPTEX, accept_);
    accepted_addresses_function* addresses =
        f ? find_function(r.handle, ::GUID WSAID_GETACCEPTEXSOCKADDRS, accepted_addresses_) : nullptr;
    if (!ec && !addresses)
        ec = system::last_error();
    const native_handle accepted = ec ? no_handle : system::open_socket(r.family, r.type, r.protocol, ec);
    if (ec) {
        q.answer(ec);
        return launch::answered;
    }
    auto* call = make_call<iocp_accept>(r, q);
    if (!call) {
        system::close(accepted);
        return launch::answered;
    }
    call->accepted = accepted;
    ::DWORD bytes = 0;
    const bool done = f(r.handle, accepted, call->addresses, 0, iocp_accept::address_size, iocp_accept::address_size,
                        &bytes, &call->overlapped) != 0;
    return begun(r, *call, done ? 0 : system::portable_error(::WSAGetLastError()), bytes);
}

RILL_DECL iocp::launch iocp::begin_connect(entry& r, connect_request& q) noexcept {
    error_code ec;
    ::WSAPROTOCOL_INFOW about;
    std::size_t size = sizeof(about);
    const bool is_known = system::get_option(r.handle, SOL_SOCKET, SO_PROTOCOL_INFOW, &about, size, ec);
    if (is_known && about.iAddressFamily != q.peer.ss_family) {
        q.answer(error::address_family_not_supported);
        return launch::answered;
    }
    if (is_known && about.iSocketType != SOCK_STREAM) {
        // No more than a note of where datagrams go.
        system::connect(r.handle, &q.peer, static_cast<std::size_t>(q.peer_size), ec);
        q.answer(ec);
        return launch::answered;
    }
    connect_function* f = ec ? nullptr : find_function(r.handle, ::GUID WSAID_CONNECTEX, connect_);
    if (!ec && !f)
        ec = system::last_error();
    if (ec) {
        q.answer(ec);
        return launch::answered;
    }
    // ConnectEx() wants a socket that is bound. One that is says so, and stays as it is.
    native_address_storage any;
    std::memset(&any, 0, sizeof(any));
    any.ss_family = q.peer.ss_family;
    error_code ignored;
    system::bind(r.handle, &any, static_cast<std::size_t>(q.peer_size), ignored);

    auto* call = make_call<iocp_connect>(r, q);
    if (!call)
        return launch::answered;
    ::DWORD bytes = 0;
    const bool done = f(r.handle, reinterpret_cast<const native_address*>(&q.peer), q.peer_size, nullptr, 0, &bytes,
                        &call->overlapped) != 0;
    return begun(r, *call, done ? 0 : system::portable_error(::WSAGetLastError()), bytes);
}

// -- what has become of them

// The request of @p call, of which the kernel has done what it will do, is answered or begun again.
RILL_DECL iocp::launch iocp::conclude(entry& r, iocp_call& call, int error, std::size_t bytes) noexcept {
    request& q = *call.asked;
    const bool is_over = call.cancelled || r.handle == no_handle;
    const bool may_begin_again =
        q.kind != request_kind::accept && q.kind != request_kind::connect && q.kind != request_kind::overlapped;
    if (error == error_number::operation_aborted && !is_over && may_begin_again)
        return begin(r, q);
    if (error != 0 && error != error_number::message_size && is_over)
        error = error_number::operation_aborted;
    switch (q.kind) {
    case request_kind::accept: return conclude_accept(r, static_cast<iocp_accept&>(call), error);
    case request_kind::connect: return conclude_connect(r, static_cast<connect_request&>(q), error);
    case request_kind::receive:
        if (!call.is_poll)
            return conclude_receive(static_cast<receive_request&>(q), error, bytes);
        break;
    case request_kind::receive_block:
    case request_kind::send:
    case request_kind::send_zc:
    case request_kind::wait_ready: break;
    case request_kind::overlapped: static_cast<overlapped_request&>(q).finish(error, bytes); return launch::answered;
    case request_kind::wait_object: return conclude_object_wait(static_cast<iocp_object_wait&>(call), error);
    case request_kind::wait_until: RILL_ASSERT(false); break;
    }
    if (error != 0) {
        q.answer(system::make_system_error(error));
        return launch::answered;
    }
    return conclude_poll(r, static_cast<iocp_poll&>(call));
}

RILL_DECL iocp::launch iocp::conclude_receive(receive_request& q, int error, std::size_t bytes) noexcept {
    const bool is_stream = q.stream != stream_kind::none;
    if (error == 0 || error == error_number::message_size) {
        q.bytes = bytes;
        if (bytes == 0 && is_stream)
            q.answer(error::eof);
        else
            q.answer();
    } else if (error == error_number::shut_down && is_stream) {
        q.answer(error::eof);  // by this side
    } else {
        q.answer(system::make_system_error(error));
    }
    return launch::answered;
}

// The handle was ready when the call ended.
RILL_DECL iocp::launch iocp::conclude_poll(entry& r, iocp_poll& call) noexcept {
    request& q = *call.asked;
    if (q.kind == request_kind::wait_ready) {
        q.answer();
        return launch::answered;
    }
    if (call.cancelled || r.handle == no_handle) {
        q.answer(error::operation_aborted);
        return launch::answered;
    }
    if (q.kind == request_kind::send || q.kind == request_kind::send_zc)
        return begin_send(r, static_cast<send_request&>(q));
    if (q.kind == request_kind::receive_block)
        return begin_block(r, static_cast<receive_block_request&>(q));

    auto& urgent = static_cast<receive_request&>(q);
    const auto n = system::receive(r.handle, urgent.buffers, urgent.count, urgent.flags);
    const bool may_come = (call.information.handles[0].events & afd::poll_receive_expedited) != 0;
    if (n >= 0)
        return conclude_receive(urgent, 0, static_cast<std::size_t>(n));
    if (may_come && (system::transfer_would_block(n) || -n == error_number::invalid_argument))
        return begin_poll(r, q);  // another has taken it
    q.answer(system::transfer_would_block(n) ? error_code(error::connection_reset) : system::error_of(n));
    return launch::answered;
}

RILL_DECL iocp::launch iocp::conclude_object_wait(iocp_object_wait& call, int error) noexcept {
    if (const ::HANDLE wait = std::exchange(call.wait, nullptr))
        ::UnregisterWaitEx(wait, nullptr);
    if (error == 0)
        call.asked->answer();
    else
        call.asked->answer(system::make_system_error(error));
    return launch::answered;
}

RILL_DECL iocp::launch iocp::conclude_accept(entry& r, iocp_accept& call, int error) noexcept {
    auto& q = static_cast<accept_request&>(*call.asked);
    const native_handle accepted = std::exchange(call.accepted, no_handle);
    if (error == 0 && r.handle == no_handle)
        error = error_number::operation_aborted;
    if (error == 0 && ::setsockopt(accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                   reinterpret_cast<const char*>(&r.handle), sizeof(r.handle)) != 0)
        error = system::portable_error(::WSAGetLastError());
    if (error == 0) {
        if (q.peer) {
            native_address *local = nullptr, *peer = nullptr;
            native_address_size local_size = 0, peer_size = 0;
            accepted_addresses_.load(std::memory_order_relaxed)(call.addresses, 0, iocp_accept::address_size,
                                                                iocp_accept::address_size, &local, &local_size, &peer,
                                                                &peer_size);
            std::memcpy(q.peer, peer, static_cast<std::size_t>((std::min)(peer_size, q.peer_size)));
            q.peer_size = peer_size;
        }
        q.accepted = accepted;
        q.answer();
        return launch::answered;
    }
    system::close(accepted);
    if (error == error_number::connection_reset)
        error = error_number::connection_aborted;  // it went away while it waited
    if (error == error_number::connection_aborted && !q.report_aborted && !call.cancelled)
        return begin_accept(r, q);
    q.answer(system::make_system_error(error));
    return launch::answered;
}

RILL_DECL iocp::launch iocp::conclude_connect(entry& r, connect_request& q, int error) noexcept {
    if (error == 0 && r.handle == no_handle)
        error = error_number::operation_aborted;
    // Without it shutdown() and getpeername() would not know that there is a connection.
    if (error == 0 && ::setsockopt(r.handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0) != 0)
        error = system::portable_error(::WSAGetLastError());
    if (error == 0)
        q.answer();
    else
        q.answer(system::make_system_error(error));
    return launch::answered;
}

inline int error_of_status(system::nt_status status) noexcept {
    return status == system::status_success     ? 0
           : status == system::status_cancelled ? error_number::operation_aborted
                                                : system::portable_error_of_status(status);
}

// The kernel has been asked to cancel @p call. If it is done with it, or will not touch the user's memory, it is answered.
RILL_DECL void iocp::settle(entry& r, iocp_call& call, task_queue& ready) noexcept {
    request& q = *call.asked;
    if (!is_pending(call)) {
        const auto status = static_cast<system::nt_status>(call.overlapped.Internal);
        [[maybe_unused]] const launch l =
            conclude(r, call, error_of_status(status), static_cast<std::size_t>(call.overlapped.InternalHigh));
        RILL_ASSERT(l == launch::answered);
        if (r.kind == handle_kind::object && status == system::status_cancelled) {
            unlink(r, call);
            abandon(call);  // nobody will post its packet
            return answered(r, q, ready);
        }
    } else if (call.is_poll) {
        q.answer(error::operation_aborted);
    } else {
        return;
    }
    unlink(r, call);
    answered(r, q, ready);
}

RILL_DECL void iocp::take_begun_elsewhere(iocp_call& call, task_queue& ready) noexcept {
    const int error = error_of_status(static_cast<system::nt_status>(call.overlapped.Internal));
    auto& q = static_cast<overlapped_request&>(*call.asked);
    q.finish(error, static_cast<std::size_t>(call.overlapped.InternalHigh));
    ready.push(q);
    begun_elsewhere.fetch_sub(1, std::memory_order_relaxed);
}

RILL_DECL void iocp::take(iocp_call& call, task_queue& ready) noexcept {
    if (!call.from)
        return take_begun_elsewhere(call, ready);
    if (entry* r = call.of.load(std::memory_order_acquire)) {
        scoped_lock lock(r->lock);
        if (call.of.load(std::memory_order_relaxed)) {  // it has not been answered meanwhile
            request& q = *call.asked;
            const auto status = static_cast<system::nt_status>(call.overlapped.Internal);
            const launch l =
                conclude(*r, call, error_of_status(status), static_cast<std::size_t>(call.overlapped.InternalHigh));
            unlink(*r, call);
            if (l == launch::answered)
                answered(*r, q, ready);
            if (!r->attached && !r->calls)
                registrations_.put_back(*r);
        }
    }
    free_call(call);
}

// -- waiting

// How many packets there were.
RILL_DECL ::ULONG iocp::take_packets(::DWORD milliseconds, bool alertable, task_queue& ready) noexcept {
    ::OVERLAPPED_ENTRY packets[packets_at_a_time];
    ::ULONG count = 0;
    if (!::GetQueuedCompletionStatusEx(port_, packets, packets_at_a_time, &count, milliseconds, alertable))
        return 0;
    for (::ULONG i = 0; i != count; ++i)
        if (packets[i].lpOverlapped)  // or somebody has called wake()
            take(*reinterpret_cast<iocp_call*>(packets[i].lpOverlapped), ready);
    return count;
}

// Up to the last clock tick before the deadline a time-out does; from there on a timer, which costs two calls more.
RILL_DECL ::ULONG iocp::take_packets_until(time_point deadline, task_queue& ready) noexcept {
    using namespace std::chrono;
    constexpr milliseconds tick(16), longest = hours(24);
    if (deadline == (time_point::max)())
        return take_packets(INFINITE, false, ready);
    const time_point::duration left = time_left(deadline, steady_clock::now());
    const auto timeout =
        static_cast<::DWORD>(ceil<milliseconds>(std::min<time_point::duration>(left, longest)).count());
    wait_timer* timer = timeout != 0 ? borrow_timer() : nullptr;
    if (!timer)
        return take_packets(timeout, false, ready);
    ::ULONG count;
    if (left > 2 * tick) {
        count = take_packets(timeout - static_cast<::DWORD>(tick.count()), false, ready);
    } else {
        const bool is_set = timer->set(left);
        count = take_packets(timeout, is_set, ready);
        timer->clear();
    }
    give_back(*timer);
    return count;
}

// Null: the system has none.
RILL_DECL wait_timer* iocp::borrow_timer() noexcept {
    {
        scoped_lock lock(waits_mutex_);
        if (!has_timers_)
            return nullptr;
        if (wait_timer* t = timers_) {
            timers_ = t->next;
            return t;
        }
    }
    wait_timer* t;
    try {
        t = new (memory_) wait_timer;
    } catch (...) {
        return nullptr;  // whatever the user's allocator throws
    }
    if (t->exists())
        return t;
    delete t;
    scoped_lock lock(waits_mutex_);
    has_timers_ = false;
    return nullptr;
}

RILL_DECL void iocp::give_back(wait_timer& t) noexcept {
    scoped_lock lock(waits_mutex_);
    t.next = timers_;
    timers_ = &t;
}

// Shared, each thread takes no more than it is to handle next: the rest is for the others. But it comes back with nothing
// only after a look at all that there is. Solo all is taken, so that calls that were cancelled do not pile up.
RILL_DECL void iocp::wait(wait_limit limit, task_queue& ready) noexcept {
    if (block_pool* pool = blocks.made(); pool && pool->anyone_starves())
        limit = feed(*pool, limit, ready);
    timed_wait self{limit.deadline};
    const bool is_listed = shared_ && !limit.look_only && limit.deadline != (time_point::max)();
    if (is_listed) {
        scoped_lock lock(waits_mutex_);
        if (somebody_returns_at(limit.deadline))
            self.until = limit.own_deadline;
        else
            self.until = (std::min)(limit.deadline, limit.own_deadline);
        self.next = std::exchange(timed_waits_, &self);
    } else if (shared_) {
        self.until = limit.own_deadline;
    }
    ::ULONG count = limit.look_only ? take_packets(0, false, ready) : take_packets_until(self.until, ready);
    while (count == packets_at_a_time && (!shared_ || ready.empty()))
        count = take_packets(0, false, ready);
    if (is_listed) {
        scoped_lock lock(waits_mutex_);
        timed_wait** link = &timed_waits_;
        while (*link != &self)
            link = &(*link)->next;
        *link = self.next;
    }
}

RILL_DECL void iocp::wake() noexcept {
    while (!::PostQueuedCompletionStatus(port_, 0, 0, nullptr))
        yield_thread();  // out of memory
}

RILL_DECL void iocp::expect(time_point deadline) noexcept {
    scoped_lock lock(waits_mutex_);
    if (!somebody_returns_at(deadline))
        wake();
}

// With waits_mutex_ held. If not for this, the threads that wait for a timer would wake each other for ever: each that
// returns from its wait expects the next deadline.
RILL_DECL bool iocp::somebody_returns_at(time_point deadline) const noexcept {
    const timed_wait* w = timed_waits_;
    while (w && w->until > deadline)
        w = w->next;
    return w != nullptr;
}

// The kernel may still write where the calls are, and where the requests point: all packets are waited for.
RILL_DECL void iocp::shut_down(task_queue& ready) noexcept {
    registrations_.for_each([&](entry& r) {
        if (!r.attached)
            return;
        if (r.owner)
            *r.owner = nullptr;
        detach(r, false, ready);
    });
    while (calls_.load(std::memory_order_relaxed) != 0 || begun_elsewhere.load(std::memory_order_relaxed) > 0)
        take_packets(INFINITE, false, ready);
}

}  // namespace rill::engine
