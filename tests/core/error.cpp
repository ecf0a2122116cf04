// SPDX-License-Identifier: BSL-1.0
#include <rill/core/error.hpp>

#include <support/catch.hpp>

#include <cerrno>
#include <string>

namespace error = rill::error;
using rill::error_code;

TEST_CASE("the system's errors are those of Boost.System's system category", "[core][error]") {
    const error_code ec = error::connection_refused;
    CHECK(ec.category() == boost::system::system_category());
    CHECK(ec.category() == error::get_system_category());
    CHECK(ec == boost::system::errc::connection_refused);
    CHECK(error_code(error::operation_aborted) == boost::system::errc::operation_canceled);
    CHECK(error_code(error::no_descriptors) == boost::system::errc::too_many_files_open);
    CHECK(error_code(error::bad_descriptor) == boost::system::errc::bad_file_descriptor);
}

TEST_CASE("each of the library's categories has its name", "[core][error]") {
    CHECK(error::get_netdb_category().name() == std::string("rill.netdb"));
    CHECK(error::get_addrinfo_category().name() == std::string("rill.addrinfo"));
    CHECK(error::get_misc_category().name() == std::string("rill.misc"));
    CHECK(error_code(error::eof).category() == error::get_misc_category());
    CHECK(error_code(error::host_not_found).category() == error::get_netdb_category());
    CHECK(error_code(error::service_not_found).category() == error::get_addrinfo_category());
    CHECK(&error::get_misc_category() == &error::get_misc_category());
}

TEST_CASE("every error has a message of its own", "[core][error]") {
    const std::string unknown = error_code(9999, error::get_misc_category()).message();
    for (const auto e : {error::already_open, error::eof, error::not_found, error::fd_set_failure}) {
        CHECK_FALSE(error_code(e).message().empty());
        CHECK(error_code(e).message() != unknown);
    }
    for (const auto e : {error::host_not_found, error::host_not_found_try_again, error::no_data, error::no_recovery})
        CHECK(error_code(e).message() != error_code(9999, error::get_netdb_category()).message());
    for (const auto e : {error::service_not_found, error::socket_type_not_supported})
        CHECK(error_code(e).message() != error_code(9999, error::get_addrinfo_category()).message());
    CHECK(error_code(error::eof).message() == "End of file");
}

TEST_CASE("no error of the library is success, and errors differ between the categories", "[core][error]") {
    CHECK(error_code(error::already_open).failed());
    CHECK(error_code(error::eof).failed());
    CHECK(error_code(error::already_open) != error_code(error::already_open, error::get_system_category()));
    CHECK_FALSE(error_code().failed());
}

TEST_CASE("throw_if() throws the error with what was done, or nothing", "[core][error]") {
    rill::throw_if(error_code(), "connect");
    try {
        rill::throw_if(error::connection_refused, "connect");
        FAIL("nothing was thrown");
    } catch (const rill::system_error& e) {
        CHECK(e.code() == error::connection_refused);
        CHECK(std::string(e.what()).find("connect") == 0);
    }
}
