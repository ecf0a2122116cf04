// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory_source.hpp>
#include <rill/engine/driver/driver.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

namespace rill::engine {

/// A driver's registrations. They are reused, and freed with the pool only: a pointer to one that the system still has
/// when its handle has gone does no harm.
///
/// Each chunk of them derives from @p Extra<how many>, for what they share.
///
/// Threads  any
template <class Entry, template <std::size_t> class Extra>
class registration_pool {
public:
    static constexpr std::size_t chunk_size = 32;

    struct chunk : in_source_memory, Extra<chunk_size> {
        Entry entries[chunk_size];
        chunk* next = nullptr;
    };

    explicit registration_pool(memory_source* memory) noexcept : memory_(memory) {}
    registration_pool(const registration_pool&) = delete;
    registration_pool& operator=(const registration_pool&) = delete;
    ~registration_pool() {
        while (chunk* c = chunks_.load(std::memory_order_relaxed)) {
            chunks_.store(c->next, std::memory_order_relaxed);
            delete c;
        }
    }

    /// One to use; null: out of memory. prepare(chunk, memory) is called with each new chunk, and may throw.
    template <class Prepare>
    Entry* take(Prepare prepare) noexcept {
        scoped_lock lock(mutex_);
        if (!free_ && !add_chunk(prepare))
            return nullptr;
        Entry* r = free_;
        free_ = static_cast<Entry*>(r->next);
        return r;
    }

    void put_back(Entry& r) noexcept {
        scoped_lock lock(mutex_);
        r.next = free_;
        free_ = &r;
    }

    /// Makes so many in advance.
    /// Throws  std::bad_alloc
    template <class Prepare>
    void reserve(std::size_t registrations, Prepare prepare) {
        scoped_lock lock(mutex_);
        for (std::size_t made = 0; made < registrations; made += chunk_size)
            if (!add_chunk(prepare))
                throw std::bad_alloc();
    }

    /// Calls f(entry) for each, in use or not. Not for those that another thread is the first to take meanwhile.
    template <class Function>
    void for_each(Function f) noexcept {
        for (chunk* c = chunks_.load(std::memory_order_acquire); c; c = c->next)
            for (Entry& r : c->entries)
                f(r);
    }

private:
    template <class Prepare>
    bool add_chunk(Prepare prepare) noexcept {
        std::unique_ptr<chunk> c;
        try {
            c.reset(new (memory_) chunk);
            prepare(*c, memory_);
        } catch (...) {
            return false;  // whatever the user's allocator throws
        }
        for (Entry& r : c->entries) {
            r.next = free_;
            free_ = &r;
        }
        c->next = chunks_.load(std::memory_order_relaxed);
        chunks_.store(c.release(), std::memory_order_release);
        return true;
    }

    memory_source* const memory_;
    mutex mutex_;
    std::atomic<chunk*> chunks_{nullptr};  // written with mutex_
    Entry* free_ = nullptr;                // mutex_; linked by `next`
};

}  // namespace rill::engine
