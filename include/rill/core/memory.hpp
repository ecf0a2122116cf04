// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <cstddef>
#include <new>

namespace rill::engine {

/// The freed blocks that one thread keeps, on a shelf for each size. Constant-initialised and trivially destructible,
/// so that reaching it costs no check.
struct memory_cache {
    static constexpr std::size_t granularity = 32;
    static constexpr std::size_t heap_overhead = sizeof(void*);  // what malloc() adds to a block, most often
    static constexpr std::size_t shelf_count = 64;
    static constexpr std::size_t shelf_bytes = 64 * 1024;

    struct block {
        block* next;
        block* next_batch;  // of the first block of a batch in the depot
    };
    struct shelf {
        block* first;
        std::size_t room;  // for so many more; 0 until the thread frees a block for the first time
    };

    static constexpr std::size_t index(std::size_t size) noexcept { return (size + heap_overhead - 1) / granularity; }
    static constexpr std::size_t block_size(std::size_t index) noexcept {
        return (index + 1) * granularity - heap_overhead;
    }
    /// Larger ones are not kept.
    static constexpr std::size_t largest() noexcept { return block_size(shelf_count - 1); }
    static constexpr std::size_t capacity(std::size_t index) noexcept { return shelf_bytes / block_size(index); }

    shelf shelves[shelf_count];
};

inline constinit thread_local memory_cache this_thread_memory{};

RILL_DECL void* allocate_from_depot(std::size_t size);
RILL_DECL void deallocate_to_depot(void* memory, std::size_t size) noexcept;

/// Memory for operations and coroutine frames: freed blocks stay with the thread that freed them and serve the next
/// request of their size. What one thread only frees, and another only asks for, goes through a depot, a shelf at a
/// time. So the steady state does not reach the global heap, unless a great many blocks are on their way between threads.
///
/// Data     @p size in bytes; deallocate() is given the size that allocate() was
/// Threads  any; a block may be freed by another thread than the one that asked for it
/// Throws   std::bad_alloc
RILL_INLINE void* allocate(std::size_t size) {
    if (size <= memory_cache::largest()) {
        auto& shelf = this_thread_memory.shelves[memory_cache::index(size)];
        if (auto* block = shelf.first) [[likely]] {
            shelf.first = block->next;
            ++shelf.room;
            return block;
        }
    }
    return allocate_from_depot(size);
}

RILL_INLINE void deallocate(void* memory, std::size_t size) noexcept {
    if (size <= memory_cache::largest()) {
        auto& shelf = this_thread_memory.shelves[memory_cache::index(size)];
        if (shelf.room != 0) [[likely]] {
            --shelf.room;
            shelf.first = ::new (memory) memory_cache::block{shelf.first, nullptr};
            return;
        }
    }
    deallocate_to_depot(memory, size);
}

}  // namespace rill::engine

#include RILL_BODY(memory.ipp)
