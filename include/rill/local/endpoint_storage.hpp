// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/platform.hpp>

#include RILL_SYSTEM(native_address.hpp)

#include <cstddef>
#include <string>
#include <string_view>

namespace rill::engine {

/// A path in the system's form: all of local::basic_endpoint that does not depend on the protocol.
class local_endpoint_storage {
public:
    /// Throws    system_error: name_too_long; invalid_argument: a NUL inside a path
    explicit local_endpoint_storage(std::string_view path);

    native_address* data() noexcept { return &any_; }
    const native_address* data() const noexcept { return &any_; }
    std::size_t size() const noexcept { return size_; }
    static constexpr std::size_t capacity() noexcept { return sizeof(native_address_local); }

    /// The system has written an address of @p size bytes to data().
    ///
    /// Throws    system_error, invalid_argument: more than the capacity
    void resize(std::size_t size);

    /// Without the NUL that ends a path, with the NUL that begins an abstract name.
    std::string_view path() const noexcept;

private:
    union {
        native_address any_;
        native_address_local local_;
    };
    std::size_t size_ = native_path_offset;  // what the system is told; without a path just the family
};

}  // namespace rill::engine

#include RILL_BODY(endpoint_storage.ipp)
