// SPDX-License-Identifier: BSL-1.0
#include <rill/core/buffer.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using rill::buffer;
using rill::buffer_copy;
using rill::buffer_size;
using rill::const_buffer;
using rill::mutable_buffer;

namespace {

template <class Type>
concept has_buffer = requires(Type&& value) {
    buffer(static_cast<Type&&>(value));
};

template <class Type>
concept has_limited_buffer = requires(Type&& value) {
    buffer(static_cast<Type&&>(value), 1);
};

template <class Type, class Buffer>
concept makes = requires(Type&& value) {
    { buffer(static_cast<Type&&>(value)) } -> std::same_as<Buffer>;
    { buffer(static_cast<Type&&>(value), 1) } -> std::same_as<Buffer>;
};

struct not_trivial {
    std::string text;
};

struct becomes_mutable {
    char byte = 'm';
    operator mutable_buffer() const { return {const_cast<char*>(&byte), 1}; }
};

struct becomes_const {
    operator const_buffer() const { return buffer("xyz", 3); }
};

std::string_view text_of(const_buffer b) { return {static_cast<const char*>(b.data()), b.size()}; }

// What may be written through gives a mutable buffer.
static_assert(makes<char (&)[3], mutable_buffer>);
static_assert(makes<int (&)[3][2], mutable_buffer>);
static_assert(makes<std::array<int, 3>&, mutable_buffer>);
static_assert(makes<std::vector<char>&, mutable_buffer>);
static_assert(makes<std::string&, mutable_buffer>);
static_assert(makes<std::wstring&, mutable_buffer>);
static_assert(makes<std::span<char>, mutable_buffer>);
static_assert(makes<const std::span<char>&, mutable_buffer>);
static_assert(makes<mutable_buffer, mutable_buffer>);

// What may not gives a const one.
static_assert(makes<const char (&)[3], const_buffer>);
static_assert(makes<const std::array<int, 3>&, const_buffer>);
static_assert(makes<std::array<const int, 3>&, const_buffer>);
static_assert(makes<const std::vector<char>&, const_buffer>);
static_assert(makes<const std::string&, const_buffer>);
static_assert(makes<std::string_view, const_buffer>);
static_assert(makes<std::span<const char>, const_buffer>);
static_assert(makes<std::initializer_list<char>&, const_buffer>);
static_assert(makes<const_buffer, const_buffer>);

// A temporary that owns its elements is refused, a view is not.
static_assert(!has_buffer<std::string> && !has_limited_buffer<std::string>);
static_assert(!has_buffer<const std::string> && !has_limited_buffer<const std::string>);
static_assert(!has_buffer<std::vector<char>> && !has_limited_buffer<std::vector<char>>);
static_assert(!has_buffer<std::array<char, 4>> && !has_limited_buffer<std::array<char, 4>>);
static_assert(has_buffer<std::span<char, 4>>);

// Bytes that are not a value by themselves are refused.
static_assert(!has_buffer<std::vector<std::string>&>);
static_assert(!has_buffer<std::array<not_trivial, 2>&>);
static_assert(!has_buffer<std::unique_ptr<int> (&)[2]>);
static_assert(!has_buffer<std::vector<bool>&>);
static_assert(!has_buffer<std::list<char>&>);
static_assert(!has_buffer<int&>);
static_assert(!has_buffer<char*>);

// A sequence of buffers is not memory to be sent.
static_assert(!has_buffer<std::vector<const_buffer>&>);
static_assert(!has_buffer<std::array<mutable_buffer, 2>&>);

static_assert(rill::mutable_buffer_sequence<mutable_buffer>);
static_assert(rill::mutable_buffer_sequence<becomes_mutable>);
static_assert(rill::mutable_buffer_sequence<std::vector<mutable_buffer>>);
static_assert(rill::mutable_buffer_sequence<std::array<mutable_buffer, 2>>);
static_assert(rill::mutable_buffer_sequence<std::list<becomes_mutable>>);
static_assert(rill::mutable_buffer_sequence<mutable_buffer[2]>);
static_assert(rill::mutable_buffer_sequence<std::span<const mutable_buffer>>);
static_assert(rill::mutable_buffer_sequence<std::initializer_list<mutable_buffer>>);
static_assert(rill::const_buffer_sequence<mutable_buffer>);
static_assert(rill::const_buffer_sequence<const_buffer>);
static_assert(rill::const_buffer_sequence<becomes_const>);
static_assert(rill::const_buffer_sequence<std::vector<mutable_buffer>>);
static_assert(rill::const_buffer_sequence<std::vector<const_buffer>>);
static_assert(rill::const_buffer_sequence<const const_buffer[2]>);
static_assert(!rill::mutable_buffer_sequence<const_buffer>);
static_assert(!rill::mutable_buffer_sequence<std::vector<const_buffer>>);
static_assert(!rill::const_buffer_sequence<std::string>);
static_assert(!rill::const_buffer_sequence<std::vector<std::vector<const_buffer>>>);
static_assert(!rill::const_buffer_sequence<int>);
static_assert(!rill::const_buffer_sequence<const char*>);
static_assert(rill::is_const_buffer_sequence<const_buffer>::value);
static_assert(!rill::is_const_buffer_sequence<std::string>::value);
static_assert(rill::is_mutable_buffer_sequence<mutable_buffer>::value);
static_assert(!rill::is_mutable_buffer_sequence<const_buffer>::value);

}  // namespace

TEST_CASE("a buffer without arguments is empty", "[core][buffer]") {
    CHECK(mutable_buffer().data() == nullptr);
    CHECK(mutable_buffer().size() == 0);
    CHECK(const_buffer().data() == nullptr);
    CHECK(const_buffer().size() == 0);
    CHECK(const_buffer(mutable_buffer()).size() == 0);
}

TEST_CASE("a buffer over memory has its address and its size in bytes", "[core][buffer]") {
    SECTION("a pointer and a size") {
        char bytes[4] = {};
        const char* const read_only = bytes;
        CHECK(buffer(static_cast<void*>(bytes), 3).data() == bytes);
        CHECK(buffer(static_cast<void*>(bytes), 3).size() == 3);
        CHECK(buffer(read_only, 2).data() == bytes);
        CHECK(buffer(read_only, 2).size() == 2);
    }
    SECTION("arrays of numbers") {
        std::int32_t numbers[5] = {};
        std::int16_t table[2][3] = {};
        CHECK(buffer(numbers).data() == numbers);
        CHECK(buffer(numbers).size() == 20);
        CHECK(buffer(table).size() == 12);
    }
    SECTION("a standard container") {
        std::vector<std::int32_t> numbers(3);
        std::array<char, 7> chars{};
        std::wstring wide(2, L'x');
        CHECK(buffer(numbers).data() == numbers.data());
        CHECK(buffer(numbers).size() == 12);
        CHECK(buffer(chars).size() == 7);
        CHECK(buffer(wide).size() == 2 * sizeof(wchar_t));
    }
    SECTION("views, also unnamed ones") {
        std::string text = "hello";
        CHECK(text_of(buffer(std::string_view(text).substr(1))) == "ello");
        CHECK(buffer(std::span(text)).data() == text.data());
        CHECK(buffer(std::span(text)).size() == 5);
    }
    SECTION("empty containers") {
        std::string none;
        std::vector<int> nothing;
        std::array<char, 0> no_chars{};
        CHECK(buffer(none).size() == 0);
        CHECK(buffer(nothing).size() == 0);
        CHECK(buffer(no_chars).size() == 0);
        CHECK(buffer(std::string_view()).size() == 0);
    }
}

TEST_CASE("a buffer over a string literal includes its terminating NUL", "[core][buffer]") {
    CHECK(text_of(buffer("abc")) == std::string_view("abc\0", 4));
    CHECK(text_of(buffer(std::string_view("abc"))) == "abc");
}

TEST_CASE("a limit takes the front of a buffer, and bytes rather than elements", "[core][buffer]") {
    std::array<std::int32_t, 4> numbers{};
    const auto limit = GENERATE(std::size_t{0}, 1u, 15u, 16u, 17u, std::numeric_limits<std::size_t>::max());
    const std::size_t expected = limit < 16 ? limit : 16;
    CHECK(buffer(numbers, limit).data() == numbers.data());
    CHECK(buffer(numbers, limit).size() == expected);
    CHECK(buffer(std::as_const(numbers), limit).size() == expected);
    CHECK(buffer(buffer(numbers), limit).size() == expected);
    CHECK(buffer(const_buffer(buffer(numbers)), limit).size() == expected);
}

TEST_CASE("advancing a buffer drops bytes and stops at its end", "[core][buffer]") {
    char bytes[] = {'a', 'b', 'c'};
    mutable_buffer writable = buffer(bytes);
    writable += 1;
    CHECK(text_of(writable) == "bc");
    CHECK(text_of(writable + 1) == "c");
    CHECK(text_of(1 + writable) == "c");
    writable += std::numeric_limits<std::size_t>::max();
    CHECK(writable.size() == 0);
    CHECK(writable.data() == bytes + 3);

    const_buffer readable = buffer(bytes);
    readable += 2;
    CHECK(text_of(readable) == "c");
    CHECK(text_of(0 + readable) == "c");
    CHECK((readable + 2).size() == 0);
    CHECK((const_buffer() + 1).data() == nullptr);
}

TEST_CASE("the size of a sequence is the sum of its buffers", "[core][buffer]") {
    CHECK(buffer_size(buffer("abc", 3)) == 3);
    CHECK(buffer_size(becomes_const()) == 3);
    CHECK(buffer_size(becomes_mutable()) == 1);
    CHECK(buffer_size(std::vector<const_buffer>()) == 0);
    CHECK(buffer_size(std::vector<const_buffer>{buffer("ab", 2), const_buffer(), buffer("c", 1)}) == 3);
    CHECK(buffer_size(std::list<becomes_mutable>(4)) == 4);
    const const_buffer array[] = {buffer("ab", 2), buffer("cde", 3)};
    CHECK(buffer_size(array) == 5);
}

TEST_CASE("a buffer by itself is a sequence of one", "[core][buffer]") {
    const const_buffer one = buffer("abc", 3);
    CHECK(rill::buffer_sequence_begin(one) == &one);
    CHECK(rill::buffer_sequence_end(one) == &one + 1);
    const std::vector<const_buffer> several(3);
    CHECK(rill::buffer_sequence_begin(several) == several.begin());
    CHECK(rill::buffer_sequence_end(several) == several.end());
}

TEST_CASE("a copy ends with the shorter sequence or at the limit", "[core][buffer]") {
    std::string target(6, '.');
    SECTION("one to one") {
        CHECK(buffer_copy(buffer(target), buffer("abc", 3)) == 3);
        CHECK(target == "abc...");
    }
    SECTION("the target is shorter") {
        CHECK(buffer_copy(buffer(target, 2), buffer("abc", 3)) == 2);
        CHECK(target == "ab....");
    }
    SECTION("the limit is shorter") {
        CHECK(buffer_copy(buffer(target), buffer("abc", 3), 1) == 1);
        CHECK(target == "a.....");
        CHECK(buffer_copy(buffer(target), buffer("xyz", 3), 0) == 0);
        CHECK(target == "a.....");
    }
    SECTION("the limit is longer") { CHECK(buffer_copy(buffer(target), buffer("abc", 3), 100) == 3); }
    SECTION("pieces that do not line up, with empty ones among them") {
        const std::array<mutable_buffer, 4> pieces = {mutable_buffer(), buffer(target, 1),
                                                      buffer(buffer(target) + 1, 0), buffer(target) + 1};
        const std::list<const_buffer> source = {buffer("ab", 2), const_buffer(), buffer("cde", 3)};
        CHECK(buffer_copy(pieces, source) == 5);
        CHECK(target == "abcde.");
        CHECK(buffer_copy(pieces, std::vector<const_buffer>{buffer("123", 3), buffer("456", 3)}, 4) == 4);
        CHECK(target == "1234e.");
    }
    SECTION("nothing") {
        CHECK(buffer_copy(mutable_buffer(), const_buffer()) == 0);
        CHECK(buffer_copy(mutable_buffer(), buffer("abc", 3)) == 0);
        CHECK(buffer_copy(buffer(target), std::vector<const_buffer>()) == 0);
        CHECK(buffer_copy(std::vector<mutable_buffer>(2), buffer("abc", 3)) == 0);
        CHECK(target == "......");
    }
    SECTION("from a mutable buffer, and through conversions") {
        const becomes_mutable byte;
        CHECK(buffer_copy(byte, becomes_const()) == 1);
        CHECK(byte.byte == 'x');
        std::string source = "hello";
        CHECK(buffer_copy(buffer(target), buffer(source)) == 5);
        CHECK(target == "hello.");
    }
}
