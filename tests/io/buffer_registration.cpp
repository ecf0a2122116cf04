// SPDX-License-Identifier: BSL-1.0
#include <rill/io/buffer_registration.hpp>

#include "loopback.hpp"

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/io/basic_stream_socket.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;

static_assert(rill::mutable_buffer_sequence<rill::mutable_registered_buffer>);
static_assert(rill::const_buffer_sequence<rill::mutable_registered_buffer>);
static_assert(rill::const_buffer_sequence<rill::const_registered_buffer>);
static_assert(!rill::mutable_buffer_sequence<rill::const_registered_buffer>);

namespace {

using registration = rill::buffer_registration<std::vector<rill::mutable_buffer>>;
static_assert(!std::is_copy_constructible_v<registration>);
static_assert(std::is_nothrow_move_constructible_v<registration>);

struct memory {
    explicit memory(std::size_t count, std::size_t size) {
        for (std::size_t i = 0; i < count; ++i) {
            pieces.emplace_back(size, static_cast<char>('a' + i % 26));
            buffers.push_back(buffer(pieces.back().data(), size));
        }
    }
    std::vector<std::string> pieces;
    std::vector<rill::mutable_buffer> buffers;
};

/// Sends @p data with async_send_zc, and checks what arrives.
template <class Buffer>
void check_send(rill::io_context& io, tcp_pair& pair, const Buffer& data) {
    answer sent, got;
    std::string received(data.size(), 0);
    pair.first.async_send_zc(data, sent.handler());
    run(io);
    CHECK(sent.succeeded());
    CHECK(sent.bytes == data.size());
    rill::async_read(pair.second, buffer(received), got.handler());
    run(io);
    CHECK(got.bytes == data.size());
    CHECK(received == std::string(static_cast<const char*>(data.data()), data.size()));
}

}  // namespace

TEST_CASE("registered buffers are those that were given", "[io][buffer_registration]") {
    rill::io_context io(GENERATE(solo, shared));
    memory m(3, 100);
    registration r = rill::register_buffers(io, m.buffers);
    REQUIRE(r.size() == 3);
    CHECK(r.end() - r.begin() == 3);
    CHECK(r.cend() - r.cbegin() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(r[i].data() == m.pieces[i].data());
        CHECK(r[i].size() == 100);
        CHECK(r.at(i).id() == r.begin()[static_cast<std::ptrdiff_t>(i)].id());
        CHECK(r[i].buffer().data() == m.pieces[i].data());
    }
    CHECK(r[0].id() != r[1].id());
    CHECK_THROWS_AS(r.at(3), std::out_of_range);
    registration moved(std::move(r));
    CHECK(r.size() == 0);
    CHECK(moved.size() == 3);
    const auto id = moved[0].id();
    moved = rill::register_buffers(io.get_executor(), m.buffers, std::allocator<void>());
    CHECK(moved.size() == 3);
    CHECK(moved[0].id() != id);  // both were there for a moment
    const auto one = rill::register_buffers(io, m.buffers[1]);
    CHECK(one.size() == 1);
    const std::array<rill::mutable_buffer, 2> two{m.buffers[0], m.buffers[2]};
    CHECK(rill::register_buffers(io, two)[1].data() == m.pieces[2].data());
}

TEST_CASE("a part of a registered buffer is one", "[io][buffer_registration]") {
    rill::io_context io;
    memory m(1, 100);
    const auto r = rill::register_buffers(io, m.buffers);
    const rill::mutable_registered_buffer whole = r[0];
    const auto rest = whole + 30;
    CHECK(rest.size() == 70);
    CHECK(rest.data() == m.pieces[0].data() + 30);
    CHECK(rest.id() == whole.id());
    CHECK((30 + whole).data() == rest.data());
    const auto front = buffer(rest, 10);
    CHECK(front.size() == 10);
    CHECK(front.id() == whole.id());
    const rill::const_registered_buffer fixed = front;
    CHECK(fixed.data() == rest.data());
    CHECK(fixed.id() == whole.id());
    CHECK(buffer(fixed, 4).size() == 4);
    CHECK(buffer(fixed, 4).id() == whole.id());
    CHECK((fixed + 4).size() == 6);
    CHECK(buffer(fixed).data() == fixed.data());
    CHECK(rill::mutable_registered_buffer().size() == 0);
    CHECK(rill::registered_buffer_id() == rill::const_registered_buffer().id());
}

TEST_CASE("registered buffers are used like others", "[io][buffer_registration]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    memory m(2, 6000);
    const auto r = rill::register_buffers(io, m.buffers);
    answer written, read;
    rill::async_write(pair.first, r[0], written.handler());
    rill::async_read(pair.second, r[1], read.handler());
    run(io);
    CHECK(written.bytes == 6000);
    CHECK(read.bytes == 6000);
    CHECK(m.pieces[1] == m.pieces[0]);
    CHECK(pair.second.write_some(r[1] + 5990) == 10);
    CHECK(pair.first.read_some(r[0]) == 10);
}

TEST_CASE("async_send_zc sends registered buffers, and parts of them", "[io][buffer_registration]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    memory m(3, 20'000);
    auto r = std::make_unique<registration>(rill::register_buffers(io, m.buffers));
    for (std::size_t i = 0; i < 3; ++i)
        check_send(io, pair, (*r)[i]);
    check_send(io, pair, rill::const_registered_buffer((*r)[1]));
    check_send(io, pair, (*r)[2] + 5001);
    check_send(io, pair, buffer((*r)[0], 9000));
    SECTION("others come in their place") {
        const auto gone = (*r)[0];
        r.reset();
        memory others(3, 30'000);
        r = std::make_unique<registration>(rill::register_buffers(io, others.buffers));
        for (std::size_t i = 0; i < 3; ++i)
            check_send(io, pair, (*r)[i]);
        check_send(io, pair, gone);  // as one that is not registered
        r.reset();
    }
    SECTION("of another context") {
        rill::io_context other(solo);
        tcp_pair there(other);
        check_send(other, there, (*r)[1]);
        memory own(2, 5000);
        const auto registered = rill::register_buffers(other, own.buffers);
        check_send(other, there, (*r)[1]);
        check_send(other, there, registered[1]);
    }
}

TEST_CASE("more buffers than there is room for can be used all the same", "[io][buffer_registration]") {
    rill::io_context io(solo);
    tcp_pair pair(io);
    memory m(1, 10'000);
    std::vector<rill::mutable_buffer> many(3000, m.buffers[0]);
    const auto r = rill::register_buffers(io, many);
    CHECK(r.size() == 3000);
    check_send(io, pair, r[2999]);
    many.resize(700);
    std::optional<rill::buffer_registration<std::vector<rill::mutable_buffer>>> first, second;
    first.emplace(rill::register_buffers(io, many));
    second.emplace(rill::register_buffers(io, many));
    check_send(io, pair, (*first)[699]);
    check_send(io, pair, (*second)[699]);
    CHECK((*first)[0].id().native_handle() >= 0);
    CHECK((*second)[0].id().native_handle() < 0);
    first.reset();
    second.emplace(rill::register_buffers(io, many));
    CHECK((*second)[0].id().native_handle() >= 0);
    check_send(io, pair, (*second)[0]);
}

TEST_CASE("a registration outlives its context", "[io][buffer_registration]") {
    memory m(2, 5000);
    std::optional<rill::io_context> io(std::in_place, GENERATE(solo, shared));
    std::optional<tcp_pair> pair(std::in_place, *io);
    const auto r = rill::register_buffers(*io, m.buffers);
    check_send(*io, *pair, r[0]);
    pair.reset();
    io.reset();
    CHECK(r[1].data() == m.pieces[1].data());
}
