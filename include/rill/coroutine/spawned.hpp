// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/coroutine/control_flow.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// The handler's signature for a coroutine that yields a T.
template <class T>
struct spawn_signature {
    using type = void(std::exception_ptr, T);
};
template <>
struct spawn_signature<void> {
    using type = void(std::exception_ptr);
};

/// Room for the value that a coroutine yields.
template <class T>
struct spawned_value_room {
    using type = std::optional<T>;
};
template <>
struct spawned_value_room<void> {
    struct type {};
};
template <class T>
using spawned_value = typename spawned_value_room<T>::type;

struct no_executor_of_its_own {};

/// A handler that waits for a coroutine on an Executor to yield a T, or to throw. As a task it starts the coroutine, and
/// later calls the handler. Derived is a control_flow, befriends this class and has
///
///   begin(initiating)          runs the coroutine for the first time; initiating: inside the initiating function
///   discard() noexcept         the coroutine is no more, or never was: calls give_up()
///   free(self, handler)        destroys *self and gives its memory back to the handler's allocator
template <class Derived, class Executor, class T, class Handler>
class spawned : public task {
    // While the coroutine runs, its context is kept at work, and so is that of the handler if that names its own.
    using handler_executor = associated_executor_t<Handler, Executor>;
    template <class E>
    using tracked = decltype(prefer(std::declval<const E&>(), execution::outstanding_work.tracked));

    static constexpr bool handler_never_blocks =
        !has_associated_executor<Handler> || requirable_for<tracked<handler_executor>, execution::blocking_t::never_t>;

protected:
    static constexpr bool has_value = !std::is_void_v<T>;
    static_assert(!has_value || std::default_initializable<T>,
                  "a coroutine's handler is given a T() with an exception, so the T that it yields must have one");

    template <class H>
    spawned(const Executor& ex, H&& h)
        : task(&begin_here), handler_(std::forward<H>(h)), work_(prefer(ex, execution::outstanding_work.tracked)) {
        if constexpr (has_associated_executor<Handler>)
            handler_work_.emplace(prefer(get_associated_executor(handler_, ex), execution::outstanding_work.tracked));
    }
    ~spawned() = default;

    /// Begins on @p ex, inside this call if that may be. *this may be gone afterwards.
    void launch(const Executor& ex) {
        owned_task starter(*this);
        self().bind(get_associated_cancellation_slot(handler_));
        control_flow::initiation here(self(), control_flow::initiation::kind::of_flow);
        prefer(ex, execution::blocking.possibly).execute(std::move(starter));
    }

    void set_error(std::exception_ptr e) noexcept { error_ = std::move(e); }
    template <class U>
    void set_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }

    /// To the handler's executor, where this thread already is if it names none.
    void send_off(bool initiating) {
        self().unbind();
        if (initiating && !handler_never_blocks)
            send_later();
        else
            send_now(initiating);
    }

    /// Destroys the handler uncalled, and *this.
    void give_up() noexcept {
        self().unbind();
        Handler unused(std::move(handler_));
        Derived::free(self(), unused);
    }

private:
    Derived& self() noexcept { return static_cast<Derived&>(*this); }

    // The first run of the task, on the executor.
    static void begin_here(loop* owner, task& base) {
        auto& self = static_cast<Derived&>(static_cast<spawned&>(base));
        if (owner)
            self.begin(control_flow::initiation::note_completion(self));
        else
            self.discard();
    }

    // *this may be gone before execute() returns; and this context need not wait for the handler's.
    void send_now(bool initiating) {
        this->run = &complete;
        auto work = std::exchange(work_, std::nullopt);
        if constexpr (has_associated_executor<Handler>) {
            auto own = std::exchange(handler_work_, std::nullopt);
            send_by(*own, initiating);
        } else if (initiating) {
            send_by(*work, true);
        } else {
            complete(outside_any_loop(), *this);
        }
    }

    template <class E>
    void send_by(const E& ex, bool initiating) {
        if constexpr (requirable_for<E, execution::blocking_t::never_t>) {
            if (initiating)
                return require(ex, execution::blocking.never).execute(owned_task(*this));
        }
        prefer(ex, execution::blocking.possibly).execute(owned_task(*this));
    }

    // For a handler whose executor cannot be made to run it later: from the coroutine's own executor, which can.
    void send_later() {
        this->run = [](loop* owner, task& base) {
            auto& self = static_cast<spawned&>(base);
            if (owner)
                self.send_now(false);
            else
                self.self().discard();
        };
        auto ex = require(*work_, execution::blocking.never);
        ex.execute(owned_task(*this));
    }

    // The last run of the task: frees it and calls the handler.
    static void complete(loop* owner, task& base) {
        auto& self = static_cast<spawned&>(base);
        if (!owner)
            return self.self().discard();
        Handler handler(std::move(self.handler_));
        std::exception_ptr error(std::move(self.error_));
        if constexpr (has_value) {
            T value = self.value_ ? std::move(*self.value_) : T();
            Derived::free(self.self(), handler);
            std::move(handler)(std::move(error), std::move(value));
        } else {
            Derived::free(self.self(), handler);
            std::move(handler)(std::move(error));
        }
    }

    Handler handler_;
    std::optional<tracked<Executor>> work_;
    RILL_NO_UNIQUE_ADDRESS
    std::conditional_t<has_associated_executor<Handler>, std::optional<tracked<handler_executor>>,
                       no_executor_of_its_own>
        handler_work_;
    std::exception_ptr error_;
    RILL_NO_UNIQUE_ADDRESS spawned_value<T> value_;
};

}  // namespace rill::engine
