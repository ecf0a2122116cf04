// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>

#include <atomic>
#include <utility>

namespace rill::engine {

/// Full shelves that their threads had no use for. Never destroyed: threads may end after the static objects.
struct memory_depot {
    static constexpr unsigned most_batches = 8;

    std::atomic<bool> locked;  // for a few instructions; nobody waits for it, as it may be held across a fork()
    std::atomic<memory_cache::block*> first;  // written with the lock
    unsigned count;

    bool try_lock() noexcept { return !locked.exchange(true, std::memory_order_acquire); }
    void unlock() noexcept { locked.store(false, std::memory_order_release); }

    /// False: it has enough, or is busy, and the batch is still the caller's.
    bool put(memory_cache::block* batch) noexcept {
        if (!try_lock())
            return false;
        const bool has_room = count != most_batches;
        if (has_room) {
            batch->next_batch = first.load(std::memory_order_relaxed);
            first.store(batch, std::memory_order_relaxed);
            ++count;
        }
        unlock();
        return has_room;
    }

    /// Null: it has none, or is busy.
    memory_cache::block* take() noexcept {
        if (!first.load(std::memory_order_relaxed) || !try_lock())
            return nullptr;
        memory_cache::block* batch = first.load(std::memory_order_relaxed);
        if (batch) {
            first.store(batch->next_batch, std::memory_order_relaxed);
            --count;
        }
        unlock();
        return batch;
    }
};

inline constinit memory_depot memory_depots[memory_cache::shelf_count]{};

enum class memory_phase : unsigned char { untouched, kept, thread_has_ended };

inline constinit thread_local memory_phase this_thread_memory_phase = memory_phase::untouched;

inline void free_blocks(memory_cache::block* first) noexcept {
    while (auto* block = first) {
        first = block->next;
        ::operator delete(block);
    }
}

/// Empties the thread's shelves when the thread ends; what is freed later goes to the heap.
struct memory_cache_end {
    ~memory_cache_end() {
        this_thread_memory_phase = memory_phase::thread_has_ended;
        for (auto& shelf : this_thread_memory.shelves) {
            shelf.room = 0;
            free_blocks(std::exchange(shelf.first, nullptr));
        }
    }
    void touch() const noexcept {}
};

/// Whether this thread keeps blocks: from its first call on, until it ends.
inline bool keeps_memory() noexcept {
    if (RILL_RECYCLES_MEMORY && this_thread_memory_phase == memory_phase::untouched) {
        static thread_local memory_cache_end at_thread_end;
        at_thread_end.touch();
        this_thread_memory_phase = memory_phase::kept;
        for (std::size_t i = 0; i != memory_cache::shelf_count; ++i)
            this_thread_memory.shelves[i].room = memory_cache::capacity(i);
    }
    return this_thread_memory_phase == memory_phase::kept;
}

// Blocks that are kept are as large as the largest size of their shelf. They rely on a heap that aligns what it gives for
// everything, whatever the size, as all those do that are in use.
RILL_DECL void* allocate_from_depot(std::size_t size) {
    if (!RILL_RECYCLES_MEMORY || size > memory_cache::largest())
        return ::operator new(size);
    const std::size_t index = memory_cache::index(size);
    if (keeps_memory()) {
        if (auto* batch = memory_depots[index].take()) {
            this_thread_memory.shelves[index] = {batch->next, 1};  // a full shelf, less one
            return batch;
        }
    }
    return ::operator new(memory_cache::block_size(index));
}

RILL_DECL void deallocate_to_depot(void* memory, std::size_t size) noexcept {
    if (size > memory_cache::largest() || !keeps_memory())
        return ::operator delete(memory);
    const std::size_t index = memory_cache::index(size);
    auto& shelf = this_thread_memory.shelves[index];
    if (shelf.room == 0) {
        if (!memory_depots[index].put(shelf.first))
            free_blocks(shelf.first);
        shelf = {nullptr, memory_cache::capacity(index)};
    }
    deallocate(memory, size);
}

}  // namespace rill::engine
