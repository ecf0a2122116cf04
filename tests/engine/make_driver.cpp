// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/driver/make_driver.hpp>

#include <support/backends.hpp>
#include <support/catch.hpp>
#include <support/environment.hpp>

#include <string>

using rill::backend;
using rill::engine::make_driver;
using rill::engine::threading;

TEST_CASE("each backend gives the driver of its name", "[engine][make_driver]") {
    const auto mode = GENERATE(threading::solo, threading::shared);
    for (std::size_t i = 0; i != backends::count; ++i) {
        const std::string name = make_driver(backends::nth(i).which, mode)->name();
        const bool is_refused = backends::nth(i).name == "io_uring" && name == "epoll";
        CHECK((name == backends::nth(i).name || is_refused));
    }
}

TEST_CASE("the environment names the backend where the program does not", "[engine][make_driver]") {
    const auto best = backends::best(), other = backends::other();
    {
        const environment_variable variable("RILL_BACKEND", other.name.c_str());
        CHECK(make_driver(backend::best, threading::solo)->name() == other.name);
        CHECK(make_driver(best.which, threading::solo)->name() == best.name);
    }
    const environment_variable variable("RILL_BACKEND", "");
    CHECK(make_driver(backend::best, threading::solo)->name() == best.name);
}

TEST_CASE("a backend that is unknown is an error that lists those there are", "[engine][make_driver]") {
    const environment_variable variable("RILL_BACKEND", "abacus");
    try {
        make_driver(backend::best, threading::solo);
        FAIL("nothing was thrown");
    } catch (const rill::system_error& e) {
        CHECK(e.code() == rill::error::operation_not_supported);
        const std::string what = e.what();
        CHECK(what.find("'abacus'") != std::string::npos);
        CHECK(what.find(backends::names()) != std::string::npos);
    }
}
