// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/driver/make_driver.hpp>

#include RILL_DRIVERS

#include <support/catch.hpp>
#include <support/environment.hpp>

#include <string>

using rill::backend;
using rill::engine::make_driver;
using rill::engine::threading;

TEST_CASE("each backend gives the driver of its name", "[engine][make_driver]") {
    const auto mode = GENERATE(threading::solo, threading::shared);
    CHECK(make_driver(backend::epoll, mode)->name() == std::string("epoll"));
    CHECK(make_driver(backend::poll, mode)->name() == std::string("poll"));
    const std::string ring = make_driver(backend::io_uring, mode)->name();
    CHECK((ring == "io_uring" || ring == "epoll"));  // where the system refuses it
}

TEST_CASE("the environment names the backend where the program does not", "[engine][make_driver]") {
    {
        const environment_variable variable("RILL_BACKEND", "poll");
        CHECK(make_driver(backend::best, threading::solo)->name() == std::string("poll"));
        CHECK(make_driver(backend::epoll, threading::solo)->name() == std::string("epoll"));
    }
    const environment_variable variable("RILL_BACKEND", "");
    const std::string best(rill::engine::best_driver().name);
    CHECK(make_driver(backend::best, threading::solo)->name() == best);
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
        CHECK(what.find("epoll, io_uring, poll") != std::string::npos);
    }
}
