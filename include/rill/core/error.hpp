// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/platform.hpp>

#include RILL_SYSTEM(error_numbers.hpp)

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

namespace rill {

using error_category = boost::system::error_category;
using error_code = boost::system::error_code;
using error_condition = boost::system::error_condition;
using system_error = boost::system::system_error;

}  // namespace rill

namespace rill::error {

/// The system's own error numbers, under portable names.
enum basic_errors : int {
    access_denied = engine::error_number::access_denied,
    address_family_not_supported = engine::error_number::address_family_not_supported,
    address_in_use = engine::error_number::address_in_use,
    already_connected = engine::error_number::already_connected,
    already_started = engine::error_number::already_started,
    bad_descriptor = engine::error_number::bad_descriptor,
    broken_pipe = engine::error_number::broken_pipe,
    connection_aborted = engine::error_number::connection_aborted,
    connection_refused = engine::error_number::connection_refused,
    connection_reset = engine::error_number::connection_reset,
    fault = engine::error_number::fault,
    host_unreachable = engine::error_number::host_unreachable,
    in_progress = engine::error_number::in_progress,
    interrupted = engine::error_number::interrupted,
    invalid_argument = engine::error_number::invalid_argument,
    message_size = engine::error_number::message_size,
    name_too_long = engine::error_number::name_too_long,
    network_down = engine::error_number::network_down,
    network_reset = engine::error_number::network_reset,
    network_unreachable = engine::error_number::network_unreachable,
    no_buffer_space = engine::error_number::no_buffer_space,
    no_descriptors = engine::error_number::no_descriptors,
    no_memory = engine::error_number::no_memory,
    no_permission = engine::error_number::no_permission,
    no_protocol_option = engine::error_number::no_protocol_option,
    no_such_device = engine::error_number::no_such_device,
    not_connected = engine::error_number::not_connected,
    not_socket = engine::error_number::not_socket,
    operation_aborted = engine::error_number::operation_aborted,
    operation_not_supported = engine::error_number::operation_not_supported,
    shut_down = engine::error_number::shut_down,
    timed_out = engine::error_number::timed_out,
    try_again = engine::error_number::try_again,
    would_block = engine::error_number::would_block,
};

/// What a look-up of a host answers.
enum netdb_errors : int {
    host_not_found = engine::error_number::host_not_found,
    host_not_found_try_again = engine::error_number::host_not_found_try_again,
    no_data = engine::error_number::no_data,
    no_recovery = engine::error_number::no_recovery,
};

/// What a look-up of a service answers.
enum addrinfo_errors : int {
    service_not_found = engine::error_number::service_not_found,
    socket_type_not_supported = engine::error_number::socket_type_not_supported,
};

/// What the library itself answers.
enum misc_errors : int {
    already_open = 1,  ///< the object is open already
    eof,               ///< the peer has sent all it will send
    not_found,         ///< the element is not there
    fd_set_failure,    ///< the descriptor does not fit; kept for code that names it
};

/// The category of @ref basic_errors: Boost.System's system category.
inline const error_category& get_system_category() noexcept { return boost::system::system_category(); }

/// The category of @ref netdb_errors, "rill.netdb".
RILL_COLD RILL_DECL const error_category& get_netdb_category() noexcept;

/// The category of @ref addrinfo_errors, "rill.addrinfo".
RILL_COLD RILL_DECL const error_category& get_addrinfo_category() noexcept;

/// The category of @ref misc_errors, "rill.misc".
RILL_COLD RILL_DECL const error_category& get_misc_category() noexcept;

inline error_code make_error_code(basic_errors e) noexcept {
    return error_code(static_cast<int>(e), get_system_category());
}
inline error_code make_error_code(netdb_errors e) noexcept {
    return error_code(static_cast<int>(e), get_netdb_category());
}
inline error_code make_error_code(addrinfo_errors e) noexcept {
    return error_code(static_cast<int>(e), get_addrinfo_category());
}
inline error_code make_error_code(misc_errors e) noexcept {
    return error_code(static_cast<int>(e), get_misc_category());
}

}  // namespace rill::error

template <>
struct boost::system::is_error_code_enum<rill::error::basic_errors> : std::true_type {};
template <>
struct boost::system::is_error_code_enum<rill::error::netdb_errors> : std::true_type {};
template <>
struct boost::system::is_error_code_enum<rill::error::addrinfo_errors> : std::true_type {};
template <>
struct boost::system::is_error_code_enum<rill::error::misc_errors> : std::true_type {};

namespace rill {

/// Throws system_error(@p ec, @p what). One function for all, out of the way of the paths that do not throw.
[[noreturn]] RILL_COLD RILL_DECL void throw_error(const error_code& ec, const char* what);

/// The same, if @p ec is an error.
inline void throw_if(const error_code& ec, const char* what) {
    if (ec) [[unlikely]]
        throw_error(ec, what);
}

}  // namespace rill

#include RILL_BODY(error.ipp)
