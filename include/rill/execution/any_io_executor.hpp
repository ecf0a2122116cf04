// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/properties.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <typeinfo>

namespace rill::execution {

/// Thrown by an empty any_io_executor.
class bad_executor : public std::exception {
public:
    const char* what() const noexcept override { return "rill: bad executor"; }
};

}  // namespace rill::execution

namespace rill {

/// Any executor that is good for I/O, in 32 bytes.
///
/// The executors of the library's contexts are kept as they are and cost no indirection; others of up to 16 bytes lie
/// inside, larger ones on the heap. Properties: context, blocking (possibly, never), relationship, outstanding_work.
class any_io_executor {
public:
    constexpr any_io_executor() noexcept = default;
    constexpr any_io_executor(std::nullptr_t) noexcept {}

    /// Throws  std::bad_alloc for an executor of more than 16 bytes
    ///
    /// Whether there is == is not asked in the constraint: for a type with any_io_executor among its template arguments,
    /// such as a strand, the answer would depend on whether it converts to any_io_executor.
    template <class Executor>
        requires(!std::same_as<Executor, any_io_executor> && execution::function_runner<Executor>)
    any_io_executor(Executor ex) {
        static_assert(execution::executor<Executor>, "any_io_executor: the executor must have an operator==");
        static_assert(queryable_for<Executor, execution::context_t>,
                      "any_io_executor: the executor must have the property execution::context");
        if constexpr (engine::refers_to_loop<Executor>)
            loop_ = ex.reference();
        target<Executor>::construct(*this, std::move(ex));
    }

    any_io_executor(const any_io_executor& other) noexcept : operations_(other.operations_), loop_(other.loop_) {
        copy_storage(other);
    }
    any_io_executor(any_io_executor&& other) noexcept : any_io_executor(std::as_const(other)) {}
    any_io_executor& operator=(const any_io_executor& other) noexcept {
        if (this != &other) {
            destroy_storage();
            operations_ = other.operations_;
            loop_ = other.loop_;
            copy_storage(other);
        }
        return *this;
    }
    any_io_executor& operator=(std::nullptr_t) noexcept { return *this = any_io_executor(); }
    ~any_io_executor() { destroy_storage(); }

    explicit operator bool() const noexcept { return operations_ != nullptr; }

    /// Submits @p f, a function without arguments; move-only is enough.
    /// Throws  execution::bad_executor if there is no target
    template <class Function>
    void execute(Function&& f) const {
        if (loop_)
            loop_.execute(std::forward<Function>(f), std::allocator<void>());
        else
            operations().execute(*this, engine::owned_task(engine::make_posted_function(std::forward<Function>(f),
                                                                                        std::allocator<void>())));
    }
    void execute(engine::owned_task&& t) const {
        if (loop_)
            loop_.execute(std::move(t));
        else
            operations().execute(*this, std::move(t));
    }

    execution_context& query(execution::context_t) const { return operations().context(*this); }
    execution::blocking_t query(execution::blocking_t) const {
        return loop_ ? loop_.query(execution::blocking) : operations().blocking(*this);
    }
    execution::relationship_t query(execution::relationship_t) const {
        return loop_ ? loop_.query(execution::relationship) : operations().relationship(*this);
    }
    execution::outstanding_work_t query(execution::outstanding_work_t) const { return operations().work(*this); }

    any_io_executor require(execution::blocking_t::possibly_t) const { return change(change_to::possibly); }
    any_io_executor require(execution::blocking_t::never_t) const { return change(change_to::never); }
    any_io_executor require(execution::relationship_t::fork_t) const { return change(change_to::fork); }
    any_io_executor require(execution::relationship_t::continuation_t) const { return change(change_to::continuation); }
    any_io_executor require(execution::outstanding_work_t::tracked_t) const { return change(change_to::tracked); }
    any_io_executor require(execution::outstanding_work_t::untracked_t) const { return change(change_to::untracked); }

    /// The context, as Asio's I/O objects ask for it.
    execution_context& context() const { return query(execution::context); }

    const std::type_info& target_type() const noexcept { return operations_ ? operations_->type() : typeid(void); }

    /// The target, if it is an Executor.
    template <class Executor>
    const Executor* target_as() const noexcept {
        return operations_ && operations_->type() == typeid(Executor) ? &target<Executor>::get(*this) : nullptr;
    }

    // A member: a free one would be looked at for a user's executor that has this one as a template argument, and ask
    // whether that converts, and so whether it is an executor, and so whether it can be compared.
    bool operator==(const any_io_executor& other) const noexcept {
        if (operations_ != other.operations_)
            return false;
        return !operations_ || operations_->equal(*this, other);
    }

    /// The engine's way in; empty unless the target is an executor of a loop.
    engine::loop_reference reference() const noexcept { return loop_; }
    using referring_type = any_io_executor;

private:
    enum class change_to { possibly, never, fork, continuation, tracked, untracked };

    struct operation_table {
        void (*execute)(const any_io_executor&, engine::owned_task&&);
        void (*copy)(any_io_executor& to, const any_io_executor& from) noexcept;  // null: the bytes are enough
        void (*destroy)(any_io_executor&) noexcept;                               // null: nothing to do
        bool (*equal)(const any_io_executor&, const any_io_executor&) noexcept;
        any_io_executor (*change)(const any_io_executor&, change_to);
        execution_context& (*context)(const any_io_executor&);
        execution::blocking_t (*blocking)(const any_io_executor&);
        execution::relationship_t (*relationship)(const any_io_executor&);
        execution::outstanding_work_t (*work)(const any_io_executor&);
        const std::type_info& (*type)() noexcept;
    };

    template <class Executor>
    struct target;

    const operation_table& operations() const {
        if (!operations_)
            throw execution::bad_executor();
        return *operations_;
    }

    any_io_executor change(change_to what) const { return operations().change(*this, what); }

    void copy_storage(const any_io_executor& other) noexcept {
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
    engine::loop_reference loop_;
    storage storage_{};
};

static_assert(sizeof(any_io_executor) <= 32);

// Implementation

template <class Executor>
struct any_io_executor::target {
    static constexpr bool fits = sizeof(Executor) <= sizeof(storage) && alignof(Executor) <= alignof(storage);

    // A target that does not fit is shared by the copies.
    using stored = std::conditional_t<fits, Executor, std::shared_ptr<const Executor>>;
    static constexpr bool trivial = std::is_trivially_copyable_v<stored>;

    static const stored& slot(const any_io_executor& any) noexcept {
        return *std::launder(reinterpret_cast<const stored*>(any.storage_.bytes));
    }
    static const Executor& get(const any_io_executor& any) noexcept {
        if constexpr (fits)
            return slot(any);
        else
            return *slot(any);
    }

    static void construct(any_io_executor& any, Executor ex) {
        if constexpr (fits)
            ::new (any.storage_.bytes) stored(std::move(ex));
        else
            ::new (any.storage_.bytes) stored(std::make_shared<const Executor>(std::move(ex)));
        any.operations_ = &table;
    }

    static void execute(const any_io_executor& any, engine::owned_task&& f) { get(any).execute(std::move(f)); }
    static void copy(any_io_executor& to, const any_io_executor& from) noexcept {
        ::new (to.storage_.bytes) stored(slot(from));
    }
    static void destroy(any_io_executor& any) noexcept { const_cast<stored&>(slot(any)).~stored(); }
    static bool equal(const any_io_executor& a, const any_io_executor& b) noexcept { return get(a) == get(b); }
    static execution_context& context(const any_io_executor& any) { return get(any).query(execution::context); }
    static const std::type_info& type() noexcept { return typeid(Executor); }

    template <class Property>
    static Property query(const any_io_executor& any) {
        if constexpr (queryable_for<Executor, Property>)
            return get(any).query(Property());
        else
            return Property();
    }

    // What a target cannot be asked for, it is preferred to have: the copy is then as it was.
    static any_io_executor change(const any_io_executor& any, change_to what) {
        const Executor& ex = get(any);
        switch (what) {
        case change_to::possibly: return prefer(ex, execution::blocking.possibly);
        case change_to::never:
            if constexpr (requirable_for<Executor, execution::blocking_t::never_t>)
                return ex.require(execution::blocking.never);
            else
                throw execution::bad_executor();
        case change_to::fork: return prefer(ex, execution::relationship.fork);
        case change_to::continuation: return prefer(ex, execution::relationship.continuation);
        case change_to::tracked: return prefer(ex, execution::outstanding_work.tracked);
        case change_to::untracked: return prefer(ex, execution::outstanding_work.untracked);
        }
        return any;
    }

    static constexpr operation_table table = {
        &execute,
        trivial ? nullptr : &copy,
        trivial ? nullptr : &destroy,
        &equal,
        &change,
        &context,
        &query<execution::blocking_t>,
        &query<execution::relationship_t>,
        &query<execution::outstanding_work_t>,
        &type,
    };
};

}  // namespace rill
