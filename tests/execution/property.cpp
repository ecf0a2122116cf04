// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/property.hpp>

#include <support/catch.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace {

/// Has a meaning for whatever has a colour.
struct painted {
    template <class T>
    static constexpr bool is_applicable_property_v = requires(T t) {
        t.colour;
    };
    static constexpr bool is_requirable = true;
    static constexpr bool is_preferable = true;

    int colour = 0;
};

/// Painted by members.
struct car {
    int colour = 0;
    int query(const painted&) const noexcept { return colour; }
    car require(const painted& p) const noexcept { return {p.colour}; }
};

/// Painted by functions that are found by its type.
struct house {
    int colour = 0;
    friend int query(const house& h, const painted&) { return h.colour; }
    friend house require(const house&, const painted& p) { return {p.colour}; }
};

/// May be asked to, does as it likes, and forgets to say whether it throws.
struct cat {
    int colour = 0;
    cat prefer(const painted& p) const { return {p.colour + 1}; }
};
struct dog {
    int colour = 0;
    friend dog prefer(const dog&, const painted& p) noexcept { return {p.colour + 2}; }
};

/// Has a colour; nothing can be done about it.
struct stone {
    int colour = 7;
};

struct air {};

static_assert(rill::is_applicable_property_v<car, painted> && !rill::is_applicable_property_v<air, painted>);
static_assert(rill::is_applicable_property_v<const car&, const painted&>);

static_assert(rill::can_query_v<car, painted> && rill::can_query_v<house, painted>);
static_assert(!rill::can_query_v<cat, painted> && !rill::can_query_v<air, painted> && !rill::can_query_v<car, air>);
static_assert(rill::can_require_v<car, painted> && rill::can_require_v<const house&, painted, painted>);
static_assert(!rill::can_require_v<cat, painted> && !rill::can_require_v<air, painted> &&
              !rill::can_require_v<car, air>);
static_assert(!rill::can_require_v<car, painted, air> && !rill::can_require_v<car, air, painted>);
static_assert(rill::can_prefer_v<car, painted> && rill::can_prefer_v<cat, painted> &&
              rill::can_prefer_v<stone, painted>);
static_assert(!rill::can_prefer_v<air, painted> && !rill::can_prefer_v<car, air>);
static_assert(!rill::can_require_concept_v<car, painted>);
static_assert(rill::can_query<car, painted>::value && rill::can_require<car, painted>::value);
static_assert(rill::can_prefer<car, painted>::value && !rill::can_require_concept<car, painted>::value);

static_assert(rill::is_nothrow_query_v<car, painted> && !rill::is_nothrow_query_v<house, painted>);
static_assert(rill::is_nothrow_require_v<car, painted> && !rill::is_nothrow_require_v<house, painted>);
static_assert(rill::is_nothrow_require_v<car, painted, painted> &&
              !rill::is_nothrow_require_v<house, painted, painted>);
static_assert(!rill::is_nothrow_prefer_v<cat, painted> && rill::is_nothrow_prefer_v<dog, painted>);
static_assert(rill::is_nothrow_prefer_v<stone, painted> && rill::is_nothrow_prefer_v<car, painted, painted>);
static_assert(rill::is_nothrow_query<car, painted>::value && rill::is_nothrow_require<car, painted>::value &&
              rill::is_nothrow_prefer<car, painted>::value && !rill::is_nothrow_require_concept<car, painted>::value);

static_assert(std::same_as<rill::query_result_t<car, painted>, int>);
static_assert(std::same_as<rill::require_result_t<const house&, painted>, house>);
static_assert(std::same_as<rill::prefer_result_t<stone, painted, painted>, stone>);
static_assert(std::same_as<rill::require_result<car, painted>::type, car>);

/// What some types have by nature.
struct floating {
    template <class T>
    static constexpr bool is_applicable_property_v = true;
    static constexpr bool is_requirable = true;
    static constexpr bool is_preferable = true;
    template <class T>
        requires std::same_as<T, air>
    static constexpr bool static_query_v = true;
    static constexpr bool value() { return true; }
};

static_assert(rill::can_query_v<air, floating> && !rill::can_query_v<stone, floating>);
static_assert(rill::can_require_v<air, floating> && !rill::can_require_v<stone, floating>);
static_assert(rill::is_nothrow_query_v<air, floating> && rill::is_nothrow_require_v<air, floating>);
static_assert(rill::query(air(), floating()));

/// A property that knows itself how to make anything have it.
struct wrapped {
    template <class T>
    static constexpr bool is_applicable_property_v = true;
    static constexpr bool is_requirable = true;

    template <class T>
    struct box {
        T content;
    };
    template <class T>
    friend box<T> require(const T& t, const wrapped&) {
        return {t};
    }
};

static_assert(std::same_as<rill::require_result_t<stone, wrapped>, wrapped::box<stone>>);
static_assert(!rill::can_prefer_v<stone, wrapped>);

/// Turns one kind of thing into another.
struct spoken {
    template <class T>
    static constexpr bool is_applicable_property_v = true;
    static constexpr bool is_requirable_concept = true;
};
struct parrot {
    std::string require_concept(spoken) const { return "hello"; }
};
struct radio {
    friend std::string require_concept(const radio&, spoken) noexcept { return "news"; }
};

static_assert(rill::can_require_concept_v<parrot, spoken> && !rill::can_require_concept_v<stone, spoken>);
static_assert(!rill::is_nothrow_require_concept_v<parrot, spoken> && rill::is_nothrow_require_concept_v<radio, spoken>);
static_assert(std::same_as<rill::require_concept_result_t<parrot, spoken>, std::string>);
static_assert(!rill::can_require_v<parrot, spoken> && !rill::can_prefer_v<parrot, spoken>);

/// Of another library: it knows nothing of the property, and the property nothing of it.
struct foreign {
    int query(painted) const { return 40; }
};

}  // namespace

template <>
struct rill::is_applicable_property<foreign, painted> : std::true_type {};

TEST_CASE("query() asks members and free functions", "[execution][property]") {
    CHECK(rill::query(car{3}, painted()) == 3);
    CHECK(rill::query(house{4}, painted()) == 4);
    CHECK(rill::query(foreign(), painted()) == 40);
}

TEST_CASE("require() hands the property's value over, one property after the other", "[execution][property]") {
    CHECK(rill::require(car{3}, painted{5}).colour == 5);
    CHECK(rill::require(house{3}, painted{5}, painted{6}).colour == 6);
    CHECK(rill::require(stone(), wrapped(), wrapped()).content.content.colour == 7);
}

TEST_CASE("prefer() requires what can be required, else prefers, else changes nothing", "[execution][property]") {
    CHECK(rill::prefer(car{3}, painted{5}).colour == 5);
    CHECK(rill::prefer(cat{3}, painted{5}).colour == 6);
    CHECK(rill::prefer(dog{3}, painted{5}).colour == 7);
    CHECK(rill::prefer(stone{3}, painted{5}).colour == 3);
    CHECK(rill::prefer(cat{3}, floating(), painted{8}).colour == 9);
}

TEST_CASE("require_concept() makes something of another kind", "[execution][property]") {
    CHECK(rill::require_concept(parrot(), spoken()) == "hello");
    CHECK(rill::require_concept(radio(), spoken()) == "news");
}
