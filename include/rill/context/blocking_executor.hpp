// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/properties.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill {

/// An executor whose execute() returns when the function has run: what a loop's executor becomes with blocking.always.
/// On a thread of the context it runs the function at once.
///
/// A function that is destroyed, because its context is, ends the wait too.
template <execution::executor Executor>
class blocking_executor {
public:
    using context_type = typename Executor::context_type;

    explicit blocking_executor(Executor ex) noexcept : executor_(std::move(ex)) {}

    template <class Function>
    void execute(Function&& f) const;

    bool running_in_this_thread() const noexcept { return executor_.running_in_this_thread(); }
    context_type& context() const noexcept { return executor_.context(); }

    static constexpr execution::blocking_t query(execution::blocking_t) noexcept { return execution::blocking.always; }
    template <class Property>
        requires(!std::same_as<Property, execution::blocking_t> && queryable_for<Executor, Property>)
    decltype(auto) query(const Property& p) const noexcept { return executor_.query(p); }

    blocking_executor require(execution::blocking_t::always_t) const noexcept { return *this; }
    Executor require(execution::blocking_t::possibly_t p) const noexcept { return executor_.require(p); }
    Executor require(execution::blocking_t::never_t p) const noexcept { return executor_.require(p); }
    template <class Property>
        requires requirable_for<Executor, Property>
    auto require(const Property& p) const noexcept {
        return blocking_executor<decltype(executor_.require(p))>(executor_.require(p));
    }

    friend bool operator==(const blocking_executor&, const blocking_executor&) noexcept = default;

private:
    Executor executor_;
};

}  // namespace rill

// Implementation

namespace rill::engine {

/// Happens once.
class one_event {
public:
    void happen() noexcept {
        scoped_lock lock(mutex_);
        happened_ = true;
        condition_.notify_one();  // with the lock: whoever waits destroys the object
    }
    void wait() noexcept {
        scoped_lock lock(mutex_);
        while (!happened_)
            condition_.wait(mutex_);
    }

private:
    mutex mutex_;
    condition condition_;
    bool happened_ = false;
};

/// Calls a function of a thread that waits, and tells it when that is done, or will never be.
template <class Function>
class function_of_waiter {
public:
    function_of_waiter(Function& f, one_event& done) noexcept : function_(&f), done_(&done) {}
    function_of_waiter(function_of_waiter&& other) noexcept
        : function_(other.function_), done_(std::exchange(other.done_, nullptr)) {}
    function_of_waiter& operator=(function_of_waiter&&) = delete;
    ~function_of_waiter() {
        if (done_)
            done_->happen();
    }

    void operator()() { std::move (*function_)(); }

private:
    Function* function_;
    one_event* done_;
};

}  // namespace rill::engine

namespace rill {

template <execution::executor Executor>
template <class Function>
void blocking_executor<Executor>::execute(Function&& f) const {
    std::decay_t<Function> function(std::forward<Function>(f));
    if (running_in_this_thread()) {
        std::move(function)();
        return;
    }
    engine::one_event done;
    executor_.require(execution::blocking.never)
        .execute(engine::function_of_waiter<std::decay_t<Function>>(function, done));
    done.wait();
}

}  // namespace rill
