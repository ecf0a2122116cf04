// SPDX-License-Identifier: BSL-1.0
#pragma once

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(nt_calls.hpp)

namespace rill::engine::system {

RILL_DECL int portable_error(int number) noexcept {
    // NtCancelIoFile's answer as Wine 8 translates it, where Windows says that the name is gone.
    constexpr int request_cancelled = 676;
    switch (number) {
    case ERROR_NETNAME_DELETED: return error_number::connection_reset;
    case ERROR_CONNECTION_REFUSED:
    case ERROR_PORT_UNREACHABLE: return error_number::connection_refused;  // the latter: as ICMP tells it
    case ERROR_CONNECTION_ABORTED: return error_number::connection_aborted;
    case ERROR_NETWORK_UNREACHABLE:
    case ERROR_PROTOCOL_UNREACHABLE: return error_number::network_unreachable;
    case ERROR_HOST_UNREACHABLE: return error_number::host_unreachable;
    case ERROR_SEM_TIMEOUT: return error_number::timed_out;  // of connections, and of attempts at one
    case ERROR_NO_DATA: return error_number::broken_pipe;    // the other end of the pipe is being closed
    case ERROR_MORE_DATA: return error_number::message_size;
    case ERROR_ADDRESS_ALREADY_ASSOCIATED: return error_number::address_in_use;
    case ERROR_CONNECTION_ACTIVE: return error_number::already_connected;
    case ERROR_CONNECTION_INVALID: return error_number::not_connected;
    case ERROR_INVALID_HANDLE: return error_number::bad_descriptor;
    case ERROR_INVALID_PARAMETER: return error_number::invalid_argument;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_NO_SYSTEM_RESOURCES: return error_number::no_memory;
    case ERROR_NOT_SUPPORTED: return error_number::operation_not_supported;
    case ERROR_REQUEST_ABORTED:
    case WSA_E_CANCELLED:
    case WSAECANCELLED:
    case request_cancelled: return error_number::operation_aborted;
    default: return number;
    }
}

RILL_DECL int portable_error_of_status(nt_status status) noexcept {
    // Those that become less clear, or are lost, on the way through the Win32 codes.
    switch (static_cast<unsigned long>(status)) {
    case 0xC000013Bul: return error_number::connection_aborted;  // STATUS_LOCAL_DISCONNECT
    case 0xC000013Cul:                                           // STATUS_REMOTE_DISCONNECT
    case 0xC000020Cul:                                           // STATUS_CONNECTION_DISCONNECTED
    case 0xC000020Dul: return error_number::connection_reset;    // STATUS_CONNECTION_RESET
    case 0xC0000241ul: return error_number::connection_aborted;  // STATUS_CONNECTION_ABORTED
    case 0xC00000B5ul: return error_number::timed_out;           // STATUS_IO_TIMEOUT
    case 0x80000005ul: return error_number::message_size;        // STATUS_BUFFER_OVERFLOW
    default: return portable_error(static_cast<int>(nt_calls::get().status_to_error(status)));
    }
}

RILL_DECL error_code last_error() noexcept { return make_system_error(portable_error(::WSAGetLastError())); }

RILL_DECL error_code close(native_handle handle) noexcept {
    if (::closesocket(handle) == 0)
        return error_code();
    const bool is_other = ::WSAGetLastError() == WSAENOTSOCK;
    return is_other && ::CloseHandle(reinterpret_cast<::HANDLE>(handle)) ? error_code() : last_error();
}

RILL_DECL void abandon_file(native_handle handle) noexcept { ::shutdown(handle, SD_BOTH); }

RILL_DECL error_code set_non_blocking(native_handle handle, bool on) noexcept {
    ::u_long value = on ? 1 : 0;
    return ::ioctlsocket(handle, static_cast<long>(FIONBIO), &value) == 0 ? error_code() : last_error();
}

// Not WSAPoll(): before Windows 10 2004 it is silent about connection attempts that fail.
inline int select_one(native_handle handle, readiness wanted, ::timeval timeout) noexcept {
    ::fd_set sets[3];
    for (::fd_set& s : sets)
        s.fd_count = 0;
    const auto add = [handle](::fd_set& s) {
        s.fd_array[0] = handle;
        s.fd_count = 1;
    };
    if (wanted == readiness::read)
        add(sets[0]);
    if (wanted == readiness::write)
        add(sets[1]);
    if (wanted != readiness::read)
        add(sets[2]);  // an attempt to connect that has failed is reported here
    return ::select(0, &sets[0], &sets[1], &sets[2], &timeout);
}

RILL_DECL bool is_ready(native_handle handle, readiness wanted) noexcept {
    return select_one(handle, wanted, ::timeval{0, 0}) != 0;
}

RILL_DECL bool wait_ready(native_handle handle, readiness wanted, std::chrono::nanoseconds timeout,
                          error_code& ec) noexcept {
    using namespace std::chrono;
    const auto end = steady_clock::now() + timeout;
    for (;;) {
        ::timeval left{1'000'000, 0};
        if (timeout.count() >= 0) {
            auto microseconds_left = ceil<microseconds>(end - steady_clock::now()).count();
            if (microseconds_left < 0)
                microseconds_left = 0;
            if (microseconds_left < 1'000'000'000'000) {
                left.tv_sec = static_cast<long>(microseconds_left / 1'000'000);
                left.tv_usec = static_cast<long>(microseconds_left % 1'000'000);
            }
        }
        const int n = select_one(handle, wanted, left);
        if (n == 0 && (timeout.count() < 0 || steady_clock::now() < end))
            continue;
        ec = n < 0 ? last_error() : error_code();
        return n > 0;
    }
}

// Sleep() ends with a tick of the system's clock, which may come early.
RILL_DECL void sleep_for(std::chrono::nanoseconds duration) noexcept {
    using namespace std::chrono;
    constexpr milliseconds at_a_time = hours(1);
    const auto end = steady_clock::now() + duration;
    for (;;) {
        const auto left = ceil<milliseconds>(end - steady_clock::now());
        if (left.count() <= 0)
            return;
        ::Sleep(static_cast<::DWORD>((left < at_a_time ? left : at_a_time).count()));
    }
}

}  // namespace rill::engine::system
