// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <cstddef>
#include <new>

namespace rill::engine {

/// Memory for operations and coroutine frames: freed blocks stay with the thread that freed them and serve the next
/// request of their size class, so that the steady state never reaches the global heap.
///
/// Data     @p size in bytes; deallocate() is given the size that allocate() was
/// Threads  any; a block may be freed by another thread than the one that asked for it
/// Throws   std::bad_alloc
RILL_DECL void* allocate(std::size_t size);
RILL_DECL void deallocate(void* block, std::size_t size) noexcept;

}  // namespace rill::engine

#include RILL_BODY(memory.ipp)
