// SPDX-License-Identifier: BSL-1.0
#include <rill/core/native_buffers.hpp>

#include <support/bare_sockets.hpp>
#include <support/catch.hpp>

#include <list>
#include <span>
#include <string>
#include <vector>

using rill::buffer;
using rill::const_buffer;
using rill::mutable_buffer;
using rill::engine::native_buffer_count;
using rill::engine::native_buffers;

namespace {

static_assert(native_buffer_count<const_buffer> == 1);
static_assert(native_buffer_count<const mutable_buffer> == 1);
static_assert(native_buffer_count<std::array<const_buffer, 0>> == 1);
static_assert(native_buffer_count<std::array<const_buffer, 5>> == 5);
static_assert(native_buffer_count<const std::array<const_buffer, 64>> == 64);
static_assert(native_buffer_count<std::array<const_buffer, 65>> == 64);
static_assert(native_buffer_count<mutable_buffer[3]> == 3);
static_assert(native_buffer_count<const mutable_buffer[3]> == 3);
static_assert(native_buffer_count<std::vector<const_buffer>> == 16);
static_assert(native_buffer_count<std::span<const_buffer>> == 16);

}  // namespace

TEST_CASE("native buffers are the buffers of a sequence without the empty ones", "[core][native_buffers]") {
    std::string a = "ab";
    std::string b = "cde";
    const std::list<const_buffer> sequence = {const_buffer(), buffer(a), buffer(b, 0), buffer(b), const_buffer()};
    const native_buffers<16> native(sequence);
    REQUIRE(native.count() == 2);
    CHECK(native.total() == 5);
    CHECK(bare::data_of(native.data()[0]) == a.data());
    CHECK(bare::size_of(native.data()[0]) == 2);
    CHECK(bare::data_of(native.data()[1]) == b.data());
    CHECK(bare::size_of(native.data()[1]) == 3);
}

TEST_CASE("a buffer by itself is one native buffer, or none if it is empty", "[core][native_buffers]") {
    char bytes[4];
    const native_buffers<1> native(buffer(bytes));
    REQUIRE(native.count() == 1);
    CHECK(native.total() == 4);
    CHECK(bare::data_of(*native.data()) == bytes);
    CHECK(native_buffers<1>(mutable_buffer()).count() == 0);
    CHECK(native_buffers<1>(mutable_buffer(bytes, 0)).total() == 0);
}

TEST_CASE("an empty sequence has no native buffers", "[core][native_buffers]") {
    const native_buffers<16> none(std::vector<const_buffer>{});
    CHECK(none.count() == 0);
    CHECK(none.total() == 0);
    const native_buffers<1> nothing(std::array<const_buffer, 0>{});
    CHECK(nothing.count() == 0);
}

TEST_CASE("native buffers cover the front of a sequence that has more than there is room for",
          "[core][native_buffers]") {
    char bytes[20];
    std::vector<mutable_buffer> sequence;
    for (char& byte : bytes)
        sequence.push_back(buffer(&byte, 1));
    const native_buffers<16> native(sequence);
    CHECK(native.count() == 16);
    CHECK(native.total() == 16);
    CHECK(bare::data_of(native.data()[15]) == &bytes[15]);

    SECTION("empty buffers take no room") {
        sequence.insert(sequence.begin(), 100, mutable_buffer());
        CHECK(native_buffers<16>(sequence).total() == 16);
    }
}

TEST_CASE("native buffers cover no more bytes than a signed result can tell", "[core][native_buffers]") {
    constexpr std::size_t most = rill::engine::most_native_bytes;
    char byte;
    SECTION("in one buffer") {
        const native_buffers<4> native(mutable_buffer(&byte, most + 1));
        CHECK(native.count() == 1);
        CHECK(native.total() == most);
        CHECK(bare::size_of(native.data()[0]) == most);
    }
    SECTION("in several") {
        const native_buffers<4> native(
            std::array{mutable_buffer(&byte, 1), mutable_buffer(&byte, most), mutable_buffer(&byte, 1)});
        CHECK(native.count() == 2);
        CHECK(native.total() == most);
        CHECK(bare::size_of(native.data()[1]) == most - 1);
    }
}
