// SPDX-License-Identifier: BSL-1.0
#include <rill/ip/address.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>

#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>

using namespace std::string_view_literals;
using rill::error_code;
using rill::ip::address;
using rill::ip::address_v4;
using rill::ip::address_v6;
using rill::ip::make_address;
using rill::ip::make_address_v4;
using rill::ip::make_address_v6;

namespace {

static_assert(sizeof(address_v4) == 4);
static_assert(std::is_trivially_copyable_v<address>);
static_assert(address_v4({127, 0, 0, 1}).is_loopback());
static_assert(address_v6::loopback().is_loopback());
static_assert(address(address_v6::any()).is_unspecified());

// Every position in a text that the parser might stop at is another way to be wrong.
constexpr std::string_view malformed_v4[] = {
    ""sv,         " "sv,          "1"sv,         "1.2"sv,       "1.2.3"sv,     "1.2.3."sv,    "1.2.3.4."sv,
    ".1.2.3.4"sv, "1.2.3.4.5"sv,  "1..2.3"sv,    "256.1.1.1"sv, "1.1.1.256"sv, "1.1.1.999"sv, "1.1.1.1000"sv,
    "01.2.3.4"sv, "1.2.3.00"sv,   "001.2.3.4"sv, "0x1.2.3.4"sv, "1.2.3.4 "sv,  " 1.2.3.4"sv,  "1.2.3.-4"sv,
    "+1.2.3.4"sv, "1.2.3.4\0"sv,  "1.2.3\0.4"sv, "\0"sv,        "1,2,3,4"sv,   "a.b.c.d"sv,   "1.2.3.4:80"sv,
    "::1"sv,      "4294967296"sv, "16909060"sv,  "1.2.3.4\n"sv, "localhost"sv, "1.2.3.4/8"sv, "\xc2\xb2.2.3.4"sv,
};

constexpr std::string_view malformed_v6[] = {
    ""sv,
    ":"sv,
    "1"sv,
    ":::"sv,
    "::1::"sv,
    "1::2::3"sv,
    ":1"sv,
    "1:"sv,
    ":1:2:3:4:5:6:7"sv,
    "1:2:3:4:5:6:7:"sv,
    "1:2:3:4:5:6:7"sv,
    "1:2:3:4:5:6:7:8:9"sv,
    "1:2:3:4:5:6:7:8::"sv,
    "::1:2:3:4:5:6:7:8"sv,
    "1:2:3:4::5:6:7:8"sv,
    "12345::"sv,
    "::00001"sv,
    "g::"sv,
    "::-1"sv,
    "::1 "sv,
    " ::1"sv,
    "[::1]"sv,
    "::1\0"sv,
    "::\0001"sv,
    "1.2.3.4"sv,
    "::1.2.3"sv,
    "::1.2.3.4.5"sv,
    "::1.2.3.256"sv,
    "::01.2.3.4"sv,
    "::1.2.3.4:5"sv,
    "::a.2.3.4"sv,
    "1.2.3.4::"sv,
    "1:2:3:4:5:6:7:1.2.3.4"sv,
    "1:2:3:4:5:1.2.3.4"sv,
    "::1%"sv,
    "::1%no such interface"sv,
    "::1%1 "sv,
    "::1%-1"sv,
    "::1%0x1"sv,
    "::1%4294967296"sv,
    "::1%1%1"sv,
    "::1%1\0"sv,
    "fe80::1%"sv,
    "fe80::1%no-such-interface"sv,
    "fe80::1%a name that is longer than that of any interface, by far"sv,
    "%1"sv,
};

}  // namespace

TEST_CASE("a version 4 address is four bytes, a number and a text", "[ip][address_v4]") {
    const address_v4 one({1, 2, 3, 4});
    CHECK(one.to_uint() == 0x01020304);
    CHECK(one.to_bytes() == address_v4::bytes_type{1, 2, 3, 4});
    CHECK(one.to_string() == "1.2.3.4");
    CHECK(address_v4(0xfffefd00).to_string() == "255.254.253.0");
    CHECK(address_v4().to_uint() == 0);
    CHECK(make_address_v4(0x01020304) == one);
    CHECK(make_address_v4(address_v4::bytes_type{1, 2, 3, 4}) == one);
    CHECK(address_v4::any().to_string() == "0.0.0.0");
    CHECK(address_v4::loopback().to_string() == "127.0.0.1");
    CHECK(address_v4::broadcast().to_string() == "255.255.255.255");
}

TEST_CASE("a version 4 address knows its kind", "[ip][address_v4]") {
    auto v4 = [](const char* text) { return make_address_v4(text); };
    CHECK(v4("0.0.0.0").is_unspecified());
    CHECK_FALSE(v4("0.0.0.1").is_unspecified());
    CHECK(v4("127.0.0.1").is_loopback());
    CHECK(v4("127.255.255.255").is_loopback());
    CHECK_FALSE(v4("126.255.255.255").is_loopback());
    CHECK_FALSE(v4("128.0.0.0").is_loopback());
    CHECK(v4("224.0.0.0").is_multicast());
    CHECK(v4("239.255.255.255").is_multicast());
    CHECK_FALSE(v4("223.255.255.255").is_multicast());
    CHECK_FALSE(v4("240.0.0.0").is_multicast());
    CHECK(v4("127.0.0.1").is_class_a());
    CHECK(v4("128.0.0.0").is_class_b());
    CHECK(v4("191.255.0.0").is_class_b());
    CHECK(v4("192.0.0.0").is_class_c());
    CHECK_FALSE(v4("224.0.0.0").is_class_c());
    CHECK(address_v4::netmask(v4("10.1.2.3")).to_string() == "255.0.0.0");
    CHECK(address_v4::netmask(v4("172.16.2.3")).to_string() == "255.255.0.0");
    CHECK(address_v4::netmask(v4("192.168.2.3")).to_string() == "255.255.255.0");
    CHECK(address_v4::netmask(v4("224.0.0.1")).to_string() == "255.255.255.255");
    CHECK(address_v4::broadcast(v4("10.1.2.3"), v4("255.255.0.0")).to_string() == "10.1.255.255");
}

TEST_CASE("a version 4 address is read back from its text", "[ip][address_v4]") {
    const auto text = GENERATE("0.0.0.0", "1.2.3.4", "10.20.30.40", "100.200.0.9", "255.255.255.255");
    error_code ec = rill::error::eof;
    CHECK(make_address_v4(text, ec).to_string() == text);
    CHECK(ec == error_code());
    CHECK(make_address_v4(text).to_string() == text);
    CHECK(make_address_v4(std::string(text)).to_string() == text);
    CHECK(make_address(text).to_v4().to_string() == text);
}

TEST_CASE("a malformed version 4 address is an invalid argument", "[ip][address_v4]") {
    for (const std::string_view text : malformed_v4) {
        CAPTURE(text);
        error_code ec;
        CHECK(make_address_v4(text, ec) == address_v4());
        CHECK(ec == rill::error::invalid_argument);
        CHECK_THROWS_AS(make_address_v4(text), rill::system_error);
    }
}

TEST_CASE("a version 6 address is sixteen bytes and a scope", "[ip][address_v6]") {
    const address_v6::bytes_type bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    address_v6 one(bytes, 7);
    CHECK(one.to_bytes() == bytes);
    CHECK(one.scope_id() == 7);
    CHECK(make_address_v6(bytes, 7) == one);
    one.scope_id(8);
    CHECK(one.scope_id() == 8);
    CHECK(one != address_v6(bytes));
    CHECK(address_v6().to_bytes() == address_v6::bytes_type{});
    CHECK(address_v6::any().to_string() == "::");
    CHECK(address_v6::loopback().to_string() == "::1");
}

TEST_CASE("a version 6 address knows its kind", "[ip][address_v6]") {
    auto v6 = [](const char* text) { return make_address_v6(text); };
    CHECK(v6("::").is_unspecified());
    CHECK_FALSE(v6("::1").is_unspecified());
    CHECK_FALSE(v6("1::").is_unspecified());
    CHECK(v6("::1").is_loopback());
    CHECK_FALSE(v6("::2").is_loopback());
    CHECK_FALSE(v6("1::1").is_loopback());
    CHECK(v6("fe80::").is_link_local());
    CHECK(v6("febf::").is_link_local());
    CHECK_FALSE(v6("fec0::").is_link_local());
    CHECK(v6("fec0::").is_site_local());
    CHECK(v6("feff::").is_site_local());
    CHECK_FALSE(v6("fe80::").is_site_local());
    CHECK(v6("::ffff:1.2.3.4").is_v4_mapped());
    CHECK_FALSE(v6("::fffe:1.2.3.4").is_v4_mapped());
    CHECK_FALSE(v6("1::ffff:1.2.3.4").is_v4_mapped());
    CHECK(v6("::1.2.3.4").is_v4_compatible());
    CHECK(v6("::2").is_v4_compatible());
    CHECK_FALSE(v6("::").is_v4_compatible());
    CHECK_FALSE(v6("::1").is_v4_compatible());
    CHECK(v6("ff00::").is_multicast());
    CHECK_FALSE(v6("fe00::").is_multicast());
    CHECK(v6("ff01::1").is_multicast_node_local());
    CHECK(v6("ff12::1").is_multicast_link_local());
    CHECK(v6("ff05::1").is_multicast_site_local());
    CHECK(v6("ff08::1").is_multicast_org_local());
    CHECK(v6("ff0e::1").is_multicast_global());
    CHECK_FALSE(v6("ff02::1").is_multicast_global());
    CHECK_FALSE(v6("fe02::1").is_multicast_link_local());
}

TEST_CASE("a version 6 address is written in its canonical form", "[ip][address_v6]") {
    struct writing {
        const char* text;
        const char* canonical;
    };
    const writing writings[] = {
        {"::", "::"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"::0001", "::1"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"2001:DB8::ABCD", "2001:db8::abcd"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"0:0:1:0:0:0:0:0", "0:0:1::"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"::ffff:102:304", "::ffff:1.2.3.4"},
        {"::1.2.3.4", "::102:304"},
        {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"1:2:3:4:5::1.2.3.4", "1:2:3:4:5:0:102:304"},
        {"::1%5", "::1%5"},
        {"::1%0", "::1"},
        {"::1%4294967295", "::1%4294967295"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (const auto& [text, canonical] : writings) {
        CAPTURE(text);
        error_code ec = rill::error::eof;
        const address_v6 read = make_address_v6(text, ec);
        CHECK(ec == error_code());
        CHECK(read.to_string() == canonical);
        CHECK(make_address_v6(canonical) == read);
        CHECK(make_address(text).to_v6() == read);
    }
}

TEST_CASE("a scope is the name or the number of an interface", "[ip][address_v6]") {
    const std::vector<bare::interface_name> interfaces = bare::interfaces();
    REQUIRE_FALSE(interfaces.empty());
    for (const bare::interface_name& each : interfaces) {
        const std::string& name = each.name;
        const std::string number = std::to_string(each.index);
        CAPTURE(name, number);
        CHECK(make_address_v6("fe80::1%" + name).scope_id() == each.index);
        CHECK(make_address_v6("fe80::1%" + name).to_string() == "fe80::1%" + name);
        CHECK(make_address_v6("ff02::1%" + name).to_string() == "ff02::1%" + name);
        CHECK(make_address_v6("::1%" + name).to_string() == "::1%" + number);
        CHECK(make_address_v6("::1%" + number).to_string() == "::1%" + number);
        CHECK(make_address("fe80::1%" + number).to_v6().scope_id() != 0);
    }
    CHECK(make_address_v6("fe80::1%4294967295").to_string() == "fe80::1%4294967295");
}

TEST_CASE("a malformed version 6 address is an invalid argument", "[ip][address_v6]") {
    for (const std::string_view text : malformed_v6) {
        CAPTURE(text);
        error_code ec;
        CHECK(make_address_v6(text, ec) == address_v6());
        CHECK(ec == rill::error::invalid_argument);
        CHECK_THROWS_AS(make_address_v6(text), rill::system_error);
    }
}

/// "::1.02.3.4"
static bool has_number_with_leading_zero(const std::string& text) {
    std::size_t at = text.rfind(':') + 1;
    if (text.find('.', at) == std::string::npos)
        return false;
    for (; at != 0; at = text.find('.', at) + 1)
        if (at + 1 < text.size() && text[at] == '0' && text[at + 1] != '.')
            return true;
    return false;
}

TEST_CASE("addresses are read as the system reads them", "[ip][address]") {
    std::minstd_rand random(20240607);
    auto any_of = [&](std::string_view set) { return set[random() % set.size()]; };
    const char* const seeds[] = {"1.2.3.4", "1:2:3:4:5:6:7:8", "1:2::7:8", "::ffff:1.2.3.4"};
    for (int round = 0; round < 50000; ++round) {
        std::string text = seeds[random() % std::size(seeds)];
        for (auto changes = random() % 4; changes > 0; --changes) {
            const std::size_t at = random() % text.size();
            switch (random() % 3) {
            case 0: text[at] = any_of("0129af:.G"); break;
            case 1: text.insert(at, 1, any_of("0129af:.")); break;
            default: text.erase(at, 1); break;
            }
        }
        address_v4::bytes_type v4;
        address_v6::bytes_type v6;
        error_code ec4;
        error_code ec6;
        const address_v4 read4 = make_address_v4(text, ec4);
        const address_v6 read6 = make_address_v6(text, ec6);
        const bool is_v4 = ::inet_pton(AF_INET, text.c_str(), v4.data()) == 1;
        bool is_v6 = ::inet_pton(AF_INET6, text.c_str(), v6.data()) == 1;
        if (TEST_TAKES_LEADING_ZEROS && has_number_with_leading_zero(text))
            is_v6 = false;
        const bool same =
            is_v4 == !ec4 && is_v6 == !ec6 && (!is_v4 || read4.to_bytes() == v4) && (!is_v6 || read6.to_bytes() == v6);
        if (!same || (is_v6 && make_address_v6(read6.to_string()) != read6))
            FAIL(text);
    }
}

TEST_CASE("version 4 addresses map into version 6 and back", "[ip][address_v6]") {
    const address_v4 v4({1, 2, 3, 4});
    const address_v6 v6 = make_address_v6(rill::ip::v4_mapped, v4);
    CHECK(v6.to_string() == "::ffff:1.2.3.4");
    CHECK(make_address_v4(rill::ip::v4_mapped, v6) == v4);
    CHECK_THROWS_AS(make_address_v4(rill::ip::v4_mapped, address_v6::loopback()), rill::ip::bad_address_cast);
}

TEST_CASE("an address is of either version", "[ip][address]") {
    const address none;
    const address v4 = address_v4::loopback();
    const address v6 = address_v6::loopback();
    CHECK(none.is_v4());
    CHECK(none.is_unspecified());
    CHECK((v4.is_v4() && !v4.is_v6()));
    CHECK((v6.is_v6() && !v6.is_v4()));
    CHECK((v4.is_loopback() && v6.is_loopback()));
    CHECK((!v4.is_unspecified() && !v6.is_unspecified()));
    CHECK(address(address_v6::any()).is_unspecified());
    CHECK(make_address("224.0.0.1").is_multicast());
    CHECK(make_address("ff02::1").is_multicast());
    CHECK_FALSE(v4.is_multicast());
    CHECK(v4.to_v4() == address_v4::loopback());
    CHECK(v6.to_v6() == address_v6::loopback());
    CHECK(v4.to_string() == "127.0.0.1");
    CHECK(v6.to_string() == "::1");
    CHECK_THROWS_AS(v4.to_v6(), rill::ip::bad_address_cast);
    CHECK_THROWS_AS(v6.to_v4(), rill::ip::bad_address_cast);
    CHECK_THROWS_AS(v6.to_v4(), std::bad_cast);
}

TEST_CASE("a malformed address of either version is an invalid argument", "[ip][address]") {
    for (const std::string_view text : {""sv, "1.2.3"sv, "::1::"sv, "1.2.3.4\0"sv, "1.2.3.4%1"sv, "localhost"sv}) {
        CAPTURE(text);
        error_code ec;
        CHECK(make_address(text, ec) == address());
        CHECK(ec == rill::error::invalid_argument);
        CHECK_THROWS_AS(make_address(text), rill::system_error);
    }
}

TEST_CASE("addresses are in order: version, then bytes, then scope", "[ip][address]") {
    const address sorted[] = {make_address("0.0.0.0"),   make_address("1.2.3.4"), make_address("1.2.4.0"),
                              make_address("255.0.0.0"), make_address("::"),      make_address("::1"),
                              make_address("::1%1"),     make_address("::1%2"),   make_address("1::")};
    for (std::size_t i = 0; i < std::size(sorted); ++i) {
        for (std::size_t k = 0; k < std::size(sorted); ++k) {
            CAPTURE(i, k);
            CHECK((sorted[i] < sorted[k]) == (i < k));
            CHECK((sorted[i] == sorted[k]) == (i == k));
            CHECK((sorted[i] >= sorted[k]) == (i >= k));
        }
    }
    CHECK(make_address_v4("1.2.3.4") < make_address_v4("1.2.4.3"));
    CHECK(make_address_v6("::1") > make_address_v6("::"));
}

TEST_CASE("addresses have a hash", "[ip][address]") {
    const std::unordered_set<address> set = {make_address("1.2.3.4"), make_address("::1"), make_address("::1%1"),
                                             make_address("::1")};
    CHECK(set.size() == 3);
    CHECK(set.count(make_address("1.2.3.4")) == 1);
    CHECK(set.count(make_address("::2")) == 0);
    CHECK(std::hash<address_v4>()(address_v4(1)) == std::hash<address_v4>()(address_v4(1)));
    CHECK(std::hash<address_v6>()(address_v6::any()) != std::hash<address_v6>()(address_v6::loopback()));
}

TEST_CASE("addresses are written to streams of any character", "[ip][address]") {
    std::ostringstream narrow;
    narrow << address_v4::loopback() << ' ' << address_v6::loopback() << ' ' << make_address("1.2.3.4");
    CHECK(narrow.str() == "127.0.0.1 ::1 1.2.3.4");
    std::wostringstream wide;
    wide << make_address("::ffff:1.2.3.4");
    CHECK(wide.str() == L"::ffff:1.2.3.4");
}
