// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/platform.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace rill::engine {

/// Where a context's long-lived memory comes from: the allocator that the user gave to it, whatever its type. It lies in
/// memory of that allocator itself, and lives until its context and the last block are gone: the loop may outlive the
/// context.
///
/// Threads  any; the allocator is called by one at a time
class memory_source {
public:
    /// Memory in pieces of this.
    struct alignas(std::max_align_t) unit {
        unsigned char bytes[sizeof(std::max_align_t)];
    };

    /// One holder: the caller.
    /// Throws  what the allocator throws
    template <class Allocator>
    static memory_source* make(const Allocator& allocator);

    memory_source(const memory_source&) = delete;
    memory_source& operator=(const memory_source&) = delete;

    void release() noexcept {
        mutex_.lock();
        const bool last = --holders_ == 0;
        mutex_.unlock();
        if (last)
            destroy();
    }

    /// A block is one more holder.
    unit* allocate(std::size_t units) {
        scoped_lock lock(mutex_);
        unit* p = get(units);
        ++holders_;
        return p;
    }
    void deallocate(unit* p, std::size_t units) noexcept {
        {
            scoped_lock lock(mutex_);
            put(p, units);
        }
        release();
    }

protected:
    memory_source() noexcept = default;
    ~memory_source() = default;

private:
    virtual unit* get(std::size_t units) = 0;
    virtual void put(unit* p, std::size_t units) noexcept = 0;
    virtual void destroy() noexcept = 0;

    mutex mutex_;
    std::size_t holders_ = 1;  // mutex_
};

/// Memory from @p source, or from the global heap if there is none.
/// Throws  std::bad_alloc, or what the user's allocator throws
inline void* allocate_from(memory_source* source, std::size_t size, std::size_t alignment);

/// Gives back what allocate_from() gave, to where it is from.
inline void deallocate_from_source(void* memory) noexcept;

/// A base of what lies in the memory of a context: `new (source) derived(...)`, and a plain `delete`. Plainly made it
/// lies in the global heap.
struct in_source_memory {
    static void* operator new(std::size_t size) { return allocate_from(nullptr, size, alignof(std::max_align_t)); }
    static void* operator new(std::size_t size, std::align_val_t a) {
        return allocate_from(nullptr, size, static_cast<std::size_t>(a));
    }
    static void* operator new(std::size_t size, memory_source* source) {
        return allocate_from(source, size, alignof(std::max_align_t));
    }
    static void* operator new(std::size_t size, std::align_val_t a, memory_source* source) {
        return allocate_from(source, size, static_cast<std::size_t>(a));
    }
    static void operator delete(void* p) noexcept { deallocate_from_source(p); }
    static void operator delete(void* p, std::align_val_t) noexcept { deallocate_from_source(p); }
    static void operator delete(void* p, memory_source*) noexcept { deallocate_from_source(p); }
    static void operator delete(void* p, std::align_val_t, memory_source*) noexcept { deallocate_from_source(p); }
};

/// The same for containers.
template <class T>
class source_allocator {
public:
    using value_type = T;

    explicit source_allocator(memory_source* source) noexcept : source_(source) {}
    template <class U>
    source_allocator(const source_allocator<U>& other) noexcept : source_(other.source()) {}

    T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / 2 / sizeof(T))
            throw std::bad_array_new_length();
        return static_cast<T*>(allocate_from(source_, n * sizeof(T), alignof(T)));
    }
    void deallocate(T* p, std::size_t) noexcept { deallocate_from_source(p); }

    memory_source* source() const noexcept { return source_; }

    template <class U>
    friend bool operator==(const source_allocator& a, const source_allocator<U>& b) noexcept {
        return a.source() == b.source();
    }

private:
    memory_source* source_;
};

// Implementation

/// Lies before each block, which itself knows nothing of its source.
struct source_block {
    memory_source* source;
    memory_source::unit* first;
    std::size_t units;
};

inline void* allocate_from(memory_source* source, std::size_t size, std::size_t alignment) {
    constexpr std::size_t unit = sizeof(memory_source::unit);
    const std::size_t slack = alignment > alignof(memory_source::unit) ? alignment : 0;
    const std::size_t units = (sizeof(source_block) + slack + unit - 1) / unit + (size + unit - 1) / unit;
    auto* first = source ? source->allocate(units) : static_cast<memory_source::unit*>(::operator new(units* unit));
    auto end = reinterpret_cast<std::uintptr_t>(first) + units * unit;
    auto at = (end - (size + unit - 1) / unit * unit) & ~(std::uintptr_t{alignment} - 1);
    void* memory = reinterpret_cast<unsigned char*>(first) + (at - reinterpret_cast<std::uintptr_t>(first));
    ::new (static_cast<source_block*>(memory) - 1) source_block{source, first, units};
    return memory;
}

inline void deallocate_from_source(void* memory) noexcept {
    if (!memory)
        return;
    const source_block block = *(static_cast<source_block*>(memory) - 1);
    if (block.source)
        block.source->deallocate(block.first, block.units);
    else
        ::operator delete(block.first);
}

/// The source on one type of allocator.
template <class Allocator>
class allocator_source final : public memory_source {
    using own_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<allocator_source>;

public:
    static memory_source* make(const Allocator& allocator) {
        own_allocator own(allocator);
        auto* p = std::allocator_traits<own_allocator>::allocate(own, 1);
        return ::new (static_cast<void*>(std::to_address(p))) allocator_source(allocator, p);
    }

private:
    using unit_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<unit>;
    using unit_traits = std::allocator_traits<unit_allocator>;
    using own_pointer = typename std::allocator_traits<own_allocator>::pointer;

    allocator_source(const Allocator& allocator, own_pointer self) noexcept : allocator_(allocator), self_(self) {}
    ~allocator_source() = default;

    unit* get(std::size_t units) override { return std::to_address(unit_traits::allocate(allocator_, units)); }
    void put(unit* p, std::size_t units) noexcept override {
        using pointer = typename unit_traits::pointer;
        unit_traits::deallocate(allocator_, std::pointer_traits<pointer>::pointer_to(*p), units);
    }
    void destroy() noexcept override {
        own_allocator own(allocator_);
        own_pointer self = self_;
        this->~allocator_source();
        std::allocator_traits<own_allocator>::deallocate(own, self, 1);
    }

    unit_allocator allocator_;
    own_pointer self_;
};

template <class Allocator>
memory_source* memory_source::make(const Allocator& allocator) {
    return allocator_source<Allocator>::make(allocator);
}

}  // namespace rill::engine
