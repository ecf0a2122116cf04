// SPDX-License-Identifier: BSL-1.0

// A completion token of one's own: `finish{context}` runs the context until the operation is done and returns its
// results, so that it reads like a blocking call; it works with every operation. Run: own_token

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

struct finish {
    rill::io_context& context;
};

/// How an operation whose handler is called with an error_code and Results is started with that token.
template <class... Results>
class rill::async_result<finish, void(rill::error_code, Results...)> {
public:
    template <class Initiation, class... Args>
    static std::tuple<Results...> initiate(Initiation&& initiation, finish token, Args&&... args) {
        using answer = std::optional<std::tuple<rill::error_code, Results...>>;
        auto result = std::make_shared<answer>();  // shared: if a handler throws, this function ends first
        token.context.restart();
        std::forward<Initiation>(initiation)(
            [result](rill::error_code error, Results... results) { result->emplace(error, std::move(results)...); },
            std::forward<Args>(args)...);
        while (!*result)
            if (token.context.run_one() == 0)
                throw std::logic_error("the context was stopped");
        return std::apply(
            [](rill::error_code error, Results&... results) {
                rill::throw_if(error, "finish");
                return std::tuple<Results...>(std::move(results)...);
            },
            **result);
    }
};

int main() try {
    using rill::local::stream_protocol;
    rill::io_context context(1);
    stream_protocol::socket ours(context);
    stream_protocol::socket theirs(context);
    rill::local::connect_pair(ours, theirs);

    rill::steady_timer timer(context, std::chrono::milliseconds(10));
    timer.async_wait(finish{context});

    auto [written] = rill::async_write(theirs, rill::buffer("ten bytes!", 10), finish{context});
    std::string text(written, '\0');
    rill::async_read(ours, rill::buffer(text), finish{context});
    std::cout << text << '\n';

    theirs.close();
    ours.async_read_some(rill::buffer(text), finish{context});  // throws: there is no more
} catch (const rill::system_error& e) {
    std::cout << e.what() << '\n';
    return e.code() == rill::error::eof ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
