// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include <rill/engine/system/gnu_linux/ring_constants.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <linux/time_types.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace rill::engine::system {

/// The two queues that a process shares with the kernel: entries say what is asked, completions what has come of it.
/// Over the system calls themselves.
///
/// Threads  entries and completions: one at a time each; enter() any
/// Source   io_uring(7), io_uring_setup(2), io_uring_enter(2), io_uring_register(2)
class ring {
public:
    using entry = ::io_uring_sqe;
    using completion = ::io_uring_cqe;

    ring() noexcept = default;
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring() { close(); }

    /// Linux 5.11 is the oldest that has all of it: elsewhere operation_not_supported. @p flags are of io_uring_setup().
    error_code open(unsigned entries, unsigned completions, std::uint32_t flags, unsigned thread_idle_ms = 0) noexcept;
    void close() noexcept;
    /// In a new process: what the old one has is not here, but for the handle.
    void close_inherited() noexcept {
        queues_ = nullptr;
        entries_ = nullptr;
        remembered_ = -1;
        close();
    }
    void swap(ring& other) noexcept {
        std::swap(handle_, other.handle_);
        std::swap(remembered_, other.remembered_);
        std::swap(tail_, other.tail_);
        std::swap(head_seen_, other.head_seen_);
        std::swap(seen_, other.seen_);
        std::swap(queues_, other.queues_);
        std::swap(entries_, other.entries_);
        std::swap(completions_, other.completions_);
        std::swap(parameters_, other.parameters_);
    }
    bool is_open() const noexcept { return handle_ != no_handle; }
    std::uint32_t features() const noexcept { return parameters_.features; }

    // -- entries

    unsigned size() const noexcept { return parameters_.sq_entries; }

    /// The next free one, to be filled and published; null: there is none until some are submitted.
    RILL_INLINE entry* next_entry() noexcept {
        if (tail_ - head_seen_ == size()) {
            if (!is_open())
                return nullptr;
            head_seen_ = load(at(parameters_.sq_off.head));
            if (tail_ - head_seen_ == size())
                return nullptr;
        }
        entry& e = entries_[tail_ & (size() - 1)];
        std::memset(static_cast<void*>(&e), 0, sizeof(e));
        return &e;
    }
    unsigned index_of(const entry& e) const noexcept { return static_cast<unsigned>(&e - entries_); }

    void publish() noexcept { store(at(parameters_.sq_off.tail), ++tail_); }

    /// How many have been published ever.
    unsigned published() const noexcept { return tail_; }

    /// Whether the kernel has taken the first @p count of them. (They have numbers, which go on and on.)
    bool has_taken(unsigned count) const noexcept {
        return static_cast<int>(load(at(parameters_.sq_off.head)) - count) >= 0;
    }

    /// How many are published, and not taken by the kernel.
    unsigned unsubmitted() const noexcept { return is_open() ? tail_ - load(at(parameters_.sq_off.head)) : 0; }

    /// The one of these that carries @p user_data; null: there is none.
    entry* find_unsubmitted(std::uint64_t user_data) noexcept {
        for (unsigned left = unsubmitted(); left != 0; --left) {
            entry& e = entries_[(tail_ - left) & (size() - 1)];
            if (e.user_data == user_data)
                return &e;
        }
        return nullptr;
    }

    // -- completions

    // Their places have numbers, which go on and on: from seen() on, before completed(), there are some to deal with. The
    // ring is open.
    unsigned seen() const noexcept { return seen_; }
    unsigned completed() const noexcept { return load(at(parameters_.cq_off.tail)); }
    const completion& completion_at(unsigned number) const noexcept {
        return completions_[number & (parameters_.cq_entries - 1)];
    }
    void pop_all_before(unsigned number) noexcept { store(at(parameters_.cq_off.head), seen_ = number); }

    /// Whether the kernel has more, and needs a call to hand it over.
    bool holds_back() const noexcept {
        return (load(at(parameters_.sq_off.flags)) & (ring_constant::queue_overflow | ring_constant::queue_taskrun)) !=
               0;
    }

    // -- the kernel

    /// No limit to a wait.
    static constexpr std::chrono::nanoseconds for_ever = std::chrono::nanoseconds::max();

    /// Submits @p count entries, runs what is left to do, and waits for @p least completions, or for @p timeout. How many
    /// were submitted, or the negated error number.
    int enter(unsigned count, unsigned least, std::chrono::nanoseconds timeout = for_ever) noexcept;

    /// Calls of this thread become a little cheaper, until it forgets the handle, as it must before the ring is closed.
    void remember_handle() noexcept;
    void forget_handle() noexcept;

    /// Receives of this ring that name @p group take from the buffer_ring at @p address. Linux 5.19.
    error_code register_buffers(std::uint16_t group, void* address, unsigned entries) noexcept;
    void unregister_buffers(std::uint16_t group) noexcept;

    /// Room for memory that is registered: slots, which are empty at first. Linux 5.19.
    error_code register_memory_slots(unsigned count) noexcept;
    /// Null: the slot is empty.
    error_code set_memory(unsigned slot, const void* begin, std::size_t size) noexcept;

    /// Which operations the kernel knows, by their numbers below 256; false: it does not say.
    bool knows(std::uint8_t operation) const noexcept;

private:
    static unsigned load(unsigned& word) noexcept { return std::atomic_ref(word).load(std::memory_order_acquire); }
    static void store(unsigned& word, unsigned value) noexcept {
        std::atomic_ref(word).store(value, std::memory_order_release);
    }
    unsigned& at(std::uint32_t offset) const noexcept { return *reinterpret_cast<unsigned*>(queues_ + offset); }

    long call_register(unsigned what, void* argument, unsigned count) const noexcept {
        return ::syscall(__NR_io_uring_register, handle_, what, argument, count);
    }
    error_code map() noexcept;

    std::size_t queues_size() const noexcept;
    std::size_t entries_size() const noexcept { return parameters_.sq_entries * sizeof(entry); }

    native_handle handle_ = no_handle;
    int remembered_ = -1;  // the number that this thread's table has for it
    unsigned tail_ = 0;
    unsigned head_seen_ = 0;
    unsigned seen_ = 0;
    char* queues_ = nullptr;
    entry* entries_ = nullptr;
    completion* completions_ = nullptr;
    ::io_uring_params parameters_{};
};

// Implementation

inline std::size_t ring::queues_size() const noexcept {
    const std::size_t entries = parameters_.sq_off.array + parameters_.sq_entries * sizeof(unsigned);
    const std::size_t completions = parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(completion);
    return entries > completions ? entries : completions;
}

inline error_code ring::open(unsigned entries, unsigned completions, std::uint32_t flags,
                             unsigned thread_idle_ms) noexcept {
    RILL_ASSERT(!is_open());
    parameters_ = {};
    parameters_.flags = flags | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
    parameters_.cq_entries = completions;
    parameters_.sq_thread_idle = thread_idle_ms;
    const long made = ::syscall(__NR_io_uring_setup, entries, &parameters_);
    if (made < 0)
        return last_error();
    handle_ = static_cast<native_handle>(made);
    constexpr std::uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                                     IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
    error_code ec = error::operation_not_supported;
    if ((features() & needed) == needed)
        ec = map();
    if (ec)
        close();
    return ec;
}

// A new process must not share them: its first write would confuse the old one's.
inline error_code ring::map() noexcept {
    void* queues =
        ::mmap(nullptr, queues_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, handle_, IORING_OFF_SQ_RING);
    if (queues == MAP_FAILED)
        return last_error();
    queues_ = static_cast<char*>(queues);
    void* entries =
        ::mmap(nullptr, entries_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, handle_, IORING_OFF_SQES);
    if (entries == MAP_FAILED)
        return last_error();
    entries_ = static_cast<entry*>(entries);
    completions_ = reinterpret_cast<completion*>(queues_ + parameters_.cq_off.cqes);
    if (::madvise(queues_, queues_size(), MADV_DONTFORK) != 0 ||
        ::madvise(entries_, entries_size(), MADV_DONTFORK) != 0)
        return last_error();
    for (unsigned i = 0; i != size(); ++i)
        reinterpret_cast<unsigned*>(queues_ + parameters_.sq_off.array)[i] = i;
    return error_code();
}

inline void ring::close() noexcept {
    if (!is_open())
        return;
    forget_handle();
    if (entries_)
        ::munmap(std::exchange(entries_, nullptr), entries_size());
    if (queues_)
        ::munmap(std::exchange(queues_, nullptr), queues_size());
    system::close(std::exchange(handle_, no_handle));
    parameters_ = {};
    tail_ = head_seen_ = seen_ = 0;
}

inline int ring::enter(unsigned count, unsigned least, std::chrono::nanoseconds timeout) noexcept {
    ::__kernel_timespec limit{};
    ::io_uring_getevents_arg argument{};
    if (timeout != for_ever) {
        limit.tv_sec = timeout.count() / 1'000'000'000;
        limit.tv_nsec = timeout.count() % 1'000'000'000;
        argument.ts = reinterpret_cast<std::uintptr_t>(&limit);
    }
    std::uint32_t flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if ((parameters_.flags & IORING_SETUP_SQPOLL) != 0) {
        // TRICKY: a full barrier. The kernel's thread says that it sleeps and then looks at the tail once more; here the
        // tail is written first, and then it is asked whether it sleeps.
        std::atomic_ref(at(parameters_.sq_off.tail)).fetch_add(0, std::memory_order_seq_cst);
        if ((load(at(parameters_.sq_off.flags)) & IORING_SQ_NEED_WAKEUP) != 0)
            flags |= IORING_ENTER_SQ_WAKEUP;
    }
    if (remembered_ >= 0)
        flags |= ring_constant::enter_registered_ring;
    const long n = ::syscall(__NR_io_uring_enter, remembered_ >= 0 ? remembered_ : handle_, count, least, flags,
                             &argument, sizeof(argument));
    return n < 0 ? -errno : static_cast<int>(n);
}

inline void ring::remember_handle() noexcept {
    ::io_uring_rsrc_update one{};
    one.offset = ~0u;  // any free place
    one.data = static_cast<std::uint64_t>(handle_);
    if (call_register(ring_constant::register_ring_handles, &one, 1) == 1)
        remembered_ = static_cast<int>(one.offset);
}

inline void ring::forget_handle() noexcept {
    if (remembered_ < 0)
        return;
    ::io_uring_rsrc_update one{};
    one.offset = static_cast<std::uint32_t>(std::exchange(remembered_, -1));
    call_register(ring_constant::unregister_ring_handles, &one, 1);
}

/// What IORING_REGISTER_PBUF_RING takes.
struct buffer_ring_registration {
    std::uint64_t address;
    std::uint32_t entries;
    std::uint16_t group;
    std::uint16_t flags;
    std::uint64_t reserved[3];
};

inline error_code ring::register_buffers(std::uint16_t group, void* address, unsigned entries) noexcept {
    buffer_ring_registration r{};
    r.address = reinterpret_cast<std::uintptr_t>(address);
    r.entries = entries;
    r.group = group;
    return call_register(ring_constant::register_buffer_ring, &r, 1) < 0 ? last_error() : error_code();
}

inline void ring::unregister_buffers(std::uint16_t group) noexcept {
    buffer_ring_registration r{};
    r.group = group;
    call_register(ring_constant::unregister_buffer_ring, &r, 1);
}

/// What IORING_REGISTER_BUFFERS2 takes.
struct memory_registration {
    std::uint32_t count;
    std::uint32_t flags;
    std::uint64_t reserved;
    std::uint64_t data;
    std::uint64_t tags;
};

/// What IORING_REGISTER_BUFFERS_UPDATE takes.
struct memory_update {
    std::uint32_t offset;
    std::uint32_t reserved;
    std::uint64_t data;
    std::uint64_t tags;
    std::uint32_t count;
    std::uint32_t reserved2;
};

inline error_code ring::register_memory_slots(unsigned count) noexcept {
    memory_registration r{};
    r.count = count;
    r.flags = ring_constant::register_sparse;
    return call_register(ring_constant::register_memory, &r, sizeof(r)) < 0 ? last_error() : error_code();
}

inline error_code ring::set_memory(unsigned slot, const void* begin, std::size_t size) noexcept {
    ::iovec piece{const_cast<void*>(begin), size};
    memory_update u{};
    u.offset = slot;
    u.data = reinterpret_cast<std::uintptr_t>(&piece);
    u.count = 1;
    return call_register(ring_constant::update_memory, &u, sizeof(u)) < 0 ? last_error() : error_code();
}

inline bool ring::knows(std::uint8_t operation) const noexcept {
    alignas(::io_uring_probe) char memory[sizeof(::io_uring_probe) + 256 * sizeof(::io_uring_probe_op)] = {};
    auto* probe = reinterpret_cast<::io_uring_probe*>(memory);
    return call_register(IORING_REGISTER_PROBE, probe, 256) == 0 && operation <= probe->last_op &&
           (probe->ops[operation].flags & IO_URING_OP_SUPPORTED) != 0;
}

}  // namespace rill::engine::system
