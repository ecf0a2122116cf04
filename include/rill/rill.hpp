// SPDX-License-Identifier: BSL-1.0
#pragma once

// Every public header that needs no more than the standard library and Boost.System.

#include <rill/compose/completion_condition.hpp>
#include <rill/compose/connect.hpp>
#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/config.hpp>
#include <rill/context/executor_work_guard.hpp>
#include <rill/context/io_context.hpp>
#include <rill/context/io_context_strand.hpp>
#include <rill/context/strand.hpp>
#include <rill/context/system_context.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/core/buffer.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/core/cancellation_state.hpp>
#include <rill/core/error.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/this_coro.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/properties.hpp>
#include <rill/io/basic_socket_acceptor.hpp>
#include <rill/io/basic_stream_socket.hpp>
#include <rill/io/basic_waitable_timer.hpp>
#include <rill/io/high_resolution_timer.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/io/system_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/defer.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>
#include <rill/token/redirect_error.hpp>
#include <rill/token/use_future.hpp>
