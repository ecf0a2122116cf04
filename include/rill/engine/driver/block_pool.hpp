// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory_source.hpp>
#include <rill/core/spin_lock.hpp>
#include <rill/engine/request/request.hpp>

#include <atomic>
#include <cstddef>
#include <memory>

namespace rill::engine {

class block_pool;

/// Whom a pool tells that a block came back.
class block_user {
public:
    /// Any thread, with the pool locked.
    virtual void wake() noexcept = 0;

protected:
    block_user() noexcept = default;
    ~block_user() = default;
};

/// A piece of a pool's memory, or one by itself.
struct block {
    block_pool* pool = nullptr;  // null: it is by itself
    char* memory = nullptr;
    std::size_t size = 0;   // how many bytes were received there
    block* next = nullptr;  // of those that are free, while they are in no store; and whoever has it may use it
    bool is_free = true;
};

/// Where the system itself takes free blocks from.
class block_store {
public:
    /// Adds block number @p index of the pool. The pool is locked.
    virtual void add(std::size_t index, const block& b) noexcept = 0;

protected:
    block_store() noexcept = default;
    ~block_store() = default;
};

/// Blocks that a driver receives into, all of one size: so that what waits has none, and only what was received and is
/// not dealt with yet keeps one.
///
/// A request for which there is no free block waits here. When a block comes back the driver is woken, and asks
/// next_to_feed() in its wait().
///
/// It lives until the driver and the last block in use have let go of it.
///
/// Threads  give_back() any, also after the driver has gone; the others as the driver. Its lock is the innermost.
class block_pool : public in_source_memory {
public:
    /// Null: out of memory.
    RILL_COLD RILL_DECL static block_pool* make(memory_source* memory, std::size_t block_size, std::size_t count,
                                                block_user& owner) noexcept;

    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;

    std::size_t block_size() const noexcept { return block_size_; }
    std::size_t count() const noexcept { return count_; }

    /// A block for @p q, which waits no longer for one; null: it does, from now on.
    RILL_DECL block* take(receive_block_request& q) noexcept;
    /// Most are in use.
    RILL_DECL bool is_short() noexcept;
    /// The system has taken block number @p index out of the store.
    RILL_DECL block& taken(std::size_t index) noexcept;
    /// The same, for a look: it goes back at once, as put_again().
    const block& in_passing(std::size_t index) const noexcept { return blocks_[index]; }
    RILL_DECL void put_again(std::size_t index) noexcept;
    /// The block is free. Whoever waits for one is told.
    RILL_DECL void give_back(block& b) noexcept;

    /// Lets @p q wait for a block; false: there is one.
    RILL_DECL bool let_starve(receive_block_request& q) noexcept;
    RILL_DECL void stop_starving(receive_block_request& q) noexcept;
    bool anyone_starves() const noexcept { return anyone_starves_.load(std::memory_order_relaxed); }
    /// If there is a free block, the registration of the next request that waits for one, which waits no longer.
    RILL_DECL registration* next_to_feed() noexcept;
    /// How many blocks are free and wanted.
    RILL_DECL std::size_t to_feed() noexcept;

    /// Free blocks are in @p s from now on; null: here.
    RILL_COLD RILL_DECL void keep_in(block_store* s) noexcept;
    /// The driver goes.
    RILL_COLD RILL_DECL void let_go() noexcept;

private:
    block_pool(std::size_t block_size, std::size_t count, block_user& owner) noexcept
        : block_size_(block_size), count_(count), owner_(&owner) {}
    ~block_pool() = default;

    struct freed {
        void operator()(char* p) const noexcept { deallocate_from_source(p); }
    };
    RILL_DECL void keep(block& b) noexcept;
    RILL_DECL void link(receive_block_request& q) noexcept;
    RILL_DECL void unlink(receive_block_request& q) noexcept;
    RILL_DECL void release() noexcept;

    const std::size_t block_size_;
    const std::size_t count_;
    std::unique_ptr<char, freed> memory_;
    std::unique_ptr<char, freed> blocks_memory_;
    block* blocks_ = nullptr;
    std::atomic<bool> anyone_starves_{false};  // written with lock_

    spin_lock lock_;     // of all that follows
    block_user* owner_;  // null: has gone
    block_store* store_ = nullptr;
    block* free_ = nullptr;       // while there is no store
    std::size_t free_count_ = 0;  // here or in the store
    std::size_t holders_ = 1;     // the driver, and blocks in use
    receive_block_request* first_ = nullptr;
    receive_block_request** end_ = &first_;
    bool told_ = false;  // the driver has been woken, and has not asked yet
};

/// A block that is in no pool, of @p size bytes. Null: out of memory.
RILL_DECL block* make_lone_block(std::size_t size) noexcept;

/// Frees a block, or gives it back to its pool. Any thread.
RILL_DECL void free_block(block& b) noexcept;

/// A driver's pool, made when it is first asked for.
class block_supply {
public:
    explicit block_supply(block_user& owner) noexcept : owner_(owner) {}
    block_supply(const block_supply&) = delete;
    block_supply& operator=(const block_supply&) = delete;
    ~block_supply() { let_go(); }

    static constexpr std::size_t default_size = 8192;
    static constexpr std::size_t default_count = 128;
    static constexpr std::size_t largest = 1 << 24;  // in bytes
    static constexpr std::size_t most = 32768;       // what io_uring can be given

    /// Before the first get().
    void configure(memory_source* memory, std::size_t size, std::size_t count) noexcept {
        memory_ = memory;
        size_ = size;
        count_ = count;
    }

    /// Any thread. Null: out of memory.
    block_pool* get() noexcept {
        block_pool* p = made();
        return p ? p : make();
    }
    /// Null: nobody has asked.
    block_pool* made() const noexcept { return pool_.load(std::memory_order_acquire); }

    std::size_t block_size() const noexcept { return size_; }
    memory_source* source() const noexcept { return memory_; }

    /// Before the driver is destroyed: afterwards what comes back does not reach it.
    void let_go() noexcept {
        if (block_pool* p = pool_.exchange(nullptr, std::memory_order_acq_rel))
            p->let_go();
    }

private:
    RILL_COLD RILL_DECL block_pool* make() noexcept;

    block_user& owner_;
    memory_source* memory_ = nullptr;
    std::size_t size_ = default_size;
    std::size_t count_ = default_count;
    std::atomic<block_pool*> pool_{nullptr};
    spin_lock lock_;
};

}  // namespace rill::engine

#include RILL_BODY(block_pool.ipp)
