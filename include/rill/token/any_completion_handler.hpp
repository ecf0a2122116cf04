// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/system_executor.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/core/config.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/any_completion_executor.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/associated_immediate_executor.hpp>
#include <rill/token/async_result.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace rill {

/// A completion handler of any type for these signatures, so that an operation's body need not be a template: move-only,
/// called once. It forwards what its target is associated with: executor, immediate executor, allocator, slot.
///
/// The target lies in one block from its own allocator, which is freed before it is called.
template <completion_signature... Signatures>
class any_completion_handler;

/// The allocator of an any_completion_handler's target. It must not be used once the handler is called or destroyed.
template <class T, class... Signatures>
class any_completion_handler_allocator;

}  // namespace rill

// Implementation

namespace rill::engine {

/// A handler whose type is forgotten; what can be done with it is in `functions`.
struct erased_handler {
    struct function_table {
        void (*destroy)(erased_handler&) noexcept;
        any_completion_executor (*executor)(const erased_handler&, const any_completion_executor& candidate);
        any_completion_executor (*immediate_executor)(const erased_handler&, const any_completion_executor& candidate);
        cancellation_slot (*slot)(const erased_handler&) noexcept;
        void* (*allocate)(const erased_handler&, std::size_t size);
        void (*deallocate)(const erased_handler&, void* memory, std::size_t size) noexcept;
    };

    const function_table* functions;
};

/// What is called for one signature.
template <class Signature>
struct erased_call;
template <class... Args>
struct erased_call<void(Args...)> {
    void (*call)(erased_handler&, Args...);
};
template <class... Args>
struct erased_call<void(Args...) noexcept> : erased_call<void(Args...)> {};

template <class... Signatures>
struct erased_functions : erased_handler::function_table, erased_call<Signatures>... {};

template <class Handler, class... Signatures>
class erased_target : public erased_handler {
    using allocator = associated_allocator_t<Handler>;
    using memory = operation_memory<erased_target, allocator>;

    struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) unit {
        std::byte bytes[__STDCPP_DEFAULT_NEW_ALIGNMENT__];
    };
    using units = typename std::allocator_traits<allocator>::template rebind_alloc<unit>;
    static constexpr std::size_t in_units(std::size_t size) noexcept {
        return (size + sizeof(unit) - 1) / sizeof(unit);
    }

public:
    template <class H>
    static erased_handler* create(H&& handler) {
        allocator a = get_associated_allocator(handler);
        return memory::create(a, std::forward<H>(handler));
    }

    template <class H>
    explicit erased_target(H&& handler) : erased_handler{&functions}, handler_(std::forward<H>(handler)) {}

private:
    static const Handler& get(const erased_handler& e) noexcept {
        return static_cast<const erased_target&>(e).handler_;
    }

    // The handler, out of the block, which is freed.
    static Handler release(erased_handler& e) noexcept {
        auto& self = static_cast<erased_target&>(e);
        Handler handler(std::move(self.handler_));
        allocator a = get_associated_allocator(handler);
        self.~erased_target();
        memory::deallocate(a, &self);
        return handler;
    }

    static void destroy(erased_handler& e) noexcept { release(e); }

    template <class Signature>
    struct calls;
    template <class... Args>
    struct calls<void(Args...)> {
        static void call(erased_handler& e, Args... args) {
            Handler handler(release(e));
            std::move(handler)(std::forward<Args>(args)...);
        }
        static constexpr erased_call<void(Args...)> entry{&call};
    };
    template <class... Args>
    struct calls<void(Args...) noexcept> {
        static constexpr erased_call<void(Args...) noexcept> entry{calls<void(Args...)>::entry};
    };

    static any_completion_executor executor(const erased_handler& e, const any_completion_executor& candidate) {
        if constexpr (has_associated_executor<Handler>)
            return get_associated_executor(get(e));
        else
            return candidate;
    }

    static any_completion_executor immediate_executor(const erased_handler& e,
                                                      const any_completion_executor& candidate) {
        if constexpr (has_associated_immediate_executor<Handler>)
            return get_associated_immediate_executor(get(e), candidate);
        else if constexpr (has_associated_executor<Handler>)
            return prefer(get_associated_executor(get(e)), execution::blocking.never);
        else
            return candidate;
    }

    static cancellation_slot slot(const erased_handler& e) noexcept {
        return get_associated_cancellation_slot(get(e), cancellation_slot());
    }

    static void* allocate(const erased_handler& e, std::size_t size) {
        allocator a = get_associated_allocator(get(e));
        if constexpr (is_default_allocator<allocator>) {
            return engine::allocate(size);
        } else {
            units u(a);
            return std::to_address(std::allocator_traits<units>::allocate(u, in_units(size)));
        }
    }
    static void deallocate(const erased_handler& e, void* block, std::size_t size) noexcept {
        allocator a = get_associated_allocator(get(e));
        if constexpr (is_default_allocator<allocator>) {
            engine::deallocate(block, size);
        } else {
            units u(a);
            using pointer = typename std::allocator_traits<units>::pointer;
            std::allocator_traits<units>::deallocate(
                u, std::pointer_traits<pointer>::pointer_to(*static_cast<unit*>(block)), in_units(size));
        }
    }

    static constexpr erased_functions<Signatures...> functions{
        {&destroy, &executor, &immediate_executor, &slot, &allocate, &deallocate}, calls<Signatures>::entry...};

    Handler handler_;
};

/// The call of an Any for one signature.
template <class Any, class Signature>
struct erased_call_operator;
template <class Any, class... Args>
struct erased_call_operator<Any, void(Args...)> {
    void operator()(Args... args) {
        static_cast<Any&>(*this).template call<void(Args...)>(std::forward<Args>(args)...);
    }
};
template <class Any, class... Args>
struct erased_call_operator<Any, void(Args...) noexcept> {
    void operator()(Args... args) {
        static_cast<Any&>(*this).template call<void(Args...) noexcept>(std::forward<Args>(args)...);
    }
};

}  // namespace rill::engine

namespace rill {

template <completion_signature... Signatures>
class any_completion_handler : engine::erased_call_operator<any_completion_handler<Signatures...>, Signatures>... {
    template <class H>
    using target = engine::erased_target<std::decay_t<H>, Signatures...>;

public:
    using allocator_type = any_completion_handler_allocator<void, Signatures...>;
    using cancellation_slot_type = cancellation_slot;

    constexpr any_completion_handler() noexcept = default;
    constexpr any_completion_handler(std::nullptr_t) noexcept {}

    /// Throws  std::bad_alloc; what moving the handler throws
    template <class Handler>
        requires(!std::same_as<std::decay_t<Handler>, any_completion_handler> &&
                 engine::accepts_signatures<std::decay_t<Handler>, Signatures...> &&
                 completion_handler_for<Handler, Signatures...>)
    any_completion_handler(Handler&& handler) : handler_(target<Handler>::create(std::forward<Handler>(handler))) {}

    any_completion_handler(any_completion_handler&& other) noexcept
        : handler_(std::exchange(other.handler_, nullptr)) {}
    any_completion_handler& operator=(any_completion_handler&& other) noexcept {
        any_completion_handler(std::move(other)).swap(*this);
        return *this;
    }
    any_completion_handler& operator=(std::nullptr_t) noexcept {
        any_completion_handler().swap(*this);
        return *this;
    }
    ~any_completion_handler() {
        if (handler_)
            handler_->functions->destroy(*handler_);
    }

    void swap(any_completion_handler& other) noexcept { std::swap(handler_, other.handler_); }
    friend void swap(any_completion_handler& a, any_completion_handler& b) noexcept { a.swap(b); }

    explicit operator bool() const noexcept { return handler_ != nullptr; }
    friend bool operator==(const any_completion_handler& a, std::nullptr_t) noexcept { return !a.handler_; }

    /// Calls the target with the arguments of one of the signatures: once, it is empty afterwards.
    using engine::erased_call_operator<any_completion_handler, Signatures>::operator()...;

    allocator_type get_allocator() const noexcept { return allocator_type(live()); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return live().functions->slot(live()); }

    /// The target's executor, or @p candidate if it has none.
    any_completion_executor get_executor(const any_completion_executor& candidate) const {
        return live().functions->executor(live(), candidate);
    }
    /// The target's immediate executor; if it has none, its executor, but one that never blocks; or else @p candidate.
    any_completion_executor get_immediate_executor(const any_completion_executor& candidate) const {
        return live().functions->immediate_executor(live(), candidate);
    }

private:
    template <class, class>
    friend struct engine::erased_call_operator;

    template <class Signature, class... Args>
    void call(Args&&... args) {
        RILL_ASSERT(handler_ && "an any_completion_handler is called once, and not empty");
        auto& h = *std::exchange(handler_, nullptr);
        auto& f = static_cast<const engine::erased_functions<Signatures...>&>(*h.functions);
        static_cast<const engine::erased_call<Signature>&>(f).call(h, std::forward<Args>(args)...);
    }

    const engine::erased_handler& live() const noexcept {
        RILL_ASSERT(handler_);
        return *handler_;
    }

    engine::erased_handler* handler_ = nullptr;
};

template <class T, class... Signatures>
class any_completion_handler_allocator {
public:
    using value_type = T;

    template <class U>
    struct rebind {
        using other = any_completion_handler_allocator<U, Signatures...>;
    };

    explicit any_completion_handler_allocator(const engine::erased_handler& h) noexcept : handler_(&h) {}
    template <class U>
    any_completion_handler_allocator(const any_completion_handler_allocator<U, Signatures...>& other) noexcept
        : handler_(other.handler()) {}

    /// Throws  std::bad_alloc
    [[nodiscard]] T* allocate(std::size_t n) const requires(!std::is_void_v<T>) {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__, "an over-aligned type");
        if (n > static_cast<std::size_t>(-1) / sizeof(T))
            throw std::bad_alloc();
        return static_cast<T*>(handler_->functions->allocate(*handler_, n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) const noexcept requires(!std::is_void_v<T>) {
        handler_->functions->deallocate(*handler_, p, n * sizeof(T));
    }

    template <class U>
    friend bool operator==(const any_completion_handler_allocator& a,
                           const any_completion_handler_allocator<U, Signatures...>& b) noexcept {
        return a.handler() == b.handler();
    }

    /// The library's way in.
    const engine::erased_handler* handler() const noexcept { return handler_; }

private:
    const engine::erased_handler* handler_;
};

template <class... Signatures, class Candidate>
struct associated_executor<any_completion_handler<Signatures...>, Candidate> {
    using type = any_completion_executor;
    static type get(const any_completion_handler<Signatures...>& h) { return h.get_executor(system_executor()); }
    template <class C>
    static type get(const any_completion_handler<Signatures...>& h, const C& candidate) {
        return h.get_executor(candidate);
    }
};

template <class... Signatures, class Candidate>
struct associated_immediate_executor<any_completion_handler<Signatures...>, Candidate> {
    using type = any_completion_executor;
    template <class C>
    static type get(const any_completion_handler<Signatures...>& h, const C& candidate) {
        return h.get_immediate_executor(prefer(candidate, execution::blocking.never));
    }
};

}  // namespace rill
