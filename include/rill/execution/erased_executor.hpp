// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/bad_executor.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/posted_function.hpp>
#include <rill/execution/properties.hpp>

#include <memory>
#include <new>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace rill::engine {

/// An executor of any type, in 32 bytes: what the polymorphic executors have in common, whatever their properties.
///
/// The executors of loops are kept as they are and cost no indirection; others of up to 16 bytes lie inside, larger ones
/// on the heap, where the copies share them. A target that may be copied as bytes is.
class erased_executor {
public:
    erased_executor(const erased_executor& other) noexcept : operations_(other.operations_), loop_(other.loop_) {
        copy_storage(other);
    }
    erased_executor(erased_executor&& other) noexcept : erased_executor(std::as_const(other)) {}
    erased_executor& operator=(const erased_executor& other) noexcept {
        if (this != &other) {
            destroy_storage();
            operations_ = other.operations_;
            loop_ = other.loop_;
            copy_storage(other);
        }
        return *this;
    }
    ~erased_executor() { destroy_storage(); }

    explicit operator bool() const noexcept { return operations_ != nullptr; }

    /// Submits @p f, a function without arguments; move-only is enough.
    /// Throws  execution::bad_executor if there is no target
    template <class Function>
    void execute(Function&& f) const;
    void execute(owned_task&& t) const {
        if (loop_)
            loop_.execute(std::move(t));
        else
            operations().execute(*this, std::move(t));
    }

    /// The target, if it is an Executor.
    template <class Executor>
    Executor* target() noexcept {
        return const_cast<Executor*>(std::as_const(*this).template target<Executor>());
    }
    template <class Executor>
    const Executor* target() const noexcept {
        return target_type() == typeid(Executor) ? static_cast<const Executor*>(operations_->target(*this)) : nullptr;
    }
    const std::type_info& target_type() const noexcept { return operations_ ? operations_->type() : typeid(void); }

    /// The engine's way in; empty unless the target is an executor of a loop.
    loop_reference reference() const noexcept { return loop_; }

protected:
    // What is known of the target's type, and of the properties that the object had when it was first made. A property
    // is named by an address: any polymorphic executor can be converted to any other, as its bytes are.
    struct operation_table {
        void (*execute)(const erased_executor&, owned_task&&);
        void (*copy)(erased_executor& to, const erased_executor& from) noexcept;  // null: the bytes are enough
        void (*destroy)(erased_executor&) noexcept;                               // null: nothing to do
        bool (*equal)(const void*, const void*);
        const void* (*target)(const erased_executor&) noexcept;
        const std::type_info& (*type)() noexcept;
        void (*query)(const erased_executor&, const void* name, const void* property, void* result);
        erased_executor (*change)(const erased_executor&, const void* name, const void* property);
        bool always_blocks;
    };

    template <class Executor, class Properties>
    struct target_of;

    constexpr erased_executor() noexcept = default;
    template <class Properties, class Executor>
    static erased_executor erase(Executor ex) {
        erased_executor any;
        if constexpr (refers_to_loop<Executor>)
            any.loop_ = ex.reference();
        target_of<Executor, Properties>::construct(any, std::move(ex));
        return any;
    }

    bool has_target_of(const erased_executor& other) const {
        if (!operations_ || !other.operations_)
            return operations_ == other.operations_;
        return (operations_ == other.operations_ || operations_->type() == other.operations_->type()) &&
               operations_->equal(operations_->target(*this), other.operations_->target(other));
    }

    const operation_table& operations() const {
        if (!operations_)
            throw execution::bad_executor();
        return *operations_;
    }

private:
    void copy_storage(const erased_executor& other) noexcept {
        if (operations_ && operations_->copy)
            operations_->copy(*this, other);
        else
            storage_ = other.storage_;
    }
    void destroy_storage() noexcept {
        if (operations_ && operations_->destroy)
            operations_->destroy(*this);
    }

    struct alignas(void*) storage {
        unsigned char bytes[2 * sizeof(void*)];
    };

    const operation_table* operations_ = nullptr;
    loop_reference loop_;
    storage storage_{};
};

static_assert(sizeof(erased_executor) <= 32);

// Implementation

/// Somebody's function as a task, for an executor that has run it, or dropped it, when execute() returns.
template <class Function>
class borrowed_function final : public task {
public:
    explicit borrowed_function(Function& f) noexcept : task(&deliver), function_(f) {}

private:
    static void deliver(loop* owner, task& self) {
        if (owner)
            std::move(static_cast<borrowed_function&>(self).function_)();
    }

    Function& function_;
};

template <class Function>
void erased_executor::execute(Function&& f) const {
    if (loop_) {
        loop_.execute(std::forward<Function>(f), std::allocator<void>());
    } else if (operations().always_blocks) {
        std::decay_t<Function> function(std::forward<Function>(f));
        borrowed_function<std::decay_t<Function>> borrowed(function);
        operations_->execute(*this, owned_task(borrowed));
    } else {
        operations_->execute(*this,
                             owned_task(make_posted_function(std::forward<Function>(f), std::allocator<void>())));
    }
}

template <class Executor, class Properties>
struct erased_executor::target_of {
    static constexpr bool fits = sizeof(Executor) <= sizeof(storage) && alignof(Executor) <= alignof(storage);

    // A target that does not fit is shared by the copies.
    using stored = std::conditional_t<fits, Executor, std::shared_ptr<const Executor>>;
    static constexpr bool trivial = std::is_trivially_copyable_v<stored>;

    static const stored& slot(const erased_executor& any) noexcept {
        return *std::launder(reinterpret_cast<const stored*>(any.storage_.bytes));
    }
    static const Executor& get(const erased_executor& any) noexcept {
        if constexpr (fits)
            return slot(any);
        else
            return *slot(any);
    }

    static void construct(erased_executor& any, Executor ex) {
        if constexpr (fits)
            ::new (any.storage_.bytes) stored(std::move(ex));
        else
            ::new (any.storage_.bytes) stored(std::make_shared<const Executor>(std::move(ex)));
        any.operations_ = &table;
    }

    static void execute(const erased_executor& any, owned_task&& f) { get(any).execute(std::move(f)); }
    static void copy(erased_executor& to, const erased_executor& from) noexcept {
        ::new (to.storage_.bytes) stored(slot(from));
    }
    static void destroy(erased_executor& any) noexcept { const_cast<stored&>(slot(any)).~stored(); }
    static bool equal(const void* a, const void* b) {
        return *static_cast<const Executor*>(a) == *static_cast<const Executor*>(b);
    }
    static const void* target(const erased_executor& any) noexcept { return std::addressof(get(any)); }
    static const std::type_info& type() noexcept { return typeid(Executor); }
    static void query(const erased_executor& any, const void* name, const void* property, void* result) {
        Properties::query(get(any), name, property, result);
    }
    static erased_executor change(const erased_executor& any, const void* name, const void* property) {
        return Properties::change(
            get(any), name, property, [](auto ex) { return erase<Properties>(std::move(ex)); }, any);
    }

    static constexpr operation_table table = {
        &execute,
        trivial ? nullptr : &copy,
        trivial ? nullptr : &destroy,
        &equal,
        &target,
        &type,
        &query,
        &change,
        has_always<Executor, execution::blocking_t::always_t>,
    };
};

}  // namespace rill::engine
