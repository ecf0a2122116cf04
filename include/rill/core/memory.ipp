// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>

namespace rill::engine {

enum class memory_phase : unsigned char { untouched, kept, thread_has_ended };

inline constinit thread_local memory_phase this_thread_memory_phase = memory_phase::untouched;

/// Empties the thread's shelves when the thread ends; what is freed later goes to the heap.
struct memory_cache_end {
    ~memory_cache_end() {
        this_thread_memory_phase = memory_phase::thread_has_ended;
        for (auto& shelf : this_thread_memory.shelves) {
            shelf.room = 0;
            while (auto* block = shelf.first) {
                shelf.first = block->next;
                ::operator delete(block);
            }
        }
    }
    void touch() const noexcept {}
};

// Whole multiples of the granularity, so that a block serves every size of its shelf.
RILL_DECL void* allocate_anew(std::size_t size) {
    const std::size_t index = memory_cache::index(size);
    return ::operator new(index < memory_cache::shelf_count ? (index + 1) * memory_cache::granularity : size);
}

RILL_DECL void deallocate_without_room(void* memory, std::size_t size) noexcept {
    const std::size_t index = memory_cache::index(size);
    if (RILL_RECYCLES_MEMORY && this_thread_memory_phase == memory_phase::untouched) {
        static thread_local memory_cache_end at_thread_end;
        at_thread_end.touch();
        this_thread_memory_phase = memory_phase::kept;
        for (std::size_t i = 0; i != memory_cache::shelf_count; ++i)
            this_thread_memory.shelves[i].room = memory_cache::shelf_bytes / ((i + 1) * memory_cache::granularity);
        if (index < memory_cache::shelf_count)
            return deallocate(memory, size);
    }
    ::operator delete(memory);
}

}  // namespace rill::engine
