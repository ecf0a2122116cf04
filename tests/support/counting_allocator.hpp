// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <new>

/// What a counting_allocator has given out, and takes notice of.
struct allocation_counts {
    std::size_t blocks = 0;                           // given out and not back yet
    std::size_t bytes = 0;                            // of them
    std::size_t all_blocks = 0;                       // ever given out
    std::size_t most = static_cast<std::size_t>(-1);  // so many are given out, then it throws
};

template <class T>
class counting_allocator {
public:
    using value_type = T;

    explicit counting_allocator(allocation_counts& c) : counts_(&c) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) : counts_(other.counts()) {}

    T* allocate(std::size_t n) {
        if (counts_->all_blocks == counts_->most)
            throw std::bad_alloc();
        ++counts_->all_blocks;
        ++counts_->blocks;
        counts_->bytes += n * sizeof(T);
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        --counts_->blocks;
        counts_->bytes -= n * sizeof(T);
        std::allocator<T>().deallocate(p, n);
    }

    allocation_counts* counts() const { return counts_; }

    template <class U>
    friend bool operator==(const counting_allocator& a, const counting_allocator<U>& b) {
        return a.counts() == b.counts();
    }

private:
    allocation_counts* counts_;
};
