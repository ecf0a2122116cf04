// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the parts of the demo share.

#include <rill/rill.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using rill::ip::tcp;

/// What one connection says to an echo server and must hear again: pseudo-random bytes that depend on the connection
/// and on where in its stream they are.
class conversation {
public:
    static constexpr std::size_t message_size = 8 * 1024;

    conversation(std::uint64_t connection, std::size_t messages) : connection_(connection), messages_(messages) {}

    bool done() const noexcept { return done_ == messages_; }
    std::size_t messages() const noexcept { return done_; }

    /// The next message, valid until the next call.
    rill::const_buffer say();
    /// Where its echo goes.
    rill::mutable_buffer hear() noexcept { return rill::buffer(heard_); }
    /// Throws  std::runtime_error: the echo differs
    void check();

    void fail(const std::string& why) { error_ = "connection " + std::to_string(connection_) + ": " + why; }
    const std::string& error() const noexcept { return error_; }

private:
    using words = std::array<std::uint64_t, message_size / sizeof(std::uint64_t)>;

    std::uint64_t connection_;
    std::size_t messages_;
    std::size_t done_ = 0;
    std::string error_;
    words said_{};
    words heard_{};
};

/// How long to wait before something is called lost.
inline constexpr std::chrono::seconds patience(60);

using conversations = std::vector<std::unique_ptr<conversation>>;

// In each style: serve echoes on a loopback port, have all conversations at once, end when all are over.
// Throws  when not even that could be started; what goes wrong in a conversation is for its fail()
void use_callbacks(conversations& all);
void use_futures(conversations& all);
void use_coroutines(conversations& all);

// Reads that nobody answers, and one that somebody does: what they end with. Each returns what is wrong, or nothing.
std::string cancel_by_slot();
std::string cancel_by_deadline();
