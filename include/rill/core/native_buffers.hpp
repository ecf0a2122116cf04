// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/core/config.hpp>
#include <rill/core/platform.hpp>

#include RILL_SYSTEM(native.hpp)

#include <array>
#include <cstddef>

namespace rill::engine {

/// How many native buffers a call with a @p Sequence makes room for: as many as it has, where its type says so.
/// A longer sequence goes in several calls, which only a stream allows.
template <class Sequence>
inline constexpr std::size_t native_buffer_count =
    one_buffer<Sequence, const_buffer> || one_buffer<Sequence, mutable_buffer> ? 1 : 16;

template <class Sequence>
inline constexpr std::size_t native_buffer_count<const Sequence> = native_buffer_count<Sequence>;

/// One at least, so that there is an array to point to.
constexpr std::size_t native_buffer_count_of_array(std::size_t size) noexcept {
    return size == 0 ? 1 : size < most_native_buffers ? size : most_native_buffers;
}

template <class Buffer, std::size_t Size>
inline constexpr std::size_t native_buffer_count<std::array<Buffer, Size>> = native_buffer_count_of_array(Size);

template <class Buffer, std::size_t Size>
inline constexpr std::size_t native_buffer_count<Buffer[Size]> = native_buffer_count_of_array(Size);

template <class Buffer, std::size_t Size>
inline constexpr std::size_t native_buffer_count<const Buffer[Size]> = native_buffer_count_of_array(Size);

/// How many native buffers there are, and how many bytes they have together.
struct native_extent {
    std::size_t count = 0;
    std::size_t total = 0;
};

/// Fills @p native with the front of a buffer sequence as the system wants it: as many buffers as there is room for, none
/// of them empty, and at most @ref most_native_bytes.
template <class Sequence, std::size_t Most>
    requires mutable_buffer_sequence<Sequence> || const_buffer_sequence<Sequence>
        RILL_INLINE native_extent fill_native_buffers(native_buffer (&native)[Most], const Sequence& sequence)
noexcept {
    static_assert(Most <= most_native_buffers);
    native_extent extent;
    const auto end = buffer_sequence_end(sequence);
    for (auto each = buffer_sequence_begin(sequence); each != end && extent.count < Most; ++each) {
        const const_buffer b = as_const_buffer(*each);
        const std::size_t room = most_native_bytes - extent.total;
        const std::size_t size = b.size() < room ? b.size() : room;
        if (size == 0)
            continue;
        native[extent.count++] = make_native_buffer(b.data(), size);
        extent.total += size;
    }
    return extent;
}

/// Those buffers together with their extent.
template <std::size_t Most>
class native_buffers {
public:
    template <class Sequence>
        requires mutable_buffer_sequence<Sequence> || const_buffer_sequence<Sequence>
    explicit native_buffers(const Sequence& sequence) noexcept : extent_(fill_native_buffers(buffers_, sequence)) {}

    native_buffer* data() noexcept { return buffers_; }
    const native_buffer* data() const noexcept { return buffers_; }
    std::size_t count() const noexcept { return extent_.count; }
    std::size_t total() const noexcept { return extent_.total; }

private:
    native_buffer buffers_[Most];  // the first count() have a value
    native_extent extent_;
};

}  // namespace rill::engine
