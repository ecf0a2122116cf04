// SPDX-License-Identifier: BSL-1.0

// What a library written on Asio does with it: use it, and open its namespace to specialise.

#include <boost/asio.hpp>

#include <utility>

struct store_in {
    int* target;
};

struct at_home {
    boost::asio::io_context* home;
    bool* ran;
    void operator()() const { *ran = true; }
};

namespace boost::asio {

template <>
struct async_result<store_in, void(int)> {
    template <class Initiation, class... Args>
    static void initiate(Initiation&& initiation, store_in token, Args&&... args) {
        std::forward<Initiation>(initiation)([target = token.target](int value) { *target = value; },
                                             std::forward<Args>(args)...);
    }
};

template <class Executor>
struct associated_executor<at_home, Executor> {
    using type = io_context::executor_type;
    static type get(const at_home& handler, const Executor& = Executor()) noexcept {
        return handler.home->get_executor();
    }
};

}  // namespace boost::asio

int main() {
    boost::asio::io_context ctx;
    boost::asio::io_context home;

    int stored = 0;
    const auto answer_42 = [&ctx](auto handler) {
        boost::asio::post(ctx, [handler = std::move(handler)]() mutable { std::move(handler)(42); });
    };
    boost::asio::async_initiate<store_in, void(int)>(answer_42, store_in{&stored});

    bool ran = false;
    boost::asio::post(ctx, at_home{&home, &ran});
    ctx.run();
    const bool waited = !ran;
    home.run();

    return stored == 42 && waited && ran ? 0 : 1;
}
