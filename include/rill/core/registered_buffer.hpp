// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>

#include <compare>

namespace rill {

/// Which registered buffer, of its context.
class registered_buffer_id {
public:
    using native_handle_type = int;  ///< below zero: none, the system could not be told

    registered_buffer_id() noexcept = default;
    explicit registered_buffer_id(native_handle_type n) noexcept : number_(n) {}

    native_handle_type native_handle() const noexcept { return number_; }

    friend bool operator==(const registered_buffer_id&, const registered_buffer_id&) noexcept = default;

private:
    native_handle_type number_ = -1;
};

/// A buffer that is registered, or a part of it. It is used like any other.
class mutable_registered_buffer : public mutable_buffer {
public:
    mutable_registered_buffer() noexcept = default;
    /// Of the library.
    mutable_registered_buffer(const mutable_buffer& b, registered_buffer_id id) noexcept : mutable_buffer(b), id_(id) {}

    const mutable_buffer& buffer() const noexcept { return *this; }
    const registered_buffer_id& id() const noexcept { return id_; }

    /// Drops the first @p bytes, or all if there are fewer.
    mutable_registered_buffer& operator+=(std::size_t bytes) noexcept {
        mutable_buffer::operator+=(bytes);
        return *this;
    }
    friend mutable_registered_buffer operator+(mutable_registered_buffer b, std::size_t bytes) noexcept {
        return b += bytes;
    }
    friend mutable_registered_buffer operator+(std::size_t bytes, mutable_registered_buffer b) noexcept {
        return b += bytes;
    }

private:
    registered_buffer_id id_;
};

/// The same, to be read only.
class const_registered_buffer : public const_buffer {
public:
    const_registered_buffer() noexcept = default;
    const_registered_buffer(const mutable_registered_buffer& b) noexcept : const_buffer(b.buffer()), id_(b.id()) {}

    const const_buffer& buffer() const noexcept { return *this; }
    const registered_buffer_id& id() const noexcept { return id_; }

    const_registered_buffer& operator+=(std::size_t bytes) noexcept {
        const_buffer::operator+=(bytes);
        return *this;
    }
    friend const_registered_buffer operator+(const_registered_buffer b, std::size_t bytes) noexcept {
        return b += bytes;
    }
    friend const_registered_buffer operator+(std::size_t bytes, const_registered_buffer b) noexcept {
        return b += bytes;
    }

private:
    registered_buffer_id id_;
};

/// The same buffer, or its first @p max_size bytes.
inline mutable_registered_buffer buffer(const mutable_registered_buffer& b) noexcept { return b; }
inline const_registered_buffer buffer(const const_registered_buffer& b) noexcept { return b; }
inline mutable_registered_buffer buffer(const mutable_registered_buffer& b, std::size_t max_size) noexcept {
    return {buffer(b.buffer(), max_size), b.id()};
}
inline const_registered_buffer buffer(const const_registered_buffer& b, std::size_t max_size) noexcept {
    return mutable_registered_buffer({const_cast<void*>(b.data()), b.size() < max_size ? b.size() : max_size}, b.id());
}

}  // namespace rill

namespace rill::engine {

/// Where a buffer is registered; below zero: it is not, or there are several.
template <class Sequence>
int registered_slot(const Sequence& buffers) noexcept {
    if constexpr (std::is_base_of_v<mutable_registered_buffer, Sequence> ||
                  std::is_base_of_v<const_registered_buffer, Sequence>)
        return buffers.id().native_handle();
    else
        return -1;
}

}  // namespace rill::engine
