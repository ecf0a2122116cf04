// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <utility>

namespace rill::engine::system {

/// Buffers that the kernel takes one of when there is something to receive: a queue that a process fills and the kernel
/// empties. The kernel says which one it took by its number.
///
/// Threads  one at a time
/// Source   io_uring_register(2), IORING_REGISTER_PBUF_RING, Linux 5.19; struct io_uring_buf_ring
class buffer_ring {
public:
    buffer_ring() noexcept = default;
    buffer_ring(const buffer_ring&) = delete;
    buffer_ring& operator=(const buffer_ring&) = delete;
    ~buffer_ring() { close(); }

    /// For @p entries buffers, a power of two up to 32768. The kernel does not know of it yet.
    error_code open(unsigned entries) noexcept {
        // A new process must not have it: the kernel reads the old one's.
        void* memory =
            ::mmap(nullptr, entries * sizeof(entry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return last_error();
        entries_ = static_cast<entry*>(memory);
        size_ = entries;
        tail_ = 0;
        if (::madvise(memory, entries * sizeof(entry), MADV_DONTFORK) == 0)
            return error_code();
        const error_code ec = last_error();
        close();
        return ec;
    }
    void close() noexcept {
        if (entries_)
            ::munmap(std::exchange(entries_, nullptr), size_ * sizeof(entry));
    }
    bool is_open() const noexcept { return entries_ != nullptr; }

    void* address() const noexcept { return entries_; }
    unsigned size() const noexcept { return size_; }

    /// There are never more than size() that the kernel has not taken.
    void add(void* memory, std::size_t bytes, std::size_t number) noexcept {
        entry& e = entries_[tail_ & (size_ - 1)];
        e.address = reinterpret_cast<std::uintptr_t>(memory);
        e.length = static_cast<std::uint32_t>(bytes);
        e.number = static_cast<std::uint16_t>(number);
        std::atomic_ref(entries_->tail).store(++tail_, std::memory_order_release);
    }

private:
    struct entry {
        std::uint64_t address;
        std::uint32_t length;
        std::uint16_t number;
        std::uint16_t tail;  // of the whole, in the first
    };

    entry* entries_ = nullptr;
    unsigned size_ = 0;
    std::uint16_t tail_ = 0;
};

}  // namespace rill::engine::system
