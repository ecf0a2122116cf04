// SPDX-License-Identifier: BSL-1.0
#include <rill/core/memory_source.hpp>

#include <support/catch.hpp>
#include <support/counting_allocator.hpp>

#include <cstdint>
#include <vector>

using rill::engine::allocate_from;
using rill::engine::deallocate_from_source;
using rill::engine::memory_source;

namespace {

struct in_source final : rill::engine::in_source_memory {
    char data[100] = {};
};

struct alignas(256) wide final : rill::engine::in_source_memory {
    char data[256] = {};
};

bool is_aligned(const void* p, std::size_t alignment) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

}  // namespace

TEST_CASE("blocks of every size and alignment lie in the source's memory and go back to it", "[core][memory_source]") {
    allocation_counts counts;
    memory_source* source = GENERATE(true, false) ? memory_source::make(counting_allocator<void>(counts)) : nullptr;
    const bool counts_any = source != nullptr;
    std::vector<void*> blocks;
    for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{4000}}) {
            auto* p = static_cast<unsigned char*>(allocate_from(source, size, alignment));
            CHECK(is_aligned(p, alignment));
            for (std::size_t i = 0; i != size; ++i)
                p[i] = 0xab;
            blocks.push_back(p);
        }
    }
    CHECK(counts.blocks == (counts_any ? blocks.size() + 1 : 0));
    if (source)
        source->release();
    for (void* p : blocks)
        deallocate_from_source(p);  // the last takes the source with it
    CHECK(counts.blocks == 0);
    CHECK(counts.bytes == 0);
}

TEST_CASE("a class says by its base that its objects lie in a source", "[core][memory_source]") {
    allocation_counts counts;
    memory_source* source = memory_source::make(counting_allocator<char>(counts));
    auto* plain = new in_source;
    CHECK(counts.blocks == 1);
    auto* sourced = new (source) in_source;
    auto* aligned = new (source) wide;
    CHECK(is_aligned(aligned, 256));
    CHECK(counts.blocks == 3);
    delete plain;
    CHECK(counts.blocks == 3);
    delete sourced;
    delete aligned;
    CHECK(counts.blocks == 1);
    source->release();
    CHECK(counts.blocks == 0);
}

TEST_CASE("containers lie in a source, and what its allocator throws arrives", "[core][memory_source]") {
    allocation_counts counts;
    memory_source* source = memory_source::make(counting_allocator<int>(counts));
    {
        std::vector<int, rill::engine::source_allocator<int>> numbers{rill::engine::source_allocator<int>(source)};
        numbers.assign(1000, 7);
        CHECK(counts.bytes > 1000 * sizeof(int));
        CHECK(numbers.back() == 7);
        CHECK_THROWS_AS(numbers.get_allocator().allocate(static_cast<std::size_t>(-1) / 4), std::bad_array_new_length);
        counts.most = counts.all_blocks;
        CHECK_THROWS_AS(numbers.reserve(2000), std::bad_alloc);
        CHECK_THROWS_AS(new (source) in_source, std::bad_alloc);
    }
    source->release();
    CHECK(counts.blocks == 0);
}
