// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/local/endpoint_storage.hpp>

#include <compare>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace rill::local {

/// One end of a connection inside the machine: a path in the file system, nothing, or, on Linux, an abstract name,
/// which begins with a NUL.
template <class Protocol>
class basic_endpoint {
public:
    using protocol_type = Protocol;
    using data_type = engine::native_address;

    /// Unnamed.
    basic_endpoint() noexcept : storage_(std::string_view()) {}

    /// Throws    system_error: name_too_long; invalid_argument: a NUL inside a path
    basic_endpoint(const char* path) : storage_(path) {}
    basic_endpoint(const std::string& path) : storage_(path) {}
    basic_endpoint(std::string_view path) : storage_(path) {}

    protocol_type protocol() const noexcept { return protocol_type(); }

    /// What the system's calls take, and write to: data(), then resize() to what was written.
    data_type* data() noexcept { return storage_.data(); }
    const data_type* data() const noexcept { return storage_.data(); }
    std::size_t size() const noexcept { return storage_.size(); }
    std::size_t capacity() const noexcept { return storage_.capacity(); }

    /// Throws    system_error, invalid_argument: more than the capacity
    void resize(std::size_t size) { storage_.resize(size); }

    std::string path() const { return std::string(storage_.path()); }

    /// Throws    system_error: name_too_long; invalid_argument: a NUL inside a path
    void path(std::string_view path) { storage_ = engine::local_endpoint_storage(path); }

    /// By path.
    friend bool operator==(const basic_endpoint& a, const basic_endpoint& b) noexcept {
        return a.storage_.path() == b.storage_.path();
    }
    friend std::strong_ordering operator<=>(const basic_endpoint& a, const basic_endpoint& b) noexcept {
        return a.storage_.path() <=> b.storage_.path();
    }

    /// Writes the path.
    template <class Char, class Traits>
    friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& stream,
                                                        const basic_endpoint& endpoint) {
        for (const char c : endpoint.storage_.path())
            stream << c;
        return stream;
    }

private:
    engine::local_endpoint_storage storage_;
};

}  // namespace rill::local
