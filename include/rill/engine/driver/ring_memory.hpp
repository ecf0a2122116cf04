// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/engine/driver/registered_memory.hpp>
#include <rill/engine/system/gnu_linux/ring.hpp>

#include <memory>
#include <new>

namespace rill::engine {

/// Registered memory that a ring knows: each piece from its first use on, until it has gone.
class ring_memory {
public:
    /// Whether the kernel knows @p size bytes at @p begin as part of the slot.
    RILL_COLD bool serve(system::ring& in, const std::shared_ptr<registered_memory>& memory, int slot,
                         const void* begin, std::size_t size) noexcept;

    /// Lets the kernel forget what has gone.
    void clean(system::ring& in) noexcept {
        if (memory_ && memory_->has_gone()) [[unlikely]]
            forget_gone(in);
    }

    /// The ring is closed, or another process's.
    void forget() noexcept {
        memory_.reset();
        versions_.reset();
        is_refused_ = false;
    }

private:
    RILL_COLD bool open(system::ring& in) noexcept;
    RILL_COLD void forget_gone(system::ring& in) noexcept;

    std::shared_ptr<registered_memory> memory_;  // what the ring knows some of
    std::unique_ptr<std::uint32_t[]> versions_;  // of what it knows, by slot; 0: nothing
    bool is_refused_ = false;
};

// Implementation

inline bool ring_memory::open(system::ring& in) noexcept {
    versions_.reset(new (std::nothrow) std::uint32_t[registered_memory::most]());
    if (versions_ && !in.register_memory_slots(registered_memory::most))
        return true;
    versions_.reset();
    is_refused_ = true;
    return false;
}

inline bool ring_memory::serve(system::ring& in, const std::shared_ptr<registered_memory>& memory, int slot,
                               const void* begin, std::size_t size) noexcept {
    if (!memory || slot < 0 || is_refused_ || (!versions_ && !open(in)))
        return false;
    memory_ = memory;
    const auto index = static_cast<std::size_t>(slot);
    const registered_memory::piece p = memory->at(index);
    const char* const first = static_cast<const char*>(begin);
    const char* const piece_first = static_cast<const char*>(p.begin);
    if (!p.begin || first < piece_first || first + size > piece_first + p.size)
        return false;
    if (versions_[index] == p.version)
        return true;
    if (in.set_memory(static_cast<unsigned>(slot), p.begin, p.size))
        return false;  // a limit, or memory of a kind that cannot be registered
    versions_[index] = p.version;
    return true;
}

inline void ring_memory::forget_gone(system::ring& in) noexcept {
    for (std::size_t i = 0; i != registered_memory::most; ++i) {
        const registered_memory::piece p = memory_->at(i);
        if (versions_[i] == 0 || (p.begin && p.version == versions_[i]))
            continue;
        in.set_memory(static_cast<unsigned>(i), nullptr, 0);
        versions_[i] = 0;
    }
}

}  // namespace rill::engine
