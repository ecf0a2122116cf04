// SPDX-License-Identifier: BSL-1.0
#include <rill/token/async_result.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <memory>
#include <string>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;

namespace {

struct move_only_handler {
    std::unique_ptr<int> own = std::make_unique<int>(1);
    std::size_t* result = nullptr;
    void operator()(error_code, std::size_t n) && { *result = n; }
};

struct copyable_handler {
    std::size_t* result = nullptr;
    void operator()(error_code, std::size_t n) const { *result = n; }
};

struct immovable_handler {
    immovable_handler() = default;
    immovable_handler(const immovable_handler&) = delete;
    immovable_handler& operator=(const immovable_handler&) = delete;
    void operator()(error_code, std::size_t) const {}
};

/// A user's token: the results are put where it points, and the initiating function returns its name.
struct store_in {
    std::string name;
    std::size_t* target = nullptr;
};

/// A user's token for operations that end in two ways.
struct either {
    int* way = nullptr;
};

std::size_t stored = 0;
void store(error_code, std::size_t n) { stored = n; }

}  // namespace

template <rill::completion_signature... Signatures>
class rill::async_result<store_in, Signatures...> {
public:
    template <class Initiation, class... Args>
    static std::string initiate(Initiation&& initiation, store_in token, Args&&... args) {
        std::forward<Initiation>(initiation)([target = token.target](auto, std::size_t n) { *target = n; },
                                             std::forward<Args>(args)...);
        return token.name;
    }
};

template <>
class rill::async_result<either, void(int), void(std::string)> {
public:
    template <class Initiation, class... Args>
    static int& initiate(Initiation&& initiation, const either& token, Args&&... args) {
        struct handler {
            int* way;
            void operator()(int) { *way = 1; }
            void operator()(const std::string&) { *way = 2; }
        };
        std::forward<Initiation>(initiation)(handler{token.way}, std::forward<Args>(args)...);
        return *token.way;
    }
};

TEST_CASE("a completion signature is a function type that returns void", "[token][async_result]") {
    STATIC_REQUIRE(rill::completion_signature<void()>);
    STATIC_REQUIRE(rill::completion_signature<void(error_code, std::size_t)>);
    STATIC_REQUIRE(rill::completion_signature<void(int) noexcept>);
    STATIC_REQUIRE(!rill::completion_signature<int()>);
    STATIC_REQUIRE(!rill::completion_signature<void>);
    STATIC_REQUIRE(!rill::completion_signature<void (*)()>);
}

TEST_CASE("a completion handler is movable and callable once with the results", "[token][async_result]") {
    STATIC_REQUIRE(rill::completion_handler_for<move_only_handler, void(error_code, std::size_t)>);
    STATIC_REQUIRE(rill::completion_handler_for<copyable_handler&, void(error_code, std::size_t)>);
    STATIC_REQUIRE(rill::completion_handler_for<decltype(store)&, void(error_code, std::size_t)>);
    STATIC_REQUIRE(!rill::completion_handler_for<move_only_handler&, void(error_code, std::size_t)>);
    STATIC_REQUIRE(!rill::completion_handler_for<immovable_handler, void(error_code, std::size_t)>);
    STATIC_REQUIRE(!rill::completion_handler_for<copyable_handler, void(std::string)>);
    STATIC_REQUIRE(!rill::completion_handler_for<copyable_handler, void(error_code, std::size_t), void(std::string)>);
}

TEST_CASE("a token is a handler or what async_result is specialised for", "[token][async_result]") {
    using signature = void(error_code, std::size_t);
    STATIC_REQUIRE(rill::completion_token_for<move_only_handler, signature>);
    STATIC_REQUIRE(!rill::completion_token_for<move_only_handler&, signature>);
    STATIC_REQUIRE(rill::completion_token_for<const copyable_handler&, signature>);
    STATIC_REQUIRE(rill::completion_token_for<decltype(store)&, signature>);
    STATIC_REQUIRE(!rill::completion_token_for<immovable_handler&, signature>);
    STATIC_REQUIRE(!rill::completion_token_for<int, signature>);
    STATIC_REQUIRE(rill::completion_token_for<store_in, signature>);
    STATIC_REQUIRE(rill::completion_token_for<const store_in&, signature>);
    STATIC_REQUIRE(rill::completion_token_for<either, void(int), void(std::string)>);
    STATIC_REQUIRE(!rill::completion_token_for<either, void(int)>);
}

TEST_CASE("a handler is called with the results, from the context and not from the initiating function",
          "[token][async_result]") {
    rill::io_context ctx;
    std::size_t first = 0;
    std::size_t second = 0;
    copyable_handler lvalue{&first};
    async_answer({&ctx}, {}, 3, lvalue);
    async_answer({&ctx}, {}, 4, move_only_handler{.result = &second});
    async_answer({&ctx}, {}, 5, store);
    async_answer({&ctx}, {}, 6, &store);
    CHECK(first == 0);
    CHECK(stored == 0);
    CHECK(ctx.run() == 4);
    CHECK(first == 3);
    CHECK(second == 4);
    CHECK(stored == 6);
    CHECK(lvalue.result == &first);
}

TEST_CASE("an lvalue token is copied, an rvalue moved", "[token][async_result]") {
    rill::io_context ctx;
    auto count = std::make_shared<int>(0);
    auto handler = [count](error_code, std::size_t) { ++*count; };
    async_answer({&ctx}, {}, 0, handler);
    ctx.run();
    ctx.restart();
    CHECK(count.use_count() == 2);
    async_answer({&ctx}, {}, 0, std::move(handler));
    ctx.run();
    CHECK(count.use_count() == 1);
    CHECK(*count == 2);
}

TEST_CASE("a user's own token decides what the initiating function returns", "[token][async_result]") {
    rill::io_context ctx;
    std::size_t n = 0;
    const store_in token{"name", &n};
    CHECK(async_answer({&ctx}, {}, 8, token) == "name");
    ctx.run();
    CHECK(n == 8);
}

TEST_CASE("async_initiate takes the token as an lvalue and as an rvalue", "[token][async_result]") {
    std::size_t n = 0;
    const auto answer = [](auto handler, std::size_t value) { std::move(handler)(error_code(), value); };
    using signature = void(error_code, std::size_t);

    rill::async_initiate<store_in, signature>(answer, store_in{"", &n}, 1u);
    CHECK(n == 1);
    store_in token{"still here", &n};
    rill::async_initiate<store_in&, signature>(answer, token, 2u);
    CHECK(n == 2);
    CHECK(token.name == "still here");
    rill::async_initiate<const store_in&, signature>(answer, std::as_const(token), 3u);
    CHECK(n == 3);
    CHECK(rill::async_initiate<store_in, signature>(answer, token, 4u) == "still here");
    CHECK(n == 4);
    CHECK(token.name.empty());  // as by std::move: the token type is not a reference
}

TEST_CASE("an operation may have several signatures, and a token return a reference", "[token][async_result]") {
    int way = 0;
    auto start = [](auto result, auto&& token) -> decltype(auto) {
        return rill::async_initiate<decltype(token), void(int), void(std::string)>(
            [](auto handler, auto r) { std::move(handler)(std::move(r)); }, token, std::move(result));
    };
    CHECK(&start(1, either{&way}) == &way);
    CHECK(way == 1);
    start(std::string("two"), either{&way});
    CHECK(way == 2);
}

TEST_CASE("the signature of what launches an operation can be found out", "[token][async_result]") {
    rill::io_context ctx;
    auto launch = [&ctx]<class Token>(Token&& token) {
        return async_answer({&ctx}, {}, 0, std::forward<Token>(token));
    };
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of_t<decltype(launch)>, void(error_code, std::size_t)>);
    STATIC_REQUIRE(rill::is_async_operation<decltype(launch)>::value);
    STATIC_REQUIRE(!rill::is_async_operation<int>::value);
    CHECK(ctx.run() == 0);
}

TEST_CASE("the default token is the executor's, or else deferred", "[token][async_result]") {
    struct own {
        using default_completion_token_type = store_in;
    };
    STATIC_REQUIRE(std::is_same_v<rill::default_completion_token_t<own>, store_in>);
    STATIC_REQUIRE(std::is_same_v<rill::default_completion_token_t<rill::io_context::executor_type>, rill::deferred_t>);
}

namespace {

/// An operation that wants to know something besides.
struct operation_with_argument {
    template <class Token>
    auto operator()(Token&& token, int n) const {
        return rill::async_initiate<Token, void(int)>([](auto handler, int result) { std::move(handler)(result); },
                                                      token, n);
    }
};

}  // namespace

TEST_CASE("an operation's signature is known with arguments behind the token", "[token][async_result]") {
    STATIC_REQUIRE(rill::async_operation<operation_with_argument, int>);
    STATIC_REQUIRE(!rill::async_operation<operation_with_argument>);
    STATIC_REQUIRE(rill::is_async_operation<operation_with_argument, int>::value);
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of<operation_with_argument, int>::type, void(int)>);
}
