// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/completed_handler.hpp>
#include <rill/compose/io_executors.hpp>
#include <rill/core/cancellation_state.hpp>
#include <rill/core/error.hpp>
#include <rill/coroutine/control_flow.hpp>
#include <rill/coroutine/operation_awaiter.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <coroutine>
#include <cstddef>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Executors, class Implementation, class... Signatures>
class initiate_co_composed;

}  // namespace rill::engine

namespace rill {

/// Makes a function object that starts an asynchronous operation, for async_initiate(), out of a coroutine.
///
/// Data     @p implementation is a function whose first parameter is `auto state`, by value, and which returns void; the
///          others are the arguments of async_initiate(). It may `co_await` operations that are given deferred, or a
///          token around it. It is kept until the operation completes, so a lambda may have captures. @p objects: I/O
///          objects or executors. Their contexts are kept at work until the operation completes
/// Result   one of Signatures: what is in `co_return {results...}` or `co_yield state.complete(results...)`. A completion
///          before the first suspension is delivered after the initiating function
/// Errors   of awaited operations: thrown as system_error. What leaves the coroutine as an exception leaves the initiating
///          function, or run(): the final handler is then destroyed uncalled
/// Cancels  terminal, unless state.reset_cancellation_state() says otherwise: it reaches the operation that is awaited, and
///          is seen by state.cancelled(). After state.throw_if_cancelled(true) the next co_await throws
///          operation_aborted
/// Throws   std::bad_alloc; what the coroutine throws before it first suspends
template <completion_signature... Signatures, class Implementation, class... IoObjectsOrExecutors>
auto co_composed(Implementation&& implementation, IoObjectsOrExecutors&&... objects) {
    static_assert(sizeof...(Signatures) != 0, "co_composed<Signatures...>: name the completion signatures");
    using executors = engine::io_executors_of<IoObjectsOrExecutors...>;
    return engine::initiate_co_composed<executors, std::decay_t<Implementation>, Signatures...>(
        executors(std::in_place, objects...), std::forward<Implementation>(implementation));
}

}  // namespace rill

// Implementation

namespace rill::engine {

template <class Signature>
struct signature_results;
template <class... Args>
struct signature_results<void(Args...)> {
    using type = std::tuple<std::decay_t<Args>...>;
};
template <class... Args>
struct signature_results<void(Args...) noexcept> : signature_results<void(Args...)> {};

/// The results of one of several signatures.
template <class... Signatures>
class results_of_one {
    using all = std::tuple<std::optional<typename signature_results<Signatures>::type>...>;

public:
    template <std::size_t I>
    using results = typename signature_results<std::tuple_element_t<I, std::tuple<Signatures*...>>>::type;

    /// The signature for Args: one with just these types, else one that takes them; the number of signatures if none.
    template <class... Args>
    static constexpr std::size_t index_for() {
        constexpr std::size_t n = sizeof...(Signatures);
        constexpr bool same[] = {
            std::is_same_v<typename signature_results<Signatures>::type, std::tuple<std::decay_t<Args>...>>...};
        constexpr bool takes[] = {signature_takes<Signatures, Args...>...};
        for (std::size_t i = 0; i != n; ++i)
            if (same[i])
                return i;
        for (std::size_t i = 0; i != n; ++i)
            if (takes[i])
                return i;
        return n;
    }

    template <std::size_t I, class... Args>
    void set(Args&&... args) {
        std::get<I>(all_).emplace(std::forward<Args>(args)...);
    }

    explicit operator bool() const noexcept {
        return std::apply([](const auto&... each) { return (each.has_value() || ...); }, all_);
    }

    /// Calls f(results...) with those that are set.
    template <class F>
    void apply(F&& f) {
        bool done = false;
        auto call = [&](auto& each) {
            if (each && !std::exchange(done, true))
                std::apply(std::forward<F>(f), std::move(*each));
        };
        std::apply([&](auto&... each) { (call(each), ...); }, all_);
    }

private:
    all all_;
};

template <class... Signature>
struct signature_results<void (*)(Signature...)> : signature_results<void(Signature...)> {};
template <class... Signature>
struct signature_results<void (*)(Signature...) noexcept> : signature_results<void(Signature...)> {};

/// What state.complete() returns, for co_yield.
template <std::size_t I, class Results>
struct co_composed_completion {
    Results results;
};

template <class Implementation, class Executors, class Handler, class... Signatures>
class co_composed_promise;

/// What co_composed() gives to a coroutine as its first argument.
template <class Implementation, class Executors, class Handler, class... Signatures>
class co_composed_state {
    using promise = co_composed_promise<Implementation, Executors, Handler, Signatures...>;

public:
    using io_executor_type = typename Executors::first;
    using executor_type = associated_executor_t<Handler, io_executor_type>;
    using allocator_type = associated_allocator_t<Handler>;

    co_composed_state(co_composed_state&&) noexcept = default;

    /// The executor of the first I/O object.
    io_executor_type get_io_executor() const noexcept { return promise_->io_executor(); }
    /// Where the coroutine runs: the final handler's executor.
    executor_type get_executor() const noexcept { return promise_->executor(); }
    allocator_type get_allocator() const noexcept { return get_associated_allocator(promise_->handler()); }

    cancellation_state get_cancellation_state() const noexcept { return promise_->cancellation(); }

    /// Forgets what has come in, and filters anew: terminal only, one filter for what cancelled() sees and what reaches
    /// the operations, or one for each.
    /// Throws  std::bad_alloc
    template <class... Filters>
        requires(sizeof...(Filters) <= 2)
    void reset_cancellation_state(Filters&&... filters) {
        promise_->reset_cancellation(std::forward<Filters>(filters)...);
    }

    /// What has come in; none if nothing. What comes in later reaches the operation that is awaited next.
    cancellation_type cancelled() const noexcept {
        promise_->look();
        return promise_->cancellation().cancelled();
    }

    /// Whether co_await throws operation_aborted after a cancellation; at first it does not.
    [[nodiscard]] bool throw_if_cancelled() const noexcept { return promise_->throws_if_cancelled(); }
    void throw_if_cancelled(bool on) noexcept { promise_->throws_if_cancelled(on); }

    /// Whether co_await after a cancellation ends the operation, with what on_cancellation_complete_with() was given.
    [[nodiscard]] bool complete_if_cancelled() const noexcept { return promise_->completes_if_cancelled; }
    void complete_if_cancelled(bool on) noexcept { promise_->completes_if_cancelled = on; }

    /// From now on co_await, instead of starting an operation after a cancellation, ends this one with @p results.
    template <class... Results>
    void on_cancellation_complete_with(Results&&... results) {
        promise_->results_if_cancelled = {};
        promise_->results_if_cancelled.template set<index_for<Results...>()>(std::forward<Results>(results)...);
    }

    /// `co_yield state.complete(results...)` ends the operation and the coroutine, with the signature that takes them.
    template <class... Results>
    [[nodiscard]] auto complete(Results&&... results) const {
        constexpr std::size_t i = index_for<Results...>();
        using tuple = typename results_of_one<Signatures...>::template results<i>;
        return co_composed_completion<i, tuple>{tuple(std::forward<Results>(results)...)};
    }

private:
    template <class, class, class, class...>
    friend class co_composed_promise;
    template <class, class, class...>
    friend class initiate_co_composed;

    /// What is given to the coroutine as it is made.
    struct setup {
        setup(Handler& h, const Executors& ex) noexcept : handler(h), executors(ex), outer(being_made) {
            being_made = this;
        }
        setup(const setup&) = delete;
        setup& operator=(const setup&) = delete;
        ~setup() { being_made = outer; }

        static inline constinit thread_local setup* being_made = nullptr;

        Handler& handler;
        const Executors& executors;
        Implementation* kept = nullptr;  // in its own memory; null if nothing is in it
        promise* made = nullptr;         // the coroutine
        setup* outer;
    };

    explicit co_composed_state(setup& s) noexcept : setup_(&s) {}

    template <class... Results>
    static constexpr std::size_t index_for() {
        constexpr std::size_t i = results_of_one<Signatures...>::template index_for<Results...>();
        static_assert(i != sizeof...(Signatures), "co_composed: the results fit none of the completion signatures");
        return i;
    }

    setup* setup_;                // until the promise is made
    promise* promise_ = nullptr;  // from then on
};

/// Takes what is in `co_return {...}`.
template <class Promise, std::size_t I, class Results>
struct co_composed_return {
    void return_value(Results results) { static_cast<Promise&>(*this).template end_with<I>(std::move(results)); }
};
template <class Promise, class Indices, class... Signatures>
struct co_composed_returns;
template <class Promise, std::size_t... I, class... Signatures>
struct co_composed_returns<Promise, std::index_sequence<I...>, Signatures...>
    : co_composed_return<Promise, I, typename signature_results<Signatures>::type>... {
    using co_composed_return<Promise, I, typename signature_results<Signatures>::type>::return_value...;
};

/// The frame of such a coroutine, with all of its operation: it lies in memory from the handler's allocator, which is
/// freed before the handler is called.
template <class Implementation, class Executors, class Handler, class... Signatures>
class co_composed_promise
    : public control_flow,
      public co_composed_returns<co_composed_promise<Implementation, Executors, Handler, Signatures...>,
                                 std::index_sequence_for<Signatures...>, Signatures...> {
    using state = co_composed_state<Implementation, Executors, Handler, Signatures...>;
    using setup = typename state::setup;
    using allocator = associated_allocator_t<Handler>;
    using results = results_of_one<Signatures...>;
    using kept_memory = operation_memory<Implementation, allocator>;

    static constexpr bool recycled = is_default_allocator<allocator>;

public:
    using executor_type = typename state::executor_type;
    using operation_allocator_type = std::conditional_t<recycled, flow_allocator<void>, allocator>;

    template <class... Params>
    explicit co_composed_promise(Params&... params) : co_composed_promise(&state_in(params...)) {}

    void get_return_object() const noexcept {}
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept { return end_awaiter{}; }
    void unhandled_exception() const { throw; }

    template <std::size_t I, class Results>
    auto yield_value(co_composed_completion<I, Results> completion) {
        end_with<I>(std::move(completion.results));
        return end_awaiter{};
    }

    template <class Operation>
        requires async_operation<std::decay_t<Operation>>
    auto await_transform(Operation&& operation) {
        const bool cancelled = !!cancellation().cancelled();
        if (cancelled && throws_if_cancelled()) [[unlikely]]
            throw_error(error::operation_aborted, "co_await");
        return step_awaiter<std::decay_t<Operation>>(*this, std::forward<Operation>(operation),
                                                     cancelled && completes_if_cancelled && results_if_cancelled);
    }

    template <std::size_t I, class Results>
    void end_with(Results&& r) {
        results_.template set<I>(std::forward<Results>(r));
    }

    // -- for the operations that it awaits

    executor_type executor() const noexcept { return get_associated_executor(handler_, io_executor_); }
    operation_allocator_type operation_allocator() noexcept {
        if constexpr (recycled)
            return operation_allocator_type(*this);
        else
            return get_associated_allocator(handler_);
    }

    void proceed(bool initiating = false) {
        bool ended = false;
        ended_ = &ended;
        try {
            frame().resume();
        } catch (...) {
            destroy();
            throw;
        }
        // Unless it has ended, it may be gone, or running elsewhere.
        if (ended)
            finish(initiating);
    }

    void destroy() noexcept {
        unbind();
        Handler unused(std::move(handler_));
        free(unused);
    }

    // -- for the state

    const typename Executors::first& io_executor() const noexcept { return io_executor_; }
    const Handler& handler() const noexcept { return handler_; }

    bool completes_if_cancelled = true;
    results results_if_cancelled;

    // -- the frame's memory

    // Not given the parameters of the coroutine: gcc 12 takes a template for one that does not match operator delete, and
    // says so where the user's coroutine is.
    static void* operator new(std::size_t size) {
        if constexpr (recycled) {
            return engine::allocate(size);
        } else {
            allocator a = get_associated_allocator(setup::being_made->handler);
            units memory(a);
            auto* block = std::to_address(std::allocator_traits<units>::allocate(memory, units_of(size)));
            ::new (allocator_in(block, size)) allocator(a);
            return block;
        }
    }
    static void operator delete(void* block, std::size_t size) noexcept {
        if constexpr (recycled) {
            engine::deallocate(block, size);
        } else {
            auto* stored = static_cast<allocator*>(allocator_in(block, size));
            units memory(*stored);
            stored->~allocator();
            using pointer = typename std::allocator_traits<units>::pointer;
            std::allocator_traits<units>::deallocate(
                memory, std::pointer_traits<pointer>::pointer_to(*static_cast<unit*>(block)), units_of(size));
        }
    }

private:
    struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) unit {
        std::byte bytes[__STDCPP_DEFAULT_NEW_ALIGNMENT__];
    };
    using units = typename std::allocator_traits<allocator>::template rebind_alloc<unit>;

    static constexpr std::size_t in_units(std::size_t size) noexcept {
        return (size + sizeof(unit) - 1) / sizeof(unit);
    }
    // The allocator lies behind the frame.
    static constexpr std::size_t units_of(std::size_t size) noexcept {
        return in_units(size) + in_units(sizeof(allocator));
    }
    static void* allocator_in(void* block, std::size_t size) noexcept {
        return static_cast<unit*>(block) + in_units(size);
    }

    // The first parameter, or the second one of a member function.
    template <class... More>
    static state& state_in(state& s, More&...) noexcept {
        return s;
    }
    template <class Object, class... More>
    static state& state_in(Object&, state& s, More&...) noexcept {
        return s;
    }

    explicit co_composed_promise(state* s)
        : handler_(std::move(s->setup_->handler)),
          io_executor_(s->setup_->executors.get_executor()),
          work_(s->setup_->executors.track()) {
        throws_if_cancelled(false);
        bind(get_associated_cancellation_slot(handler_));
        kept_ = s->setup_->kept;
        s->promise_ = s->setup_->made = this;
    }

    struct end_awaiter {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<co_composed_promise> h) const noexcept { *h.promise().ended_ = true; }
        void await_resume() const noexcept {}
    };

    template <class Operation>
    class step_awaiter : public operation_awaiter<co_composed_promise, Operation> {
        using base = operation_awaiter<co_composed_promise, Operation>;

    public:
        template <class O>
        step_awaiter(co_composed_promise& p, O&& operation, bool ends_here)
            : base(p, Operation(std::forward<O>(operation))), promise_(p), ends_here_(ends_here) {}

        bool await_suspend(std::coroutine_handle<> h) {
            if (!ends_here_)
                return base::await_suspend(h);
            promise_.results_ = std::move(promise_.results_if_cancelled);
            *promise_.ended_ = true;
            return true;
        }
        auto await_resume() {
            promise_.look();
            return base::await_resume();
        }

    private:
        co_composed_promise& promise_;
        bool ends_here_;
    };

    auto frame() noexcept { return std::coroutine_handle<co_composed_promise>::from_promise(*this); }

    void finish(bool initiating) {
        unbind();
        auto io = io_executor_;
        results r(std::move(results_));
        Handler handler(std::move(handler_));
        free(handler);
        r.apply([&](auto&&... each) {
            if (initiating)
                deliver_at_once(std::move(handler), io, std::move(each)...);
            else
                std::move(handler)(std::move(each)...);
        });
    }

    void free(const Handler& handler) noexcept {
        Implementation* kept = kept_;
        frame().destroy();
        if (kept) {
            allocator a = get_associated_allocator(handler);
            kept->~Implementation();
            kept_memory::deallocate(a, kept);
        }
    }

    Handler handler_;
    RILL_NO_UNIQUE_ADDRESS typename Executors::first io_executor_;
    RILL_NO_UNIQUE_ADDRESS typename Executors::work work_;
    Implementation* kept_ = nullptr;
    bool* ended_ = nullptr;  // on the stack of proceed()
    results results_;
};

template <class Executors, class Implementation, class... Signatures>
class initiate_co_composed {
public:
    using executor_type = typename Executors::first;

    template <class I>
    initiate_co_composed(const Executors& executors, I&& implementation)
        : executors_(executors), implementation_(std::forward<I>(implementation)) {}

    executor_type get_executor() const noexcept { return executors_.get_executor(); }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) && {
        start(std::decay_t<Handler>(std::forward<Handler>(handler)), std::move(implementation_),
              std::forward<Args>(args)...);
    }
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const& {
        start(std::decay_t<Handler>(std::forward<Handler>(handler)), implementation_, std::forward<Args>(args)...);
    }

private:
    template <class Handler, class I, class... Args>
    void start(Handler handler, I&& implementation, Args&&... args) const {
        using state = co_composed_state<Implementation, Executors, Handler, Signatures...>;
        using allocator = associated_allocator_t<Handler>;
        using memory = operation_memory<Implementation, allocator>;
        typename state::setup s(handler, executors_);

        if constexpr (std::is_empty_v<Implementation> || std::is_pointer_v<Implementation>) {
            Implementation function(std::forward<I>(implementation));
            function(state(s), std::forward<Args>(args)...);
        } else {
            allocator a = get_associated_allocator(handler);
            s.kept = memory::create(a, std::forward<I>(implementation));
            try {
                (*s.kept)(state(s), std::forward<Args>(args)...);
            } catch (...) {
                s.kept->~Implementation();
                memory::deallocate(a, s.kept);
                throw;
            }
        }
        RILL_ASSERT(s.made);
        s.made->proceed(true);
    }

    RILL_NO_UNIQUE_ADDRESS Executors executors_;
    RILL_NO_UNIQUE_ADDRESS Implementation implementation_;
};

}  // namespace rill::engine

namespace rill {

// What the final handler is associated with besides, such as an immediate executor.
template <template <class, class> class Associator, class Implementation, class Executors, class Handler,
          class... Signatures, class Values, class Candidate>
struct associator<
    Associator,
    engine::awaiting_handler<engine::co_composed_promise<Implementation, Executors, Handler, Signatures...>, Values>,
    Candidate> {
private:
    using step =
        engine::awaiting_handler<engine::co_composed_promise<Implementation, Executors, Handler, Signatures...>,
                                 Values>;
    using of_handler = Associator<Handler, Candidate>;

public:
    using type = typename of_handler::type;
    static decltype(auto) get(const step& s) noexcept { return of_handler::get(s.flow().handler()); }
    static decltype(auto) get(const step& s, const Candidate& c) noexcept {
        return of_handler::get(s.flow().handler(), c);
    }
};

}  // namespace rill

template <class Implementation, class Executors, class Handler, class... Signatures, class... Args>
struct std::coroutine_traits<void, rill::engine::co_composed_state<Implementation, Executors, Handler, Signatures...>,
                             Args...> {
    using promise_type = rill::engine::co_composed_promise<Implementation, Executors, Handler, Signatures...>;
};

template <class Object, class Implementation, class Executors, class Handler, class... Signatures, class... Args>
struct std::coroutine_traits<
    void, Object&, rill::engine::co_composed_state<Implementation, Executors, Handler, Signatures...>, Args...> {
    using promise_type = rill::engine::co_composed_promise<Implementation, Executors, Handler, Signatures...>;
};
