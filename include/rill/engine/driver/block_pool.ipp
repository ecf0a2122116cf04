// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/block_pool.hpp>

#include <new>

namespace rill::engine {

RILL_DECL block_pool* block_pool::make(memory_source* memory, std::size_t block_size, std::size_t count,
                                       block_user& owner) noexcept {
    constexpr std::size_t cache_line = 64;
    block_pool* p = nullptr;
    try {
        p = new (memory) block_pool(block_size, count, owner);
        p->blocks_memory_.reset(
            static_cast<char*>(allocate_from(memory, count * sizeof(block), alignof(std::max_align_t))));
        p->memory_.reset(static_cast<char*>(allocate_from(memory, count * block_size, cache_line)));
    } catch (...) {  // whatever the user's allocator throws
        delete p;
        return nullptr;
    }
    p->blocks_ = reinterpret_cast<block*>(p->blocks_memory_.get());
    for (std::size_t i = count; i-- != 0;) {
        block& b = *::new (p->blocks_ + i) block;
        b.pool = p;
        b.memory = p->memory_.get() + i * block_size;
        p->keep(b);
    }
    p->free_count_ = count;
    return p;
}

// With lock_ held.
RILL_DECL void block_pool::keep(block& b) noexcept {
    b.is_free = true;
    if (store_) {
        store_->add(static_cast<std::size_t>(&b - blocks_), b);
    } else {
        b.next = free_;
        free_ = &b;
    }
}

RILL_DECL block* block_pool::take(receive_block_request& q) noexcept {
    spin_guard lock(lock_);
    RILL_ASSERT(!store_);
    block* b = free_;
    if (!b) {
        link(q);
        return nullptr;
    }
    unlink(q);
    free_ = b->next;
    b->is_free = false;
    --free_count_;
    ++holders_;
    return b;
}

RILL_DECL bool block_pool::is_short() noexcept {
    spin_guard lock(lock_);
    return 2 * free_count_ < count_;
}

RILL_DECL block& block_pool::taken(std::size_t index) noexcept {
    RILL_ASSERT(index < count_);
    spin_guard lock(lock_);
    block& b = blocks_[index];
    RILL_ASSERT(b.is_free);
    b.is_free = false;
    --free_count_;
    ++holders_;
    return b;
}

RILL_DECL void block_pool::put_again(std::size_t index) noexcept {
    spin_guard lock(lock_);
    RILL_ASSERT(blocks_[index].is_free);
    store_->add(index, blocks_[index]);
}

RILL_DECL void block_pool::give_back(block& b) noexcept {
    lock_.lock();
    RILL_ASSERT(!b.is_free);
    keep(b);
    ++free_count_;
    // With the lock: the driver lives as long as it is named here.
    if (first_ && !told_ && owner_) {
        told_ = true;
        owner_->wake();
    }
    release();
}

// With lock_ held, and not afterwards.
RILL_DECL void block_pool::release() noexcept {
    const bool last = --holders_ == 0;
    lock_.unlock();
    if (last)
        delete this;
}

RILL_DECL bool block_pool::let_starve(receive_block_request& q) noexcept {
    spin_guard lock(lock_);
    if (free_count_ != 0)
        return false;
    link(q);
    return true;
}

RILL_DECL void block_pool::stop_starving(receive_block_request& q) noexcept {
    spin_guard lock(lock_);
    unlink(q);
}

// With lock_ held.
RILL_DECL void block_pool::link(receive_block_request& q) noexcept {
    if (q.before)
        return;
    q.behind = nullptr;
    q.before = end_;
    *end_ = &q;
    end_ = &q.behind;
    anyone_starves_.store(true, std::memory_order_relaxed);
}

// With lock_ held.
RILL_DECL void block_pool::unlink(receive_block_request& q) noexcept {
    if (!q.before)
        return;
    *q.before = q.behind;
    (q.behind ? q.behind->before : end_) = q.before;
    q.before = nullptr;
    q.received = nullptr;
    if (first_)
        return;
    anyone_starves_.store(false, std::memory_order_relaxed);
    told_ = false;  // it will not ask for anybody
}

RILL_DECL registration* block_pool::next_to_feed() noexcept {
    spin_guard lock(lock_);
    told_ = false;
    if (!first_ || free_count_ == 0)
        return nullptr;
    receive_block_request& q = *first_;
    unlink(q);
    return q.handle;
}

RILL_DECL std::size_t block_pool::to_feed() noexcept {
    spin_guard lock(lock_);
    return first_ ? free_count_ : 0;
}

RILL_DECL void block_pool::keep_in(block_store* s) noexcept {
    spin_guard lock(lock_);
    store_ = s;
    free_ = nullptr;
    for (std::size_t i = count_; i-- != 0;)
        if (blocks_[i].is_free)
            keep(blocks_[i]);
}

RILL_DECL void block_pool::let_go() noexcept {
    lock_.lock();
    owner_ = nullptr;
    store_ = nullptr;
    release();
}

RILL_DECL block* make_lone_block(std::size_t size) noexcept {
    void* memory = ::operator new(sizeof(block) + size, std::nothrow);
    if (!memory)
        return nullptr;
    auto* b = ::new (memory) block;
    b->memory = reinterpret_cast<char*>(b + 1);
    b->is_free = false;
    return b;
}

RILL_DECL void free_block(block& b) noexcept {
    if (b.pool)
        b.pool->give_back(b);
    else
        ::operator delete(&b);
}

RILL_DECL block_pool* block_supply::make() noexcept {
    spin_guard lock(lock_);
    block_pool* p = made();
    if (!p) {
        p = block_pool::make(memory_, size_, count_, owner_);
        pool_.store(p, std::memory_order_release);
    }
    return p;
}

}  // namespace rill::engine
