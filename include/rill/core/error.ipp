// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

namespace rill::error {

/// A category whose messages the system or the library keeps in a table.
class named_category : public error_category {
public:
    using message_of = const char* (*)(int value);

    constexpr named_category(const char* name, message_of text) noexcept : name_(name), message_(text) {}

    const char* name() const noexcept override { return name_; }
    std::string message(int value) const override { return message_(value); }

private:
    const char* name_;
    message_of message_;
};

inline const char* netdb_message(int value) {
    switch (value) {
    case host_not_found: return "Host not found (authoritative)";
    case host_not_found_try_again: return "Host not found (non-authoritative), try again later";
    case no_data: return "The host is known, but has no address";
    case no_recovery: return "A look-up error that cannot be recovered from";
    default: return "Unknown look-up error";
    }
}

inline const char* addrinfo_message(int value) {
    switch (value) {
    case service_not_found: return "Service not found";
    case socket_type_not_supported: return "Socket type not supported";
    default: return "Unknown address information error";
    }
}

inline const char* misc_message(int value) {
    switch (value) {
    case already_open: return "Already open";
    case eof: return "End of file";
    case not_found: return "Element not found";
    case fd_set_failure: return "The descriptor does not fit into the set";
    default: return "Unknown error";
    }
}

RILL_DECL const error_category& get_netdb_category() noexcept {
    static const named_category category("rill.netdb", &netdb_message);
    return category;
}

RILL_DECL const error_category& get_addrinfo_category() noexcept {
    static const named_category category("rill.addrinfo", &addrinfo_message);
    return category;
}

RILL_DECL const error_category& get_misc_category() noexcept {
    static const named_category category("rill.misc", &misc_message);
    return category;
}

}  // namespace rill::error

namespace rill {

RILL_DECL void throw_error(const error_code& ec, const char* what) { throw system_error(ec, what); }

}  // namespace rill
