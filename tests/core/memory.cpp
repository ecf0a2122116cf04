// SPDX-License-Identifier: BSL-1.0
#include <rill/core/memory.hpp>

#include <support/capabilities.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

using rill::engine::allocate;
using rill::engine::deallocate;

TEST_CASE("blocks are as large as asked and aligned for everything", "[core][memory]") {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (const std::size_t size :
         {1u, 8u, 63u, 64u, 65u, 128u, 1000u, 2039u, 2040u, 2041u, 2049u, 10000u, 1u, 64u, 2048u}) {
        void* block = allocate(size);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
        std::memset(block, static_cast<int>(size), size);
        blocks.emplace_back(block, size);
    }
    for (auto [block, size] : blocks) {
        CHECK(static_cast<unsigned char*>(block)[size - 1] == static_cast<unsigned char>(size));
        deallocate(block, size);
    }
}

TEST_CASE("a freed block serves the next request of its size class", "[core][memory]") {
    for (const std::size_t size : {40u, 300u, 2040u}) {
        void* block = allocate(size);
        deallocate(block, size);
        void* again = allocate(size - 1);
        if (RILL_RECYCLES_MEMORY)
            CHECK(again == block);
        deallocate(again, size - 1);
    }
}

TEST_CASE("many blocks may be freed, though only some are kept", "[core][memory]") {
    std::vector<void*> blocks;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 500; ++i)
            blocks.push_back(allocate(100));
        for (void* block : blocks)
            deallocate(block, 100);
        blocks.clear();
    }
    SUCCEED();
}

TEST_CASE("blocks may be freed by another thread, which keeps them until it ends", "[core][memory]") {
    constexpr int count = 20000;
    std::vector<std::atomic<void*>> blocks(64);
    std::atomic<int> wrong{0};
    std::thread consumer([&] {
        for (int i = 0; i < count; ++i) {
            auto& place = blocks[static_cast<std::size_t>(i) % blocks.size()];
            void* block;
            while (!(block = place.exchange(nullptr, std::memory_order_acquire)))
                std::this_thread::yield();
            wrong += *static_cast<int*>(block) != i;
            deallocate(block, 200);
            if (i % 16 == 0)
                deallocate(allocate(200), 200);
        }
    });
    for (int i = 0; i < count; ++i) {
        void* block = allocate(200);
        *static_cast<int*>(block) = i;
        auto& place = blocks[static_cast<std::size_t>(i) % blocks.size()];
        while (place.load(std::memory_order_relaxed))
            std::this_thread::yield();
        place.store(block, std::memory_order_release);
    }
    consumer.join();
    CHECK(wrong == 0);
}

#if TEST_KEEPS_THREAD_LOCALS
TEST_CASE("what a thread frees at its very end is not kept", "[core][memory]") {
    struct frees_late {
        void* block = allocate(64);  // before the cache is first given a block, so that this dies after the cache
        ~frees_late() {
            deallocate(block, 64);
            deallocate(allocate(64), 64);
        }
    };
    std::thread([] {
        static thread_local frees_late late;
        static_cast<void>(late.block);
        for (int i = 0; i < 10; ++i)
            deallocate(allocate(64), 64);
    }).join();
    SUCCEED();
}
#endif

TEST_CASE("what one thread only frees comes back to another that only asks", "[core][memory]") {
    constexpr std::size_t size = 1500;
    constexpr auto index = rill::engine::memory_cache::index(size);
    constexpr auto batch = rill::engine::memory_cache::capacity(index);
    std::vector<void*> blocks;
    for (std::size_t i = 0; i != 3 * batch; ++i)
        blocks.push_back(allocate(size));
    std::thread([&] {
        for (void* block : blocks)
            deallocate(block, size);
    }).join();
    if (!RILL_RECYCLES_MEMORY)
        return;

    std::vector<void*> again;
    for (std::size_t i = 0; i != 2 * batch; ++i)
        again.push_back(allocate(size));
    std::sort(blocks.begin(), blocks.end());
    std::size_t known = 0;
    for (void* block : again)
        known += std::binary_search(blocks.begin(), blocks.end(), block);
    CHECK(known >= 2 * batch);
    for (void* block : again)
        deallocate(block, size);
}

TEST_CASE("threads that pass blocks on in a ring lose none", "[core][memory]") {
    // Each takes blocks that its neighbour has filled, checks them and frees them: a block that the depot gave out twice
    // would carry the wrong mark.
    constexpr std::size_t size = 1024;
    constexpr int threads = 3;
    constexpr int rounds = 200;
    std::vector<std::vector<unsigned char*>> passed(threads);
    std::atomic<int> arrived{0};
    std::atomic<int> wrong{0};
    auto meet = [&](int count) {
        arrived.fetch_add(1);
        while (arrived.load() < count)
            std::this_thread::yield();
    };
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
            auto own = static_cast<std::size_t>(t);
            auto neighbour = static_cast<std::size_t>((t + 1) % threads);
            for (int round = 0; round < rounds; ++round) {
                for (int i = 0; i < 100; ++i) {
                    auto* block = static_cast<unsigned char*>(allocate(size));
                    std::memset(block, t + 1, size);
                    passed[own].push_back(block);
                }
                meet((2 * round + 1) * threads);
                for (unsigned char* block : passed[neighbour]) {
                    for (std::size_t at : {std::size_t{0}, size / 2, size - 1})
                        wrong += block[at] != neighbour + 1;
                    deallocate(block, size);
                }
                passed[neighbour].clear();
                meet((2 * round + 2) * threads);
            }
        });
    }
    for (auto& thread : all)
        thread.join();
    CHECK(wrong == 0);
}
