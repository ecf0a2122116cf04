// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/core/error.hpp>
#include <rill/token/async_result.hpp>

#include <concepts>
#include <cstddef>

namespace rill::engine {

/// A handler of a transfer that is also a token that starts nothing, so that asking whether a stream takes one
/// instantiates no operation.
struct transfer_probe {
    void operator()(const error_code&, std::size_t) const noexcept {}
};

}  // namespace rill::engine

namespace rill {

template <completion_signature... Signatures>
class async_result<engine::transfer_probe, Signatures...> {
public:
    template <class Initiation, class... Args>
    static void initiate(Initiation&&, engine::transfer_probe, Args&&...) {}
};

/// Has read_some(buffers, ec), which blocks until there is a byte.
template <class T>
concept sync_read_stream = requires(T& stream, const mutable_buffer& buffer, error_code& ec) {
    { stream.read_some(buffer, ec) } -> std::convertible_to<std::size_t>;
};

/// Has write_some(buffers, ec), which blocks until there is room for a byte.
template <class T>
concept sync_write_stream = requires(T& stream, const const_buffer& buffer, error_code& ec) {
    { stream.write_some(buffer, ec) } -> std::convertible_to<std::size_t>;
};

/// Has an executor and async_read_some(buffers, token), which completes with void(error_code, std::size_t), and for
/// empty buffers without waiting.
template <class T>
concept async_read_stream = requires(T& stream, const mutable_buffer& buffer) {
    typename T::executor_type;
    { stream.get_executor() } -> std::convertible_to<typename T::executor_type>;
    stream.async_read_some(buffer, engine::transfer_probe());
};

/// Has an executor and async_write_some(buffers, token), which completes with void(error_code, std::size_t), and for
/// empty buffers without waiting.
template <class T>
concept async_write_stream = requires(T& stream, const const_buffer& buffer) {
    typename T::executor_type;
    { stream.get_executor() } -> std::convertible_to<typename T::executor_type>;
    stream.async_write_some(buffer, engine::transfer_probe());
};

}  // namespace rill
