// SPDX-License-Identifier: BSL-1.0
#include <rill/core/consuming_buffers.hpp>

#include <support/catch.hpp>

#include <limits>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using rill::buffer;
using rill::const_buffer;
using rill::mutable_buffer;
using rill::engine::consuming_buffers;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// The bytes of a sequence, with a bar after each buffer.
template <class Sequence>
std::string pieces_of(const Sequence& sequence) {
    std::string text;
    for (auto each = rill::buffer_sequence_begin(sequence); each != rill::buffer_sequence_end(sequence); ++each) {
        const const_buffer piece = *each;
        text.append(static_cast<const char*>(piece.data()), piece.size()) += '|';
    }
    return text;
}

template <class Sequence>
consuming_buffers<const_buffer, Sequence> consume_from(const Sequence& sequence) {
    return consuming_buffers<const_buffer, Sequence>(sequence);
}

const_buffer view(std::string_view text) { return buffer(text); }

static_assert(rill::const_buffer_sequence<consuming_buffers<const_buffer, std::vector<const_buffer>>::prepared_type>);
static_assert(
    rill::engine::native_buffer_count<consuming_buffers<const_buffer, std::array<const_buffer, 3>>::prepared_type> ==
    3);
static_assert(std::is_same_v<consuming_buffers<const_buffer, mutable_buffer>::prepared_type, const_buffer>);

}  // namespace

TEST_CASE("a buffer by itself is consumed from its front", "[core][consuming_buffers]") {
    auto buffers = consume_from(view("abcdef"));
    CHECK_FALSE(buffers.empty());
    CHECK(pieces_of(buffers.prepare(no_limit)) == "abcdef|");
    CHECK(pieces_of(buffers.prepare(2)) == "ab|");
    buffers.consume(2);
    CHECK(buffers.total_consumed() == 2);
    CHECK(pieces_of(buffers.prepare(3)) == "cde|");
    buffers.consume(0);
    CHECK(buffers.total_consumed() == 2);
    buffers.consume(4);
    CHECK(buffers.empty());
    CHECK(rill::buffer_size(buffers.prepare(no_limit)) == 0);
}

TEST_CASE("a sequence is consumed across its buffers", "[core][consuming_buffers]") {
    auto check = [](auto buffers) {
        CHECK_FALSE(buffers.empty());
        CHECK(pieces_of(buffers.prepare(no_limit)) == "ab|cde|f|");
        CHECK(pieces_of(buffers.prepare(3)) == "ab|c|");
        CHECK(pieces_of(buffers.prepare(2)) == "ab|");
        CHECK(pieces_of(buffers.prepare(0)).empty());
        buffers.consume(1);
        CHECK(pieces_of(buffers.prepare(no_limit)) == "b|cde|f|");
        buffers.consume(2);
        CHECK(pieces_of(buffers.prepare(no_limit)) == "de|f|");
        buffers.consume(0);
        CHECK(pieces_of(buffers.prepare(1)) == "d|");
        buffers.consume(2);
        CHECK(pieces_of(buffers.prepare(no_limit)) == "f|");
        CHECK_FALSE(buffers.empty());
        buffers.consume(1);
        CHECK(buffers.empty());
        CHECK(buffers.total_consumed() == 6);
        CHECK(pieces_of(buffers.prepare(no_limit)).empty());
        buffers.consume(0);
        CHECK(buffers.empty());
    };
    SECTION("a vector") { check(consume_from(std::vector{view("ab"), view("cde"), view("f")})); }
    SECTION("an array") { check(consume_from(std::array{view("ab"), view("cde"), view("f")})); }
    SECTION("a C array") {
        const const_buffer array[] = {view("ab"), view("cde"), view("f")};
        check(consume_from(array));
    }
    SECTION("a list") { check(consume_from(std::list{view("ab"), view("cde"), view("f")})); }
    SECTION("with empty buffers everywhere") {
        check(consume_from(std::vector{view(""), view("ab"), view(""), view(""), view("cde"), view("f"), view("")}));
    }
    SECTION("mutable buffers, consumed as such") {
        std::string text = "abcdef";
        const std::vector<mutable_buffer> sequence = {buffer(text, 2), buffer(buffer(text) + 2, 3), buffer(text) + 5};
        check(consuming_buffers<mutable_buffer, std::vector<mutable_buffer>>(sequence));
    }
}

TEST_CASE("a sequence without bytes is consumed from the start", "[core][consuming_buffers]") {
    CHECK(consume_from(const_buffer()).empty());
    CHECK(consume_from(std::vector<const_buffer>()).empty());
    CHECK(consume_from(std::vector<const_buffer>(3)).empty());
    CHECK(pieces_of(consume_from(std::vector<const_buffer>(3)).prepare(no_limit)).empty());
    CHECK(consume_from(std::array<const_buffer, 0>()).empty());
}

TEST_CASE("one piece of a long sequence is 16 buffers", "[core][consuming_buffers]") {
    const std::string text = "abcdefghijklmnopqrstuvwxyz";
    std::vector<const_buffer> sequence;
    for (const char& letter : text)
        sequence.push_back(buffer(&letter, 1));
    auto buffers = consume_from(sequence);
    CHECK(rill::buffer_size(buffers.prepare(no_limit)) == 16);
    buffers.consume(20);
    CHECK(pieces_of(buffers.prepare(no_limit)) == "u|v|w|x|y|z|");
    buffers.consume(6);
    CHECK(buffers.empty());
}

TEST_CASE("a consumed sequence keeps its place when it is copied and moved", "[core][consuming_buffers]") {
    auto first = consume_from(std::vector{view("ab"), view("cde"), view("f")});
    first.consume(3);
    auto copy = first;
    auto moved = std::move(first);
    CHECK(pieces_of(moved.prepare(no_limit)) == "de|f|");
    moved.consume(2);
    CHECK(pieces_of(copy.prepare(no_limit)) == "de|f|");
    copy = std::move(moved);
    CHECK(pieces_of(copy.prepare(no_limit)) == "f|");
    CHECK(copy.total_consumed() == 5);
}
