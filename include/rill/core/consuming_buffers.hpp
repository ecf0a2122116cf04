// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/core/config.hpp>
#include <rill/core/native_buffers.hpp>
#include <rill/core/storable_sequence.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// Buffers for one transfer: a range of up to @p Most, none of them empty.
template <class Buffer, std::size_t Most>
class prepared_buffers {
public:
    const Buffer* begin() const noexcept { return buffers_; }
    const Buffer* end() const noexcept { return buffers_ + count_; }

    bool full() const noexcept { return count_ == Most; }

    void push_back(const Buffer& b) noexcept {
        RILL_ASSERT(!full());
        buffers_[count_++] = b;
    }

private:
    Buffer buffers_[Most];
    std::size_t count_ = 0;
};

template <class Buffer, std::size_t Most>
inline constexpr std::size_t native_buffer_count<prepared_buffers<Buffer, Most>> = Most;

/// A copy of a buffer sequence that is used up piece by piece. Each piece is a few buffers, as a call to the system
/// takes them. A @p Buffer is a mutable_buffer to fill or a const_buffer to send.
template <class Buffer, class Sequence>
class consuming_buffers {
    static constexpr std::size_t most = native_buffer_count<Sequence> < 16 ? native_buffer_count<Sequence> : 16;

public:
    using prepared_type = prepared_buffers<Buffer, most>;

    explicit consuming_buffers(const Sequence& sequence)
        : sequence_(storable_sequence(sequence)), total_size_(buffer_size(sequence)) {}

    /// Everything is consumed, or there never was anything.
    bool empty() const noexcept { return total_consumed_ == total_size_; }

    std::size_t total_consumed() const noexcept { return total_consumed_; }

    /// The next buffers, with @p max_bytes in all or fewer. Finding the place in a list takes a walk from its begin.
    prepared_type prepare(std::size_t max_bytes) const noexcept {
        prepared_type prepared;
        const auto end = buffer_sequence_end(sequence_);
        std::size_t skip = offset_;
        for (auto each = position(); each != end && max_bytes > 0 && !prepared.full(); ++each) {
            const Buffer next = buffer(Buffer(*each) + skip, max_bytes);
            skip = 0;
            if (next.size() == 0)
                continue;
            prepared.push_back(next);
            max_bytes -= next.size();
        }
        return prepared;
    }

    /// The first @p bytes are done with. No more than there are.
    void consume(std::size_t bytes) noexcept {
        RILL_ASSERT(bytes <= total_size_ - total_consumed_);
        total_consumed_ += bytes;
        const auto end = buffer_sequence_end(sequence_);
        for (auto each = position(); each != end; ++each) {
            const std::size_t rest = Buffer(*each).size() - offset_;
            if (bytes < rest) {
                offset_ += bytes;
                return;
            }
            bytes -= rest;
            offset_ = 0;
            ++index_;
        }
    }

private:
    using stored = decltype(storable_sequence(std::declval<const Sequence&>()));

    auto position() const noexcept {
        return std::next(buffer_sequence_begin(sequence_), static_cast<std::ptrdiff_t>(index_));
    }

    stored sequence_;
    std::size_t total_size_;
    std::size_t total_consumed_ = 0;
    // The first byte that is not consumed. An index, because iterators would still point into the copy after a move.
    std::size_t index_ = 0;
    std::size_t offset_ = 0;
};

/// One buffer is its own sequence: what is left of it is the next piece.
template <class Buffer, one_buffer<Buffer> Sequence>
class consuming_buffers<Buffer, Sequence> {
public:
    using prepared_type = Buffer;

    explicit consuming_buffers(const Sequence& sequence) noexcept : buffer_(sequence) {}

    bool empty() const noexcept { return total_consumed_ == buffer_.size(); }

    std::size_t total_consumed() const noexcept { return total_consumed_; }

    prepared_type prepare(std::size_t max_bytes) const noexcept { return buffer(buffer_ + total_consumed_, max_bytes); }

    void consume(std::size_t bytes) noexcept {
        RILL_ASSERT(bytes <= buffer_.size() - total_consumed_);
        total_consumed_ += bytes;
    }

private:
    Buffer buffer_;
    std::size_t total_consumed_ = 0;
};

}  // namespace rill::engine
