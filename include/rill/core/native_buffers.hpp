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

/// The front of a buffer sequence as the system wants it: up to @p Most buffers, none of them empty.
template <std::size_t Most>
class native_buffers {
    static_assert(Most > 0 && Most <= most_native_buffers);

public:
    /// More than this in one call would not fit the signed result that tells how much of it was moved.
    static constexpr std::size_t most_bytes = static_cast<std::size_t>(-1) / 2;

    template <class Sequence>
    requires mutable_buffer_sequence<Sequence> || const_buffer_sequence<Sequence>
        RILL_INLINE explicit native_buffers(const Sequence& sequence) noexcept {
        const auto end = buffer_sequence_end(sequence);
        for (auto each = buffer_sequence_begin(sequence); each != end && count_ < Most; ++each)
            add(as_const_buffer(*each));
    }

    native_buffer* data() noexcept { return buffers_; }
    const native_buffer* data() const noexcept { return buffers_; }

    std::size_t count() const noexcept { return count_; }

    /// How many bytes the buffers have together, at most @ref most_bytes: what is beyond is left out.
    std::size_t total() const noexcept { return total_; }

private:
    RILL_INLINE void add(const_buffer b) noexcept {
        const std::size_t room = most_bytes - total_;
        const std::size_t size = b.size() < room ? b.size() : room;
        if (size == 0)
            return;
        buffers_[count_++] = make_native_buffer(b.data(), size);
        total_ += size;
    }

    native_buffer buffers_[Most];  // the first count_ have a value
    std::size_t count_ = 0;
    std::size_t total_ = 0;
};

}  // namespace rill::engine
