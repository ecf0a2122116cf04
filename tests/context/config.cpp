// SPDX-License-Identifier: BSL-1.0
#include <rill/context/config.hpp>

#include <rill/context/io_context.hpp>

#include <support/catch.hpp>
#include <support/environment.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

using rill::config;
using rill::config_from_env;
using rill::config_from_string;
using rill::execution_context;

namespace {

/// What is said when a context is made so; empty if nothing is wrong.
std::string complaint(const execution_context::service_maker& maker) {
    try {
        const execution_context ctx(maker);
    } catch (const rill::system_error& e) {
        CHECK(e.code() == rill::error::invalid_argument);
        return e.what();
    }
    return {};
}

bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

/// One's own configuration, with one key of the library and one of one's own.
class own_config final : public rill::config_service {
public:
    own_config(execution_context& ctx, const char* hint) : config_service(ctx), hint_(hint) {}

    const char* get_value(const char* section, const char* key, char* buffer, std::size_t size) const override {
        const std::string_view name(key);
        if (section == std::string_view("scheduler") && name == "concurrency_hint")
            return hint_;
        if (section != std::string_view("own") || name.size() >= size)
            return nullptr;
        return std::strcpy(buffer, key);  // the name of a key is its value
    }

private:
    const char* hint_;
};

struct makes_own_config final : execution_context::service_maker {
    explicit makes_own_config(const char* h = "1") : hint(h) {}
    void make(execution_context& ctx) const override { rill::make_service<own_config>(ctx, hint); }
    const char* hint;
};

}  // namespace

TEST_CASE("a context that was not configured has no values", "[context][config]") {
    execution_context ctx;
    const config values(ctx);
    CHECK(values.get("scheduler", "concurrency_hint", 7) == 7);
    CHECK(values.get("reactor", "backend", "none") == "none");
}

TEST_CASE("a configuration is read from a string", "[context][config]") {
    execution_context ctx(config_from_string("# how many threads\n"
                                             "scheduler.concurrency_hint=12\n"
                                             "\n"
                                             "  reactor.backend = poll \r\n"
                                             "reactor.use_timerfd=false\n"
                                             "reactor.preallocated_io_objects=1\n"
                                             "reactor.preallocated_io_objects=4294967295"));
    const config values(ctx);
    CHECK(values.get("scheduler", "concurrency_hint", 0) == 12);
    CHECK(values.get("scheduler", "concurrency_hint", std::int8_t{0}) == 12);
    CHECK(values.get("reactor", "backend", "") == "poll");
    CHECK(values.get("reactor", "use_timerfd", true) == false);
    CHECK(values.get("reactor", "preallocated_io_objects", 0u) == 4294967295u);  // the last one counts
    CHECK(values.get("reactor", "preallocated_io_objects", std::int64_t{0}) == 4294967295);
    CHECK(values.get("reactor", "no such key", 5) == 5);
    CHECK(values.get("no such section", "backend", 5) == 5);
}

TEST_CASE("a negative number is read as one", "[context][config]") {
    execution_context ctx(config_from_string("scheduler.concurrency_hint=-2147483648"));
    const config values(ctx);
    CHECK(values.get("scheduler", "concurrency_hint", 0) == -2147483647 - 1);
    CHECK(values.get("scheduler", "concurrency_hint", 0ll) == -2147483648ll);
    CHECK_THROWS_AS(values.get("scheduler", "concurrency_hint", 0u), rill::system_error);
    CHECK_THROWS_AS(values.get("scheduler", "concurrency_hint", std::int16_t{0}), rill::system_error);
}

TEST_CASE("a string may be shared with others by a prefix", "[context][config]") {
    execution_context ctx(config_from_string("other.scheduler.concurrency_hint=x\n"
                                             "app.scheduler.concurrency_hint=3\n"
                                             "application.colour=blue\n"
                                             "not even a key\n",
                                             "app"));
    CHECK(config(ctx).get("scheduler", "concurrency_hint", 0) == 3);
    CHECK(says(complaint(config_from_string("app.colour=blue", "app")), "unknown key colour"));
}

TEST_CASE("an unknown key is an error that names it, its value and the known ones", "[context][config]") {
    const std::string what = complaint(config_from_string("scheduler.concurency_hint=1"));
    CHECK(says(what, "unknown key scheduler.concurency_hint with the value '1'"));
    for (const char* known :
         {"scheduler.concurrency_hint", "reactor.backend", "reactor.preallocated_io_objects", "reactor.use_timerfd"})
        CHECK(says(what, known));
    CHECK(says(complaint(config_from_string("concurrency_hint=1")), "unknown key concurrency_hint"));
    CHECK(says(complaint(config_from_string("=1")), "unknown key"));
}

TEST_CASE("a bad value is an error that names key, value and what is allowed", "[context][config]") {
    const auto [line, key, value, allowed] = GENERATE(table<const char*, const char*, const char*, const char*>({
        {"scheduler.concurrency_hint=two", "scheduler.concurrency_hint", "'two'", "an integer"},
        {"scheduler.concurrency_hint=", "scheduler.concurrency_hint", "''", "an integer"},
        {"scheduler.concurrency_hint=1 2", "scheduler.concurrency_hint", "'1 2'", "an integer"},
        {"scheduler.concurrency_hint=2147483648", "scheduler.concurrency_hint", "'2147483648'", "an integer"},
        {"reactor.backend=kqueue", "reactor.backend", "'kqueue'", "best, epoll, io_uring, poll"},
        {"reactor.backend", "line", "'reactor.backend'", "section.key=value"},
        {"reactor.use_timerfd=2", "reactor.use_timerfd", "'2'", "0, 1, false, true"},
        {"reactor.preallocated_io_objects=-1", "reactor.preallocated_io_objects", "'-1'", "from 0"},
    }));
    const std::string what = complaint(config_from_string(line));
    INFO(what);
    CHECK(says(what, key));
    CHECK(says(what, value));
    CHECK(says(what, allowed));
}

TEST_CASE("a configuration is read from the environment", "[context][config]") {
    ::unsetenv("RILL_TEST_RACES");  // of the tests
    const environment_variable hint("RILL_SCHEDULER_CONCURRENCY_HINT", "5");
    const environment_variable empty("RILL_REACTOR_USE_TIMERFD", "");
    const environment_variable backend("RILL_BACKEND", "poll");  // known, but not of the configuration
    const environment_variable own("MY_APP_REACTOR_PREALLOCATED_IO_OBJECTS", "9");
    const environment_variable bare("REACTOR_PREALLOCATED_IO_OBJECTS", "8");
    execution_context ctx{config_from_env()};
    CHECK(config(ctx).get("scheduler", "concurrency_hint", 0) == 5);
    CHECK(config(ctx).get("reactor", "use_timerfd", true));
    CHECK(config(ctx).get("reactor", "preallocated_io_objects", 0) == 0);
    CHECK(config(ctx).get("reactor", "backend", "").empty());
    execution_context mine{config_from_env("my_app")};
    CHECK(config(mine).get("scheduler", "concurrency_hint", 0) == 0);
    CHECK(config(mine).get("reactor", "preallocated_io_objects", 0) == 9);
    execution_context without_prefix{config_from_env("")};
    CHECK(config(without_prefix).get("reactor", "preallocated_io_objects", 0) == 8);
}

TEST_CASE("unknown variables and bad values are errors that name them", "[context][config]") {
    ::unsetenv("RILL_TEST_RACES");
    {
        const environment_variable wrong("MY_APP_SCHEDULER_THREADS", "5");
        const std::string what = complaint(config_from_env("my_app"));
        CHECK(says(what, "unknown key MY_APP_SCHEDULER_THREADS with the value '5'"));
        CHECK(says(what, "MY_APP_SCHEDULER_CONCURRENCY_HINT"));
        CHECK(complaint(config_from_env()).empty());
    }
    const environment_variable wrong("MY_APP_REACTOR_USE_TIMERFD", "maybe");
    const std::string what = complaint(config_from_env("my_app"));
    CHECK(says(what, "MY_APP_REACTOR_USE_TIMERFD is 'maybe'; allowed: 0, 1, false, true"));
    CHECK(says(complaint(config_from_env("my_app_reactor")), "unknown key MY_APP_REACTOR_USE_TIMERFD"));
}

TEST_CASE("a configuration may be the number of threads alone", "[context][config]") {
    execution_context one(rill::config_from_concurrency_hint(1));
    CHECK(config(one).get("scheduler", "concurrency_hint", 0) == 1);
    execution_context any{rill::config_from_concurrency_hint()};
    CHECK(config(any).get("scheduler", "concurrency_hint", 0) == -1);
}

TEST_CASE("a configuration may be one's own, with keys of one's own", "[context][config]") {
    execution_context ctx{makes_own_config()};
    const config values(ctx);
    CHECK(values.get("scheduler", "concurrency_hint", 0) == 1);
    CHECK(values.get("own", "25", std::uint8_t{0}) == 25);
    CHECK(values.get("own", "blue", "red") == "blue");
    CHECK(values.get("own", "true", false));
    CHECK(values.get("other", "25", 1) == 1);
    CHECK_THROWS_AS(values.get("own", "blue", 0), rill::system_error);
    CHECK_THROWS_AS(values.get("own", "256", std::uint8_t{0}), rill::system_error);
    CHECK_THROWS_AS(values.get("own", "2", false), rill::system_error);
    CHECK_THROWS_AS(values.get("own", "18446744073709551616", 0ull), rill::system_error);
    CHECK(values.get("own", "18446744073709551615", 0ull) == 18446744073709551615ull);
}

TEST_CASE("an io_context does as its configuration says", "[context][config]") {
    rill::io_context poll(config_from_string("reactor.backend=poll\nscheduler.concurrency_hint=1"));
    CHECK(poll.backend_name() == std::string("poll"));
    CHECK(rill::loop_of_context(poll)->solo());
    rill::io_context epoll(config_from_string("reactor.backend=epoll\nreactor.use_timerfd=0"));
    CHECK(epoll.backend_name() == std::string("epoll"));
    CHECK_FALSE(rill::loop_of_context(epoll)->solo());
    const environment_variable variable("RILL_BACKEND", "poll");
    CHECK(rill::io_context(config_from_string("reactor.backend=best")).backend_name() == std::string("poll"));
    CHECK(rill::io_context(config_from_string("reactor.backend=epoll")).backend_name() == std::string("epoll"));
    CHECK(rill::loop_of_context(*std::make_unique<rill::io_context>(makes_own_config()))->solo());
    CHECK_THROWS_AS(rill::io_context(config_from_string("reactor.backend=none")), rill::system_error);
    CHECK_THROWS_AS(rill::io_context(makes_own_config("none")), rill::system_error);
}
