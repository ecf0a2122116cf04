// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/interface_name.hpp>
#include <rill/engine/system/windows/winsock.hpp>

#include <iphlpapi.h>

namespace rill::engine {

RILL_DECL std::uint32_t interface_index(std::string_view name) noexcept {
    char terminated[IF_MAX_STRING_SIZE + 1];
    if (name.size() >= sizeof terminated || name.find('\0') != std::string_view::npos)
        return 0;
    terminated[name.copy(terminated, name.size())] = '\0';
    return ::if_nametoindex(terminated);
}

RILL_DECL bool append_interface_name(std::string& text, std::uint32_t index) {
    char name[IF_MAX_STRING_SIZE + 1];
    if (::if_indextoname(index, name) == nullptr)
        return false;
    text += name;
    return true;
}

}  // namespace rill::engine
