// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/driver/block_pool.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <thread>
#include <vector>

using namespace rill::engine;

namespace {

struct user : block_user {
    void wake() noexcept override { ++woken; }
    int woken = 0;
};

struct waiting : receive_block_request {
    waiting() : receive_block_request(nullptr) {}
};

struct store : block_store {
    void add(std::size_t index, const block& b) noexcept override {
        indexes.push_back(index);
        CHECK(b.is_free);
    }
    std::vector<std::size_t> indexes;
};

}  // namespace

TEST_CASE("a pool has so many blocks of one size, side by side and apart", "[engine][block_pool]") {
    user u;
    block_supply supply(u);
    supply.configure(nullptr, 100, 3);
    CHECK(supply.made() == nullptr);
    block_pool* pool = supply.get();
    REQUIRE(pool);
    CHECK(supply.get() == pool);
    CHECK(pool->block_size() == 100);
    waiting q;
    std::vector<block*> blocks;
    for (int i = 0; i < 3; ++i)
        blocks.push_back(pool->take(q));
    for (block* b : blocks) {
        REQUIRE(b);
        for (std::size_t i = 0; i < 100; ++i)
            b->memory[i] = static_cast<char>(b - blocks[0]);
    }
    for (block* b : blocks)
        CHECK(b->memory[99] == static_cast<char>(b - blocks[0]));
    CHECK(pool->take(q) == nullptr);
    pool->stop_starving(q);
    for (block* b : blocks)
        free_block(*b);
    CHECK(u.woken == 0);
}

TEST_CASE("requests without a block are fed in their order, one for each that is free", "[engine][block_pool]") {
    user u;
    block_supply supply(u);
    supply.configure(nullptr, 10, 2);
    block_pool& pool = *supply.get();
    registration* const somewhere = reinterpret_cast<registration*>(std::uintptr_t{64});
    waiting first, second, third, cancelled;
    for (waiting* q : {&first, &second, &cancelled, &third})
        q->handle = somewhere;
    block* a = pool.take(first);
    block* b = pool.take(first);
    for (waiting* q : {&first, &cancelled, &second, &third})
        CHECK(pool.take(*q) == nullptr);
    CHECK(pool.let_starve(first));  // still in its place
    CHECK(pool.anyone_starves());
    CHECK(pool.to_feed() == 0);
    CHECK(pool.next_to_feed() == nullptr);
    pool.stop_starving(cancelled);
    CHECK(u.woken == 0);
    free_block(*a);
    CHECK(u.woken == 1);
    free_block(*b);
    CHECK(u.woken == 1);  // it has not asked yet
    CHECK(pool.to_feed() == 2);
    CHECK(pool.next_to_feed() == somewhere);
    CHECK_FALSE(first.before);
    CHECK(second.before);
    a = pool.take(first);
    CHECK(pool.next_to_feed() == somewhere);
    CHECK_FALSE(second.before);
    b = pool.take(third);  // one may come at once, too
    CHECK_FALSE(third.before);
    CHECK_FALSE(pool.anyone_starves());
    CHECK(pool.let_starve(third));
    free_block(*a);
    CHECK(u.woken == 2);
    CHECK_FALSE(pool.let_starve(second));
    pool.stop_starving(third);
    free_block(*b);
    CHECK(u.woken == 2);
}

TEST_CASE("free blocks are in the store, while there is one", "[engine][block_pool]") {
    user u;
    store s;
    block_supply supply(u);
    supply.configure(nullptr, 10, 3);
    block_pool& pool = *supply.get();
    waiting q;
    block* held = pool.take(q);
    pool.keep_in(&s);
    CHECK(s.indexes.size() == 2);
    block& taken = pool.taken(s.indexes[1]);
    free_block(*held);
    CHECK(s.indexes.size() == 3);
    free_block(taken);
    CHECK(s.indexes.back() == s.indexes[1]);
    pool.keep_in(nullptr);
    std::vector<block*> all;
    for (int i = 0; i < 3; ++i)
        all.push_back(pool.take(q));
    CHECK(all.back());
    for (block* b : all)
        free_block(*b);
}

TEST_CASE("blocks outlive the driver, and come back from any thread", "[engine][block_pool]") {
    user u;
    block* a;
    block* b;
    {
        block_supply supply(u);
        supply.configure(nullptr, 10, 2);
        waiting q;
        a = supply.get()->take(q);
        b = supply.get()->take(q);
    }
    a->memory[9] = 'x';
    std::thread other([=] { free_block(*b); });
    free_block(*a);
    other.join();
    block* alone = make_lone_block(10);
    REQUIRE(alone);
    alone->memory[9] = 'x';
    free_block(*alone);
    CHECK(u.woken == 0);
}
