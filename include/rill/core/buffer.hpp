// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

namespace rill {

/// Memory that may be written: an address and a number of bytes. Borrows, never owns.
class mutable_buffer {
public:
    constexpr mutable_buffer() noexcept = default;
    constexpr mutable_buffer(void* data, std::size_t size) noexcept : data_(data), size_(size) {}

    constexpr void* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }

    /// Drops the first @p bytes, or all if there are fewer.
    mutable_buffer& operator+=(std::size_t bytes) noexcept {
        const std::size_t step = bytes < size_ ? bytes : size_;
        data_ = static_cast<char*>(data_) + step;
        size_ -= step;
        return *this;
    }

    friend mutable_buffer operator+(mutable_buffer b, std::size_t bytes) noexcept { return b += bytes; }
    friend mutable_buffer operator+(std::size_t bytes, mutable_buffer b) noexcept { return b += bytes; }

private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Memory that is only read: an address and a number of bytes. Borrows, never owns.
class const_buffer {
public:
    constexpr const_buffer() noexcept = default;
    constexpr const_buffer(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}
    constexpr const_buffer(const mutable_buffer& b) noexcept : data_(b.data()), size_(b.size()) {}

    constexpr const void* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }

    /// Drops the first @p bytes, or all if there are fewer.
    const_buffer& operator+=(std::size_t bytes) noexcept {
        const std::size_t step = bytes < size_ ? bytes : size_;
        data_ = static_cast<const char*>(data_) + step;
        size_ -= step;
        return *this;
    }

    friend const_buffer operator+(const_buffer b, std::size_t bytes) noexcept { return b += bytes; }
    friend const_buffer operator+(std::size_t bytes, const_buffer b) noexcept { return b += bytes; }

private:
    const void* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace rill

namespace rill::engine {

/// One buffer by itself.
template <class Type, class Buffer>
concept one_buffer = std::convertible_to<const Type&, Buffer>;

/// A range whose elements are buffers.
template <class Type, class Buffer>
concept range_of_buffers = requires(const Type& range) {
    { *std::begin(range) } -> std::convertible_to<Buffer>;
    { std::begin(range) != std::end(range) } -> std::convertible_to<bool>;
};

/// What the bytes of an element may be sent as and received into. A range of buffers is a sequence, not memory.
template <class Type>
concept plain_element = std::is_trivially_copyable_v<Type> && !std::is_volatile_v<Type> &&
                        !one_buffer<Type, const_buffer> && !one_buffer<Type, mutable_buffer>;

template <class Memory>
using element_of = std::remove_pointer_t<decltype(std::data(std::declval<Memory&>()))>;

/// Elements side by side, found by std::data() and std::size(): arrays, strings, vectors, spans, views.
template <class Type>
concept contiguous_memory = requires(Type& memory) {
    { std::size(memory) } -> std::convertible_to<std::size_t>;
    requires plain_element<element_of<Type>>;
};

/// Memory that does not die with the expression that names it.
template <class Type>
concept lasting_memory = contiguous_memory<Type> &&
    (std::is_lvalue_reference_v<Type> || std::ranges::enable_borrowed_range<std::remove_cvref_t<Type>>);

/// A container that dies with the expression, and its elements with it.
template <class Type>
concept temporary_container = contiguous_memory<Type> && !lasting_memory<Type>;

// Compilers write the arguments of a template that they refuse: so deleted overloads say what is wrong, and what to do.
struct lasting_memory_needed_but_this_is_a_temporary__give_it_a_name {};
struct const_buffer_sequence_needed__pass_buffer_of_it {};
struct mutable_buffer_sequence_needed__pass_buffer_of_it {};
struct mutable_buffer_sequence_needed_but_these_bytes_are_const__read_into_others {};

template <class Memory>
using buffer_over = std::conditional_t<std::is_const_v<element_of<Memory>>, const_buffer, mutable_buffer>;

}  // namespace rill::engine

namespace rill {

/// A buffer, or a range of buffers, to write into. The range itself is cheap to copy; the memory is the caller's.
template <class Type>
concept mutable_buffer_sequence =
    engine::one_buffer<Type, mutable_buffer> || engine::range_of_buffers<Type, mutable_buffer>;

/// A buffer, or a range of buffers, to read from. The range itself is cheap to copy; the memory is the caller's.
template <class Type>
concept const_buffer_sequence = engine::one_buffer<Type, const_buffer> || engine::range_of_buffers<Type, const_buffer>;

}  // namespace rill

namespace rill::engine {

/// The mistake of reading into Type.
template <class Type>
using not_readable_into = std::conditional_t<const_buffer_sequence<Type>,
                                             mutable_buffer_sequence_needed_but_these_bytes_are_const__read_into_others,
                                             mutable_buffer_sequence_needed__pass_buffer_of_it>;

}  // namespace rill::engine

namespace rill {

template <class Type>
struct is_mutable_buffer_sequence : std::bool_constant<mutable_buffer_sequence<Type>> {};

template <class Type>
struct is_const_buffer_sequence : std::bool_constant<const_buffer_sequence<Type>> {};

/// A buffer over memory named by address and size in bytes.
constexpr mutable_buffer buffer(void* data, std::size_t size) noexcept { return {data, size}; }
constexpr const_buffer buffer(const void* data, std::size_t size) noexcept { return {data, size}; }

/// The same buffer, or its first @p max_size bytes.
constexpr mutable_buffer buffer(const mutable_buffer& b) noexcept { return b; }
constexpr const_buffer buffer(const const_buffer& b) noexcept { return b; }
constexpr mutable_buffer buffer(const mutable_buffer& b, std::size_t max_size) noexcept {
    return {b.data(), b.size() < max_size ? b.size() : max_size};
}
constexpr const_buffer buffer(const const_buffer& b, std::size_t max_size) noexcept {
    return {b.data(), b.size() < max_size ? b.size() : max_size};
}

/// A buffer over the elements of @p memory: a C array, std::array, vector, string, span, string_view, or whatever else
/// std::data() and std::size() understand. A const_buffer if the elements are const.
///
/// Data      trivially copyable elements, taken byte by byte; borrowed, so a container that grows leaves the buffer
///           dangling. A string literal is a char array: its terminating NUL is part of it
template <engine::lasting_memory Memory>
constexpr engine::buffer_over<Memory> buffer(Memory&& memory) noexcept {
    return {std::data(memory), std::size(memory) * sizeof(engine::element_of<Memory>)};
}

/// A buffer over the first @p max_size bytes of @p memory, or all of it if there are fewer.
template <engine::lasting_memory Memory>
constexpr engine::buffer_over<Memory> buffer(Memory&& memory, std::size_t max_size) noexcept {
    return buffer(engine::buffer_over<Memory>(buffer(memory)), max_size);
}

/// Not for a temporary container: its elements are gone before the buffer is used. Give it a name.
template <engine::temporary_container Container,
          class Mistake = engine::lasting_memory_needed_but_this_is_a_temporary__give_it_a_name, class... MaxSize>
void buffer(Container&&, MaxSize...) = delete;

/// The first buffer of a sequence; a buffer by itself is a sequence of one.
template <class Sequence>
    requires mutable_buffer_sequence<Sequence> || const_buffer_sequence<Sequence>
constexpr auto buffer_sequence_begin(const Sequence& sequence) noexcept {
    if constexpr (engine::one_buffer<Sequence, const_buffer> || engine::one_buffer<Sequence, mutable_buffer>)
        return &sequence;
    else
        return std::begin(sequence);
}

/// The end of a sequence, where buffer_sequence_begin() gets to.
template <class Sequence>
    requires mutable_buffer_sequence<Sequence> || const_buffer_sequence<Sequence>
constexpr auto buffer_sequence_end(const Sequence& sequence) noexcept {
    if constexpr (engine::one_buffer<Sequence, const_buffer> || engine::one_buffer<Sequence, mutable_buffer>)
        return &sequence + 1;
    else
        return std::end(sequence);
}

}  // namespace rill

namespace rill::engine {

/// An element of either kind of sequence, as memory that is only read.
template <class Element>
constexpr const_buffer as_const_buffer(const Element& element) noexcept {
    if constexpr (one_buffer<Element, const_buffer>)
        return element;
    else
        return mutable_buffer(element);
}

}  // namespace rill::engine

namespace rill {

/// How many bytes the buffers of @p sequence have together. A plain sum: buffers that overlap may make it wrap.
template <class Sequence>
    requires mutable_buffer_sequence<Sequence> || const_buffer_sequence<Sequence>
constexpr std::size_t buffer_size(const Sequence& sequence) noexcept {
    std::size_t size = 0;
    const auto end = buffer_sequence_end(sequence);
    for (auto each = buffer_sequence_begin(sequence); each != end; ++each)
        size += engine::as_const_buffer(*each).size();
    return size;
}

/// Copies bytes from one sequence to another until either ends or @p max_bytes are copied.
///
/// Data      source and target do not overlap
/// Result    how many bytes were copied
template <mutable_buffer_sequence Target, const_buffer_sequence Source>
std::size_t buffer_copy(const Target& target, const Source& source,
                        std::size_t max_bytes = static_cast<std::size_t>(-1)) noexcept {
    auto to = buffer_sequence_begin(target);
    auto from = buffer_sequence_begin(source);
    const auto to_end = buffer_sequence_end(target);
    const auto from_end = buffer_sequence_end(source);
    mutable_buffer room;
    const_buffer bytes;
    std::size_t copied = 0;
    while (copied < max_bytes) {
        if (room.size() == 0) {
            if (to == to_end)
                break;
            room = *to++;
        } else if (bytes.size() == 0) {
            if (from == from_end)
                break;
            bytes = *from++;
        } else {
            std::size_t step = room.size() < bytes.size() ? room.size() : bytes.size();
            if (step > max_bytes - copied)
                step = max_bytes - copied;
            std::memcpy(room.data(), bytes.data(), step);
            room += step;
            bytes += step;
            copied += step;
        }
    }
    return copied;
}

}  // namespace rill
