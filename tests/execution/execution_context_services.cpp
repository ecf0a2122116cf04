// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/execution_context.hpp>

#include <support/alone.hpp>
#include <support/catch.hpp>
#include <support/counting_allocator.hpp>

#include <csignal>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using rill::execution_context;

namespace {

std::string journal;

/// Notes what happens to it: a made, A shut down, (a) destroyed, and the acts of a fork.
template <char Name>
class noted : public execution_context::service {
public:
    explicit noted(execution_context& ctx) : service(ctx) { journal += Name; }
    ~noted() override {
        if (on_destruction)
            on_destruction();
        journal += std::string("(") + Name + ")";
    }

    std::function<void()> on_shutdown, on_destruction, on_fork;

private:
    void shutdown() override {
        journal += static_cast<char>(Name - 'a' + 'A');
        if (on_shutdown)
            on_shutdown();
    }
    void notify_fork(execution_context::fork_event event) override {
        journal += Name;
        journal += event == execution_context::fork_prepare ? '?' : event == execution_context::fork_parent ? 'p' : 'c';
        if (on_fork)
            on_fork();
    }
};

using a_service = noted<'a'>;
using b_service = noted<'b'>;
using c_service = noted<'c'>;

/// Makes @p Used in its constructor, and then throws.
template <class Used>
class failing_user : public execution_context::service {
public:
    explicit failing_user(execution_context& ctx) : service(ctx) {
        rill::use_service<Used>(ctx);
        throw std::runtime_error("no");
    }

private:
    void shutdown() override {}
};

class needs_itself : public execution_context::service {
public:
    explicit needs_itself(execution_context& ctx) : service(ctx), same(rill::use_service<needs_itself>(ctx)) {}
    needs_itself& same;

private:
    void shutdown() override {}
};

class with_id : public execution_context::service {
public:
    static inline execution_context::id id;
    using service::service;

private:
    void shutdown() override {}
};

class derived_with_id final : public with_id {
public:
    explicit derived_with_id(execution_context& ctx) : with_id(ctx) {}
};

class own_context : public execution_context {};

class for_own_context final : public execution_context::service {
public:
    explicit for_own_context(own_context& ctx) : service(ctx), own(ctx) {}
    own_context& own;

private:
    void shutdown() override {}
};

/// Lies in memory of its context, with more of it.
class keeper : public execution_context::service {
public:
    explicit keeper(execution_context& ctx) : service(ctx), kept(1000, 7, allocator(ctx)) {}

    using allocator = execution_context::allocator<int>;
    std::vector<int, allocator> kept;

private:
    void shutdown() override {}
};

class alignas(128) wide final : public execution_context::service {
public:
    explicit wide(execution_context& ctx) : service(ctx) {}

private:
    void shutdown() override {}
};

struct makes_b_and_a final : execution_context::service_maker {
    void make(execution_context& ctx) const override {
        rill::make_service<b_service>(ctx);
        rill::use_service<a_service>(ctx);
        if (fails)
            throw std::runtime_error("no");
    }
    bool fails = false;
};

}  // namespace

TEST_CASE("all services are shut down before any is destroyed", "[execution][execution_context]") {
    journal.clear();
    {
        execution_context ctx;
        rill::use_service<b_service>(ctx);
        rill::use_service<c_service>(ctx);
        rill::use_service<a_service>(ctx);
    }
    CHECK(journal == "bcaACB(a)(c)(b)");
}

TEST_CASE("a service may use others while it is shut down and destroyed", "[execution][execution_context]") {
    journal.clear();
    {
        execution_context ctx;
        auto& a = rill::use_service<a_service>(ctx);
        auto& b = rill::use_service<b_service>(ctx);
        b.on_shutdown = b.on_destruction = [&] { CHECK(&rill::use_service<a_service>(ctx) == &a); };
    }
    CHECK(journal == "abBA(b)(a)");
}

TEST_CASE("services made during shutdown and destruction are shut down and destroyed",
          "[execution][execution_context]") {
    journal.clear();
    {
        execution_context ctx;
        rill::use_service<a_service>(ctx).on_shutdown = [&] { rill::use_service<b_service>(ctx); };
    }
    CHECK(journal == "aAbB(b)(a)");
    journal.clear();
    {
        execution_context ctx;
        rill::use_service<a_service>(ctx).on_destruction = [&] { rill::use_service<b_service>(ctx); };
    }
    CHECK(journal == "aAb(a)B(b)");
}

TEST_CASE("a constructor that throws leaves no service, but those that it used", "[execution][execution_context]") {
    journal.clear();
    allocation_counts counts;
    {
        execution_context ctx(std::allocator_arg, counting_allocator<char>(counts));
        CHECK_THROWS_AS(rill::use_service<failing_user<a_service>>(ctx), std::runtime_error);
        CHECK_FALSE(rill::has_service<failing_user<a_service>>(ctx));
        CHECK(rill::has_service<a_service>(ctx));
        CHECK(counts.blocks == 2);  // the source itself, and a
        CHECK_THROWS_AS(rill::use_service<failing_user<a_service>>(ctx), std::runtime_error);  // it can be tried again
    }
    CHECK(journal == "aA(a)");
    CHECK(counts.blocks == 0);
}

TEST_CASE("alone a service needs itself", "[.]") {
    end_soon();
    execution_context ctx;
    rill::use_service<needs_itself>(ctx);
}

TEST_CASE("a service that needs itself ends the program", "[execution][execution_context]") {
    CHECK(run_alone("alone a service needs itself").aborted());
}

TEST_CASE("a service is found by the id that its class has or inherits", "[execution][execution_context]") {
    execution_context ctx;
    auto& service = rill::make_service<derived_with_id>(ctx);
    CHECK(&rill::use_service<with_id>(ctx) == &service);
    CHECK_THROWS_AS(rill::make_service<with_id>(ctx), rill::service_already_exists);
}

TEST_CASE("a service may be made with its context's own type", "[execution][execution_context]") {
    own_context ctx;
    CHECK(&rill::use_service<for_own_context>(ctx).own == &ctx);
    CHECK(rill::has_service<for_own_context>(ctx));
}

TEST_CASE("a context may have services from the beginning", "[execution][execution_context]") {
    journal.clear();
    { execution_context ctx{makes_b_and_a()}; }
    CHECK(journal == "baAB(a)(b)");
    journal.clear();
    makes_b_and_a failing;
    failing.fails = true;
    CHECK_THROWS_AS(execution_context(failing), std::runtime_error);
    CHECK(journal == "baAB(a)(b)");
}

TEST_CASE("services lie in memory of the context's allocator", "[execution][execution_context]") {
    journal.clear();
    allocation_counts counts;
    {
        execution_context ctx(std::allocator_arg, counting_allocator<void>(counts), makes_b_and_a());
        CHECK(counts.blocks == 3);
        auto& k = rill::use_service<keeper>(ctx);
        CHECK(k.kept.back() == 7);
        CHECK(counts.blocks == 5);
        CHECK(counts.bytes >= 1000 * sizeof(int) + sizeof(keeper));
        CHECK(reinterpret_cast<std::uintptr_t>(&rill::use_service<wide>(ctx)) % 128 == 0);
        CHECK(counts.blocks == 6);
        CHECK_THROWS_AS(rill::make_service<keeper>(ctx), rill::service_already_exists);
        CHECK(counts.blocks == 6);
        rill::add_service(ctx, new c_service(ctx));  // the caller's, and so from the global heap
        CHECK(counts.blocks == 6);
        counts.most = counts.all_blocks;
        CHECK_THROWS_AS(rill::use_service<with_id>(ctx), std::bad_alloc);
        CHECK_FALSE(rill::has_service<with_id>(ctx));
    }
    CHECK(counts.blocks == 0);
    CHECK(counts.bytes == 0);

    counts.most = counts.all_blocks + 2;
    CHECK_THROWS_AS(execution_context(std::allocator_arg, counting_allocator<int>(counts), makes_b_and_a()),
                    std::bad_alloc);
    CHECK(counts.blocks == 0);
}

TEST_CASE("services are told of a fork youngest first, and afterwards oldest first", "[execution][execution_context]") {
    execution_context ctx;
    ctx.notify_fork(execution_context::fork_prepare);
    rill::use_service<a_service>(ctx);
    rill::use_service<b_service>(ctx);
    rill::use_service<c_service>(ctx).on_fork = [&] { rill::use_service<a_service>(ctx); };
    journal.clear();
    ctx.notify_fork(execution_context::fork_prepare);
    CHECK(journal == "c?b?a?");
    journal.clear();
    ctx.notify_fork(execution_context::fork_parent);
    CHECK(journal == "apbpcp");
    journal.clear();
    ctx.notify_fork(execution_context::fork_event::child);
    CHECK(journal == "acbccc");
}

TEST_CASE("what a service throws when it is told of a fork arrives", "[execution][execution_context]") {
    execution_context ctx;
    rill::use_service<a_service>(ctx).on_fork = [] { throw std::runtime_error("no"); };
    CHECK_THROWS_AS(ctx.notify_fork(execution_context::fork_child), std::runtime_error);
}
