// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/append.hpp>
#include <rill/token/as_single.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/consign.hpp>
#include <rill/token/prepend.hpp>
#include <rill/token/redirect_disposition.hpp>
#include <rill/token/redirect_error.hpp>

#include <token/answer.hpp>

#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// Every adapter inside of every other. A model says what must come of them; tests walk through a part of the table each.

namespace token_test {

/// What an adapter, or several, make of an operation's results and characteristics.
struct model {
    std::vector<int> results;  // in order, taken out of tuples
    int arguments;             // of the handler
    bool error_in_front;       // the first of them is the error_code, by itself
    characteristics found;
    int colour = 0;
    int redirected_error = 0;      // what redirect_error() has put aside
    int redirected_exception = 0;  // and redirect_disposition()
};

/// A characteristic of a user's own.
template <class T, class Candidate>
struct associated_colour : rill::associator<associated_colour, T, Candidate> {};
template <class T, class Candidate>
    requires requires { T::colour; }
struct associated_colour<T, Candidate> {
    using type = int;
    static int get(const T&) noexcept { return T::colour; }
    static int get(const T&, const Candidate&) noexcept { return T::colour; }
};

template <class T>
inline constexpr bool has_colour = requires {
    typename associated_colour<T, char>::type;
};
template <class T>
int colour_of(const T& t) {
    if constexpr (has_colour<T>)
        return associated_colour<T, char>::get(t);
    else
        return 0;
}

/// The results of the operation in the table: an error_code with this value, a number, and one that can only be moved.
inline constexpr int error_number = 9;
inline const std::vector<int> all_results{error_number, 20, 30};

inline void flatten(std::vector<int>& to, int value) { to.push_back(value); }
inline void flatten(std::vector<int>& to, const rill::error_code& ec) { to.push_back(ec.value()); }
inline void flatten(std::vector<int>& to, const std::unique_ptr<int>& p) { to.push_back(*p); }
template <class... Ts>
void flatten(std::vector<int>& to, const std::tuple<Ts...>& t) {
    std::apply([&](const Ts&... each) { (flatten(to, each), ...); }, t);
}

/// It completes inside its initiating function: the table is long enough without queues.
struct initiate_at_once {
    using executor_type = rill::io_context::executor_type;

    rill::io_context* context;
    characteristics* found;
    int* colour;
    int error = error_number;

    executor_type get_executor() const noexcept { return context->get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, std::unique_ptr<int> last) const {
        *found = characteristics_of(handler);
        *colour = colour_of(handler);
        std::forward<Handler>(handler)(rill::error_code(error, rill::error::get_system_category()), 20,
                                       std::move(last));
    }
};

template <class Token>
auto async_at_once(initiate_at_once initiation, Token&& token) {
    return rill::async_initiate<Token, void(rill::error_code, int, std::unique_ptr<int>)>(initiation, token,
                                                                                          std::make_unique<int>(30));
}

/// What the adapters refer to.
struct surroundings {
    rill::io_context context;
    rill::error_code ec;
    std::exception_ptr exception;
    rill::cancellation_signal signal;

    int number_of_exception() const {
        try {
            rill::throw_exception(exception);
        } catch (const rill::system_error& e) {
            return e.code().value();
        }
        return 0;
    }
};

// One struct for each adapter: how a token is put into it, and what the model says of that.

struct tupled {
    static auto wrap(surroundings&, auto token) { return rill::as_tuple(std::move(token)); }
    static void expect(surroundings&, model& m) {
        m.arguments = 1;
        m.error_in_front = false;
    }
};

struct single {
    static auto wrap(surroundings&, auto token) { return rill::as_single(std::move(token)); }
    static void expect(surroundings&, model& m) {
        if (m.arguments > 1) {
            m.arguments = 1;
            m.error_in_front = false;
        }
    }
};

/// Takes the error_code away; 0 if there is none in front.
inline int take_error(model& m) {
    if (!m.error_in_front)
        return 0;
    const int error = m.results.front();
    m.results.erase(m.results.begin());
    --m.arguments;
    m.error_in_front = false;
    return error;
}

struct error_redirected {
    static auto wrap(surroundings& s, auto token) { return rill::redirect_error(std::move(token), s.ec); }
    static void expect(surroundings&, model& m) { m.redirected_error += take_error(m); }
};

struct disposition_redirected {
    static auto wrap(surroundings& s, auto token) { return rill::redirect_disposition(std::move(token), s.exception); }
    static void expect(surroundings&, model& m) { m.redirected_exception += take_error(m); }
};

struct appended {
    static auto wrap(surroundings&, auto token) {
        return rill::append(std::move(token), 40, std::make_unique<int>(50));
    }
    static void expect(surroundings&, model& m) {
        m.results.insert(m.results.end(), {40, 50});
        m.arguments += 2;
    }
};

struct prepended {
    static auto wrap(surroundings&, auto token) {
        return rill::prepend(std::move(token), std::make_unique<int>(60), 70);
    }
    static void expect(surroundings&, model& m) {
        m.results.insert(m.results.begin(), {60, 70});
        m.arguments += 2;
        m.error_in_front = false;
    }
};

struct consigned {
    static auto wrap(surroundings&, auto token) { return rill::consign(std::move(token), std::make_unique<int>(80)); }
    static void expect(surroundings&, model&) {}
};

struct on_executor {
    static auto wrap(surroundings& s, auto token) {
        return rill::bind_executor(numbered_executor{&s.context, 1}, std::move(token));
    }
    static void expect(surroundings&, model& m) { m.found.executor = 1; }
};

struct with_allocator {
    static auto wrap(surroundings&, auto token) {
        return rill::bind_allocator(numbered_allocator<void>(2), std::move(token));
    }
    static void expect(surroundings&, model& m) { m.found.allocator = 2; }
};

struct on_immediate_executor {
    static auto wrap(surroundings& s, auto token) {
        return rill::bind_immediate_executor(numbered_executor{&s.context, 3}, std::move(token));
    }
    static void expect(surroundings&, model& m) { m.found.immediate_executor = 3; }
};

struct with_slot {
    static auto wrap(surroundings& s, auto token) {
        return rill::bind_cancellation_slot(s.signal.slot(), std::move(token));
    }
    static void expect(surroundings& s, model& m) {
        m.found.has_slot = true;
        m.found.slot = s.signal.slot();
    }
};

/// Calls visit.template operator()<Adapter>() for each of them.
template <class Visit>
void for_each_adapter(Visit visit) {
    const auto visit_all = [&]<class... Adapters>(std::tuple<Adapters...>*) {
        (visit.template operator()<Adapters>(), ...);
    };
    visit_all(
        static_cast<std::tuple<tupled, single, error_redirected, disposition_redirected, appended, prepended, consigned,
                               on_executor, with_allocator, on_immediate_executor, with_slot>*>(nullptr));
}

/// What the model says of Outer around Inner around a token with the characteristics of @p m.
template <class Outer, class Inner>
model expected(surroundings& s, model m = {all_results, 3, true, {}}) {
    Outer::expect(s, m);  // nearest to the operation
    Inner::expect(s, m);
    return m;
}

/// A handler that can only be moved, and answers for nothing itself.
struct plain_handler {
    std::vector<int>* results;
    int* arguments;
    std::unique_ptr<int> own = std::make_unique<int>();

    void operator()(auto... result) && {
        *arguments = sizeof...(result);
        (flatten(*results, result), ...);
    }
};

/// One that answers for everything.
struct rich_handler : plain_handler {
    using executor_type = numbered_executor;
    using allocator_type = numbered_allocator<void>;
    using immediate_executor_type = numbered_executor;
    using cancellation_slot_type = rill::cancellation_slot;

    static constexpr int colour = 105;
    rill::cancellation_slot slot;

    executor_type get_executor() const noexcept { return {nullptr, 101}; }
    allocator_type get_allocator() const noexcept { return allocator_type(102); }
    immediate_executor_type get_immediate_executor() const noexcept { return {nullptr, 103}; }
    cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
};

}  // namespace token_test
