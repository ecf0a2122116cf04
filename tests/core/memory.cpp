// SPDX-License-Identifier: BSL-1.0
#include <rill/core/memory.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

using rill::engine::allocate;
using rill::engine::deallocate;

TEST_CASE("blocks are as large as asked and aligned for everything", "[core][memory]") {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (const std::size_t size : {1u, 8u, 63u, 64u, 65u, 128u, 1000u, 2047u, 2048u, 2049u, 10000u, 1u, 64u, 2048u}) {
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
    for (const std::size_t size : {40u, 300u, 2048u}) {
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
