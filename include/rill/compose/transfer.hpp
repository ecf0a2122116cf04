// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/completion_condition.hpp>
#include <rill/compose/composed_operation.hpp>
#include <rill/core/consuming_buffers.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

// What read() and write() have in common: a Direction is `reading` or `writing`.

namespace rill::engine {

struct reading {
    using buffer = mutable_buffer;

    template <class Stream, class Buffers>
    static std::size_t some(Stream& stream, const Buffers& buffers, error_code& ec) {
        return stream.read_some(buffers, ec);
    }
    template <class Stream, class Buffers, class Step>
    static void start_some(Stream& stream, const Buffers& buffers, Step&& s) {
        stream.async_read_some(buffers, std::forward<Step>(s));
    }
};

struct writing {
    using buffer = const_buffer;

    template <class Stream, class Buffers>
    static std::size_t some(Stream& stream, const Buffers& buffers, error_code& ec) {
        return stream.write_some(buffers, ec);
    }
    template <class Stream, class Buffers, class Step>
    static void start_some(Stream& stream, const Buffers& buffers, Step&& s) {
        stream.async_write_some(buffers, std::forward<Step>(s));
    }
};

/// Transfers step by step, blocking, until @p condition is content, the buffers are used up, or a step moves nothing.
template <class Direction, class Stream, class Buffers, class Condition>
std::size_t transfer_all_of(Stream& stream, const Buffers& buffers, Condition& condition, error_code& ec) {
    ec = error_code();
    consuming_buffers<typename Direction::buffer, Buffers> rest(buffers);
    while (!rest.empty()) {
        const std::size_t most = bytes_of_next_step(condition, ec, rest.total_consumed());
        if (most == 0)
            break;
        const std::size_t moved = Direction::some(stream, rest.prepare(most), ec);
        rest.consume(moved);
        if (moved == 0 && !ec)
            break;
    }
    return rest.total_consumed();
}

/// The steps of async_read() and async_write(). There is always one, with empty buffers if there is nothing to do, so
/// that the handler is not called from inside the initiating function.
template <class Direction, class Stream, class Buffers, class Condition>
class transfer_steps {
public:
    using executor_type = typename Stream::executor_type;

    transfer_steps(Stream& s, const Buffers& buffers, Condition condition)
        : stream_(s),
          rest_(buffers),
          condition_(std::move(condition)),
          most_(bytes_of_next_step(condition_, error_code(), 0)) {}

    executor_type get_executor() const noexcept { return stream_.get_executor(); }

    template <class Step>
    void start(Step&& s) {
        Direction::start_some(stream_, rest_.prepare(most_), std::forward<Step>(s));
    }

    bool take(const error_code& ec, std::size_t moved) {
        ec_ = ec;
        rest_.consume(moved);
        if ((moved == 0 && !ec) || rest_.empty())
            return false;
        most_ = bytes_of_next_step(condition_, ec_, rest_.total_consumed());
        return most_ != 0;
    }

    void stop() noexcept { ec_ = error::operation_aborted; }

    std::tuple<error_code, std::size_t> result() const noexcept { return {ec_, rest_.total_consumed()}; }

private:
    Stream& stream_;
    consuming_buffers<typename Direction::buffer, Buffers> rest_;
    RILL_NO_UNIQUE_ADDRESS Condition condition_;
    std::size_t most_;  // that the step which is next, or in flight, may move
    error_code ec_;
};

/// Starts an async_read() or async_write().
template <class Direction, class Stream>
struct initiate_transfer {
    using executor_type = typename Stream::executor_type;
    Stream* stream;

    executor_type get_executor() const noexcept { return stream->get_executor(); }
    template <class Handler, class Buffers, class Condition>
    void operator()(Handler&& handler, const Buffers& buffers, Condition&& condition) const {
        using steps = transfer_steps<Direction, Stream, Buffers, std::decay_t<Condition>>;
        start_composed<steps>(std::forward<Handler>(handler), *stream, buffers, std::forward<Condition>(condition));
    }
};

}  // namespace rill::engine
