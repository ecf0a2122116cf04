// SPDX-License-Identifier: BSL-1.0
#include <rill/io/received_buffer.hpp>

#include <support/capabilities.hpp>

#if TEST_HAS_PROC

#include "loopback.hpp"

#include <rill/io/basic_stream_socket.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/token/bind_allocator.hpp>

#include <memory>
#include <string_view>
#include <sys/resource.h>
#include <utility>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;
using rill::received_buffer;

namespace {

std::size_t bytes = 0;  // in use, of the allocator below

template <class T>
struct counted {
    using value_type = T;
    counted() = default;
    template <class U>
    counted(const counted<U>&) {}
    T* allocate(std::size_t n) {
        bytes += n * sizeof(T);
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        bytes -= n * sizeof(T);
        std::allocator<T>().deallocate(p, n);
    }
    template <class U>
    friend bool operator==(const counted&, const counted<U>&) {
        return true;
    }
};

template <class Socket>
void check_idle_connections(rill::io_context& io, std::size_t count) {
    std::vector<std::pair<Socket, Socket>> all;
    all.reserve(count);
    std::size_t received = 0, ended = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto& [first, second] = all.emplace_back(Socket(io), Socket(io));
        rill::local::connect_pair(first, second);
        second.async_receive_buffer(rill::bind_allocator(counted<void>(), [&](error_code ec, received_buffer b) {
            received += !ec && std::string_view(b.data(), b.size()) == "x";
            ended += ec == rill::error::operation_aborted;
        }));
    }
    io.restart();
    io.poll();
    CHECK(received + ended == 0);
    INFO(bytes / count << " bytes for each");
    CHECK(bytes / count <= 120);
    // There are not even as many buffers as connections, and all of these are free: each connection can have one.
    for (std::size_t i = 0; i < count; i += 10)
        all[i].first.write_some(buffer("x", 1));
    CHECK(run_until(io, [&] { return received == (count + 9) / 10; }));
    for (auto& pair : all)
        pair.second.close();
    run(io);
    CHECK(ended == count - received);
    CHECK(bytes == 0);
}

}  // namespace

TEST_CASE("10,000 connections that wait to receive have no buffers, and 120 bytes each", "[io][receive_buffer]") {
    ::rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    const ::rlimit before = descriptors;
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    {
        rill::io_context io(rill::config_from_string("scheduler.concurrency_hint=1\nreceive_buffers.count=8\n"));
        std::size_t count = std::string_view(io.backend_name()) == "poll" ? 500 : 10'000;
        while (2 * count + 100 > descriptors.rlim_cur)
            count /= 2;
        check_idle_connections<rill::local::stream_protocol::socket>(io, count);
        using direct = rill::basic_stream_socket<rill::local::stream_protocol, rill::io_context::executor_type>;
        check_idle_connections<direct>(io, count);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
}

#endif
