// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/execution_context.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using rill::execution_context;

namespace {

std::string journal;
std::mutex journal_mutex;

template <char Name>
class noted_service : public execution_context::service {
public:
    explicit noted_service(execution_context& ctx, int v = 0) : service(ctx), value(v) { ++made; }
    ~noted_service() override {
        const std::lock_guard lock(journal_mutex);  // the loser of a race to make one dies on its thread
        journal += Name;
    }

    int value;
    static inline std::atomic<int> made{0};

private:
    void shutdown() override { journal += static_cast<char>(Name - 'a' + 'A'); }
};

using a_service = noted_service<'a'>;
using b_service = noted_service<'b'>;

/// Needs another service from the start.
class user_of_a : public execution_context::service {
public:
    explicit user_of_a(execution_context& ctx) : service(ctx), a(rill::use_service<a_service>(ctx)) {}
    a_service& a;

private:
    void shutdown() override {}
};

class interface : public execution_context::service {
public:
    using key_type = interface;
    virtual int answer() const = 0;

protected:
    using service::service;
};

class implementation final : public interface {
public:
    explicit implementation(execution_context& ctx) : interface(ctx) {}
    int answer() const override { return 42; }

private:
    void shutdown() override {}
};

class failing : public execution_context::service {
public:
    explicit failing(execution_context& ctx) : service(ctx) { throw std::runtime_error("no"); }

private:
    void shutdown() override {}
};

}  // namespace

TEST_CASE("a service is made on first use, once for each context", "[execution][execution_context]") {
    execution_context one, two;
    CHECK_FALSE(rill::has_service<a_service>(one));
    auto& a = rill::use_service<a_service>(one);
    CHECK(rill::has_service<a_service>(one));
    CHECK(&rill::use_service<a_service>(one) == &a);
    CHECK(&a.context() == &one);
    CHECK_FALSE(rill::has_service<b_service>(one));
    CHECK(&rill::use_service<a_service>(two) != &a);
}

TEST_CASE("services are shut down, then destroyed, the youngest first", "[execution][execution_context]") {
    journal.clear();
    {
        execution_context ctx;
        rill::use_service<a_service>(ctx);
        rill::use_service<b_service>(ctx);
    }
    CHECK(journal == "BAba");
}

TEST_CASE("a service may use another in its constructor", "[execution][execution_context]") {
    journal.clear();
    {
        execution_context ctx;
        auto& user = rill::use_service<user_of_a>(ctx);
        CHECK(&user.a == &rill::use_service<a_service>(ctx));
    }
    CHECK(journal == "Aa");
}

TEST_CASE("make_service() passes arguments and refuses a second service", "[execution][execution_context]") {
    execution_context ctx;
    CHECK(rill::make_service<a_service>(ctx, 7).value == 7);
    journal.clear();
    CHECK_THROWS_AS(rill::make_service<a_service>(ctx, 8), rill::service_already_exists);
    CHECK(journal == "a");  // the second one
    CHECK(rill::use_service<a_service>(ctx).value == 7);
}

TEST_CASE("add_service() takes a service that was made for the context", "[execution][execution_context]") {
    execution_context ctx, other;
    auto* mine = new a_service(ctx, 3);
    rill::add_service(ctx, mine);
    CHECK(&rill::use_service<a_service>(ctx) == mine);
    a_service second(ctx);
    CHECK_THROWS_AS(rill::add_service(ctx, &second), rill::service_already_exists);
    CHECK_THROWS_AS(rill::add_service(other, &second), rill::invalid_service_owner);
    CHECK_FALSE(rill::has_service<a_service>(other));
}

TEST_CASE("a service is found by its key type", "[execution][execution_context]") {
    execution_context ctx;
    rill::make_service<implementation>(ctx);
    CHECK(rill::has_service<interface>(ctx));
    CHECK(rill::use_service<implementation>(ctx).answer() == 42);
}

TEST_CASE("a service whose constructor throws is not there", "[execution][execution_context]") {
    execution_context ctx;
    CHECK_THROWS_AS(rill::use_service<failing>(ctx), std::runtime_error);
    CHECK_FALSE(rill::has_service<failing>(ctx));
}

TEST_CASE("threads that use a service at once get the same one", "[execution][execution_context]") {
    for (int i = 0; i < 100; ++i) {
        execution_context ctx;
        std::atomic<int> ready{0};
        a_service* found[2] = {};
        std::vector<std::thread> threads;
        for (auto& f : found)
            threads.emplace_back([&] {
                ++ready;
                while (ready != 2)
                    std::this_thread::yield();
                f = &rill::use_service<a_service>(ctx);
            });
        for (auto& t : threads)
            t.join();
        CHECK(found[0] == found[1]);
    }
    journal.clear();
}
