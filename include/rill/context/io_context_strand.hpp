// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/io_context.hpp>
#include <rill/context/strand.hpp>

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

using io_context_strand = strand<io_context::executor_type>;

/// What io_context::strand::wrap() returns: called, it dispatches the handler, with its arguments, to the strand.
template <class Handler>
class wrapped_handler {
public:
    using executor_type = io_context_strand;

    template <class H>
    wrapped_handler(const io_context_strand& s, H&& handler) : strand_(s), handler_(std::forward<H>(handler)) {}

    executor_type get_executor() const noexcept { return strand_; }
    const Handler& get() const noexcept { return handler_; }

    template <class... Args>
        requires std::invocable<Handler, std::decay_t<Args>...>
    void operator()(Args&&... args) && { call(std::move(handler_), std::forward<Args>(args)...); }
    template <class... Args>
        requires(std::copy_constructible<Handler>&& std::invocable<Handler, std::decay_t<Args>...>)
    void operator()(Args&&... args) const& { call(Handler(handler_), std::forward<Args>(args)...); }

private:
    template <class... Args>
    void call(Handler&& handler, Args&&... args) const {
        strand_.dispatch([handler = std::move(handler),
                          bound = std::tuple<std::decay_t<Args>...>(std::forward<Args>(
                              args)...)]() mutable { std::apply(std::move(handler), std::move(bound)); },
                         std::allocator<void>());
    }

    io_context_strand strand_;
    Handler handler_;
};

}  // namespace rill::engine

namespace rill {

// Of token/associator.hpp, which lies in a higher layer.
template <template <class, class> class Associator, class T, class Candidate>
struct associator;

/// A wrapped handler has the allocator and the slot of the handler.
template <template <class, class> class Associator, class Handler, class Candidate>
struct associator<Associator, engine::wrapped_handler<Handler>, Candidate> {
    using type = typename Associator<Handler, Candidate>::type;
    static decltype(auto) get(const engine::wrapped_handler<Handler>& h) noexcept {
        return Associator<Handler, Candidate>::get(h.get());
    }
    static decltype(auto) get(const engine::wrapped_handler<Handler>& h, const Candidate& c) noexcept {
        return Associator<Handler, Candidate>::get(h.get(), c);
    }
};

/// A strand of an io_context: the older way to write strand<io_context::executor_type>, which see.
///
/// Threads  every function from any thread; a strand object is changed by one thread at a time
class io_context::strand {
public:
    /// Throws  std::bad_alloc
    explicit strand(io_context& ctx) : strand_(ctx.get_executor()) {}

    io_context& context() const noexcept { return strand_.context(); }
    bool running_in_this_thread() const noexcept { return strand_.running_in_this_thread(); }

    /// Runs @p f, a function without arguments, in the strand: at once if this thread is in it, or inside run() of the
    /// context while the strand is idle.
    template <class Function, class Allocator = std::allocator<void>>
    void dispatch(Function&& f, const Allocator& a = Allocator()) const {
        strand_.dispatch(std::forward<Function>(f), a);
    }
    /// Runs @p f in the strand, never inside this call.
    template <class Function, class Allocator = std::allocator<void>>
    void post(Function&& f, const Allocator& a = Allocator()) const {
        strand_.post(std::forward<Function>(f), a);
    }
    /// The same, as the next step of the caller.
    template <class Function, class Allocator = std::allocator<void>>
    void defer(Function&& f, const Allocator& a = Allocator()) const {
        strand_.defer(std::forward<Function>(f), a);
    }

    /// A function object that dispatches @p handler, with the arguments that it is called with.
    template <class Handler>
    auto wrap(Handler&& handler) const {
        return engine::wrapped_handler<std::decay_t<Handler>>(strand_, std::forward<Handler>(handler));
    }

    // As an executor.
    template <class Function>
    void execute(Function&& f) const {
        strand_.execute(std::forward<Function>(f));
    }
    template <class Property>
        requires queryable_for<engine::io_context_strand, Property>
    decltype(auto) query(const Property& p) const noexcept { return query_fn()(strand_, p); }
    template <class Property>
        requires requirable_for<engine::io_context_strand, Property>
    auto require(const Property& p) const { return require_fn()(strand_, p); }

    friend bool operator==(const strand&, const strand&) noexcept = default;

private:
    engine::io_context_strand strand_;
};

}  // namespace rill
