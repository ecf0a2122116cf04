// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>

namespace rill::engine {

/// The blocks that one thread keeps. Trivially constructible, so that reaching it costs no initialisation check.
struct memory_cache {
    static constexpr std::size_t granularity = 64;
    static constexpr std::size_t classes = 32;  // blocks of up to 2 KiB are kept
    static constexpr unsigned char most_kept = 32;

    struct free_block {
        free_block* next;
    };

    enum class phase : unsigned char { untouched, in_use, thread_has_ended };

    free_block* free[classes];
    unsigned char kept[classes];
    phase state;
};

inline constinit thread_local memory_cache this_thread_memory{};

/// Empties the thread's cache when the thread ends; what is freed later goes to the heap.
struct memory_cache_end {
    ~memory_cache_end() {
        this_thread_memory.state = memory_cache::phase::thread_has_ended;
        for (auto*& first : this_thread_memory.free) {
            while (auto* block = first) {
                first = block->next;
                ::operator delete(block);
            }
        }
    }
    void touch() const noexcept {}
};

inline bool memory_cache_accepts_blocks() noexcept {
    if (this_thread_memory.state == memory_cache::phase::in_use) [[likely]]
        return true;
    if (this_thread_memory.state == memory_cache::phase::thread_has_ended)
        return false;
    static thread_local memory_cache_end at_thread_end;
    at_thread_end.touch();
    this_thread_memory.state = memory_cache::phase::in_use;
    return true;
}

RILL_DECL void* allocate(std::size_t size) {
    std::size_t index = (size - 1) / memory_cache::granularity;
    if (!RILL_RECYCLES_MEMORY || index >= memory_cache::classes)
        return ::operator new(size);
    auto& cache = this_thread_memory;
    if (auto* block = cache.free[index]) {
        cache.free[index] = block->next;
        --cache.kept[index];
        return block;
    }
    return ::operator new((index + 1) * memory_cache::granularity);
}

RILL_DECL void deallocate(void* block, std::size_t size) noexcept {
    std::size_t index = (size - 1) / memory_cache::granularity;
    auto& cache = this_thread_memory;
    if (!RILL_RECYCLES_MEMORY || index >= memory_cache::classes || cache.kept[index] == memory_cache::most_kept ||
        !memory_cache_accepts_blocks()) {
        ::operator delete(block);
        return;
    }
    cache.free[index] = ::new (block) memory_cache::free_block{cache.free[index]};
    ++cache.kept[index];
}

}  // namespace rill::engine
