// SPDX-License-Identifier: BSL-1.0
#pragma once

// The bodies of all non-template code. A program that defines RILL_SEPARATE_COMPILATION for all its translation units
// includes this file in exactly one of them; a program that does not never needs it.

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.ipp)
#include RILL_SYSTEM(interface_name.ipp)
#include RILL_SYSTEM(socket_calls.ipp)

#include RILL_DRIVER_BODIES

#include <rill/context/background_loop.ipp>
#include <rill/context/config.ipp>
#include <rill/context/loop_of.ipp>
#include <rill/context/sharded_context.ipp>
#include <rill/context/strand_state.ipp>
#include <rill/context/system_context.ipp>
#include <rill/context/thread_pool.ipp>
#include <rill/core/cancellation_signal.ipp>
#include <rill/core/error.ipp>
#include <rill/core/memory.ipp>
#include <rill/engine/driver/block_pool.ipp>
#include <rill/engine/driver/make_driver.ipp>
#include <rill/engine/scheduler/crew.ipp>
#include <rill/engine/scheduler/loop.ipp>
#include <rill/engine/scheduler/loop_shared.ipp>
#include <rill/engine/scheduler/loop_threads.ipp>
#include <rill/engine/scheduler/timer_queue.ipp>
#include <rill/execution/execution_context.ipp>
#include <rill/io/socket_handle.ipp>
#include <rill/ip/address.ipp>
#include <rill/ip/address_v4.ipp>
#include <rill/ip/address_v6.ipp>
#include <rill/ip/endpoint_storage.ipp>
#include <rill/local/endpoint_storage.ipp>
