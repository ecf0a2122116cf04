// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/core/spin_lock.hpp>

#include RILL_SYSTEM(native.hpp)

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rill::engine {

/// Memory that the user has registered with a context: pieces, each in a slot. A driver that can tell the system of them
/// does so when one is used; others need not care.
///
/// Threads  any
class registered_memory {
public:
    static constexpr std::size_t most = 1024;
    static constexpr int no_slot = -1;

    struct piece {
        const void* begin = nullptr;  // null: the slot is free
        std::size_t size = 0;
        std::uint32_t version = 0;  // which of those that the slot has had; the first has 1
    };

    registered_memory() noexcept = default;
    registered_memory(const registered_memory&) = delete;
    registered_memory& operator=(const registered_memory&) = delete;

    /// The first of @p count slots side by side; no_slot: there are not so many.
    int take_slots(std::size_t count) noexcept {
        spin_guard lock(lock_);
        std::size_t free = 0;
        for (std::size_t i = 0; count != 0 && i != most; ++i) {
            free = taken_[i] ? 0 : free + 1;
            if (free != count)
                continue;
            const std::size_t first = i + 1 - count;
            for (std::size_t slot = first; slot <= i; ++slot)
                taken_[slot] = true;
            return static_cast<int>(first);
        }
        return no_slot;
    }
    void set(int slot, const void* begin, std::size_t size) noexcept {
        spin_guard lock(lock_);
        piece& p = pieces_[slot];
        p.begin = begin;
        p.size = size;
        ++p.version;
    }
    void give_back_slots(int first, std::size_t count) noexcept {
        spin_guard lock(lock_);
        for (std::size_t slot = static_cast<std::size_t>(first); slot != static_cast<std::size_t>(first) + count;
             ++slot) {
            pieces_[slot].begin = nullptr;
            taken_[slot] = false;
        }
        has_gone_.store(true, std::memory_order_release);
    }

    piece at(std::size_t slot) noexcept {
        spin_guard lock(lock_);
        return slot < most ? pieces_[slot] : piece();
    }

    /// Whether a piece has gone since this was asked last.
    bool has_gone() noexcept {
        return has_gone_.load(std::memory_order_relaxed) && has_gone_.exchange(false, std::memory_order_acquire);
    }

private:
    spin_lock lock_;
    piece pieces_[most];     // lock_
    bool taken_[most] = {};  // lock_
    std::atomic<bool> has_gone_{false};
};

}  // namespace rill::engine
