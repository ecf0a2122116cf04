// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/local/endpoint_storage.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

namespace rill::engine {

RILL_DECL local_endpoint_storage::local_endpoint_storage(std::string_view path) : local_() {
    local_.sun_family = socket_constant::family_local;
    if (path.empty())
        return;
    // A name that begins with NUL is abstract: every byte of it counts, and none is added: unix(7). A path ends with
    // NUL, and any other NUL would make the system take less than the caller has named.
    const bool abstract = socket_constant::has_abstract_names && path.front() == '\0';
    if (path.size() + (abstract ? 0 : 1) > sizeof local_.sun_path)
        throw_if(error::name_too_long, "local::basic_endpoint");
    if (!abstract && path.find('\0') != std::string_view::npos)
        throw_if(error::invalid_argument, "local::basic_endpoint");
    path.copy(local_.sun_path, path.size());
    size_ = native_path_offset + path.size() + (abstract ? 0 : 1);
}

RILL_DECL void local_endpoint_storage::resize(std::size_t size) {
    if (size > capacity())
        throw_if(error::invalid_argument, "local::basic_endpoint::resize");
    size_ = size;
}

RILL_DECL std::string_view local_endpoint_storage::path() const noexcept {
    if (size_ <= native_path_offset || local_.sun_family != socket_constant::family_local)
        return {};  // unnamed, or of a pair that the system could connect in another way only
    const std::string_view name(local_.sun_path, size_ - native_path_offset);
    const bool abstract = socket_constant::has_abstract_names && name.front() == '\0';
    return abstract ? name : name.substr(0, name.find('\0'));
}

}  // namespace rill::engine
