// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include <support/capabilities.hpp>

#if TEST_HAS_PROC

#include "loopback.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <list>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// The server's ends of the connections lie in this process, the clients' in another, which is this program again: the
// limit on descriptors is per process.

using namespace loopback;
using rill::buffer;
using rill::error_code;
namespace error = rill::error;

extern "C" char** environ;  // which not every system declares

namespace {

#if RILL_ADDRESS_SANITIZER || RILL_THREAD_SANITIZER
constexpr bool measures_memory = false;  // most of it is the sanitizer's
#else
constexpr bool measures_memory = true;
#endif

constexpr std::size_t spare_descriptors = 100;

/// While it lives the process may have as many descriptors as the administrator permits.
class most_descriptors {
public:
    most_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        ::rlimit most = before_;
        most.rlim_cur = most.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &most);
    }
    most_descriptors(const most_descriptors&) = delete;
    ~most_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    bool suffice(std::size_t n) const { return before_.rlim_max >= n + spare_descriptors; }

private:
    ::rlimit before_{};
};

std::size_t resident_bytes() {
    std::size_t size = 0, resident = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    REQUIRE(file);
    CHECK(std::fscanf(file, "%zu %zu", &size, &resident) == 2);
    std::fclose(file);
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct message {
    char bytes[8];
};

/// All of it may take long on a busy machine; but not what comes next.
void run_while_it_goes_on(rill::io_context& io) {
    while (io.run_one_for(20s) != 0) {
    }
}

/// Sends back what comes, one message from each client, and holds all connections until the last has come.
class server {
public:
    server(rill::io_context& io, std::size_t expected) : acceptor(io, any_port()), expected_(expected) { accept(); }

    tcp::acceptor acceptor;
    std::size_t accepted = 0, echoed = 0, aborted = 0, failed = 0, resident_at_most = 0;

private:
    struct connection {
        tcp::socket socket;
        message data;
    };

    void accept() {
        acceptor.async_accept([this](const error_code& ec, tcp::socket s) {
            if (ec) {
                ++failed;
                return;
            }
            connections_.push_back(connection{std::move(s), {}});
            receive(connections_.back());
            if (++accepted != expected_)
                accept();
        });
    }
    void receive(connection& c) {
        c.socket.async_read_some(buffer(c.data.bytes), [this, &c](const error_code& ec, std::size_t n) {
            if (ec == error::operation_aborted)
                ++aborted;
            else if (ec || n != sizeof(message))
                ++failed;
            else
                echo(c);
        });
    }
    void echo(connection& c) {
        c.socket.async_write_some(buffer(c.data.bytes), [this, &c](const error_code& ec, std::size_t n) {
            failed += ec || n != sizeof(message);
            receive(c);
            if (++echoed == expected_) {
                resident_at_most = resident_bytes();
                for (connection& each : connections_)
                    each.socket.close();
            }
        });
    }

    std::size_t expected_;
    std::list<connection> connections_;
};

/// Connects again and again, a few at a time, and holds all connections until the server ends them.
class clients {
public:
    clients(rill::io_context& io, tcp::endpoint server, std::size_t count) : io_(io), server_(server), left_(count) {
        for (int i = 0; i < 200; ++i)
            connect();
    }

    std::size_t ended = 0, failed = 0;

private:
    struct connection {
        tcp::socket socket;
        message sent, got;
    };

    void connect() {
        if (left_ == 0)
            return;
        auto& c = connections_.emplace_back(connection{tcp::socket(io_), {}, {}});
        std::snprintf(c.sent.bytes, sizeof(c.sent.bytes), "%zu", left_--);
        c.socket.async_connect(server_, [this, &c](const error_code& ec) {
            failed += !!ec;
            c.socket.async_write_some(buffer(c.sent.bytes), [this, &c](const error_code& e, std::size_t n) {
                failed += e || n != sizeof(message);
                receive(c);
            });
        });
    }
    void receive(connection& c) {
        c.socket.async_read_some(buffer(c.got.bytes), [this, &c](const error_code& ec, std::size_t n) {
            failed +=
                ec || n != sizeof(message) || std::string_view(c.got.bytes, n) != std::string_view(c.sent.bytes, n);
            connect();
            c.socket.async_read_some(buffer(c.got.bytes), [this](const error_code& e, std::size_t) {
                failed += e != error::eof;
                ++ended;
            });
        });
    }

    rill::io_context& io_;
    tcp::endpoint server_;
    std::size_t left_;
    std::list<connection> connections_;
};

constexpr const char* client_test = "the clients of many connections";
constexpr const char* port_variable = "RILL_TEST_MANY_CONNECTIONS_PORT";
constexpr const char* count_variable = "RILL_TEST_MANY_CONNECTIONS_COUNT";

/// Starts this program with the hidden test below only.
::pid_t start_clients(unsigned port, std::size_t count) {
    ::setenv(port_variable, std::to_string(port).c_str(), 1);
    ::setenv(count_variable, std::to_string(count).c_str(), 1);
    char self[] = "/proc/self/exe";
    std::string name(client_test);
    char* arguments[] = {self, name.data(), nullptr};
    ::posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::pid_t child = -1;
    CHECK(::posix_spawn(&child, self, &actions, nullptr, arguments, environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    return child;
}

}  // namespace

TEST_CASE("the clients of many connections", "[.]") {
    const char* port = std::getenv(port_variable);
    const char* count = std::getenv(count_variable);
    REQUIRE(port);
    REQUIRE(count);
    const most_descriptors descriptors;
    const std::size_t n = std::strtoul(count, nullptr, 10);
    rill::io_context io(solo);
    clients all(io, tcp::endpoint(rill::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::atoi(port))), n);
    run_while_it_goes_on(io);
    CHECK(io.stopped());
    CHECK(all.ended == n);
    CHECK(all.failed == 0);
}

TEST_CASE("10,000 connections are served at once", "[io][many_connections]") {
    rill::io_context io(GENERATE(solo, shared));
    // poll() looks at each of them each time.
    const std::size_t count = std::string_view(io.backend_name()) == "poll" ? 1'000 : 10'000;
    const most_descriptors descriptors;
    if (!descriptors.suffice(count)) {
        WARN("skipped: the limit on descriptors is too low for " << count << " connections");
        return;
    }
    const std::size_t resident_before = resident_bytes();
    server s(io, count);
    const ::pid_t child = start_clients(s.acceptor.local_endpoint().port(), count);
    run_while_it_goes_on(io);
    CHECK(io.stopped());
    CHECK(s.accepted == count);
    CHECK(s.echoed == count);
    CHECK(s.aborted == count);
    CHECK(s.failed == 0);
    if (measures_memory && s.resident_at_most > resident_before)
        CHECK((s.resident_at_most - resident_before) / count < 2048);
    int status = -1;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    CHECK(status == 0);
}

#endif
