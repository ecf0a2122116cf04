// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/error.hpp>
#include <rill/core/fork_event.hpp>
#include <rill/core/memory_source.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace rill::engine {
class loop;
}

namespace rill {

/// A service is already there.
class service_already_exists : public std::exception {
public:
    const char* what() const noexcept override { return "rill: the service already exists"; }
};

/// A service belongs to another context.
class invalid_service_owner : public std::exception {
public:
    const char* what() const noexcept override { return "rill: the service belongs to another context"; }
};

/// A place where functions run, and a set of services: at most one of each type, made on first use, shut down and
/// destroyed with the context, the youngest first.
///
/// Threads  the service functions from any thread
class execution_context {
public:
    class service;
    class service_maker;

    /// A service class may have a static member `id` of this type: its address then tells service types apart, also
    /// between shared libraries.
    class id {
    public:
        id() noexcept {}
        id(const id&) = delete;
        id& operator=(const id&) = delete;
    };

    /// Memory of the context's allocator, for its services: it must be given back before the last of them dies.
    template <class T>
    class allocator;

    using fork_event = engine::fork_event;
    static constexpr fork_event fork_prepare = fork_event::prepare;
    static constexpr fork_event fork_parent = fork_event::parent;
    static constexpr fork_event fork_child = fork_event::child;

    execution_context() noexcept = default;

    /// With services to begin with, such as a configuration.
    /// Throws  what making them throws
    explicit execution_context(const service_maker& initial_services);

    /// Services, and what else the context keeps for long, lie in memory of @p a, which is called by one thread at a
    /// time. Data: a copy of @p a lives as long as that memory.
    template <class Allocator>
    execution_context(std::allocator_arg_t, const Allocator& a) : memory_(engine::memory_source::make(a)) {}
    template <class Allocator>
    execution_context(std::allocator_arg_t, const Allocator& a, const service_maker& initial_services);

    execution_context(const execution_context&) = delete;
    execution_context& operator=(const execution_context&) = delete;
    RILL_DECL ~execution_context();

    /// Must be called before fork(), with fork_prepare, and right after it: in the old process with fork_parent, in the
    /// new one with fork_child. Then both have all pending operations and timers, and neither disturbs the other.
    /// Services are told before the fork the youngest first, afterwards the oldest first.
    ///
    /// Threads  no other thread uses the context or its objects meanwhile; the new process has the calling thread alone
    /// Throws   system_error: the system refuses what the new process needs; what a service throws
    RILL_COLD RILL_DECL void notify_fork(fork_event event);

protected:
    /// Tells the services, youngest first, to let go of handlers. For the destructors of derived contexts.
    RILL_DECL void shutdown() noexcept;

    /// Destroys the services, youngest first.
    RILL_DECL void destroy() noexcept;

private:
    template <class Service, std::derived_from<execution_context> Context>
    friend Service& use_service(Context& ctx);
    template <class Service, std::derived_from<execution_context> Context, class... Args>
    friend Service& make_service(Context& ctx, Args&&... args);
    template <class Service>
    friend void add_service(execution_context& ctx, Service* s);
    template <class Service>
    friend bool has_service(execution_context& ctx);
    friend engine::loop* loop_of_context(execution_context& ctx) noexcept;
    friend class loop_context;

    class making;

    // The identity of a service type: of the class that defines `key_type`, if it does; its `id`, if it has one.
    template <class Service>
    static const void* key() noexcept;

    /// Makes a service in the context's memory and adds it; the one that is there already if another thread was faster.
    template <class Service, class Context, class... Args>
    static std::pair<Service*, bool> make(Context& ctx, Args&&... args);

    RILL_DECL service* find(const void* key) const noexcept;
    /// Adds @p s; if there is one already, nothing has changed and that one is the result.
    RILL_DECL service* add(service& s, const void* key) noexcept;
    RILL_DECL static void destroy(service* s) noexcept;
    /// The service that is told of @p event after @p last; null: there is no more.
    RILL_DECL service* next_to_tell(fork_event event, service* last) const noexcept;

    mutable engine::mutex mutex_;
    service* services_ = nullptr;              // mutex_; the youngest
    engine::loop* loop_ = nullptr;             // set once by the constructor of a context that is a loop
    engine::memory_source* memory_ = nullptr;  // null: the global heap
    bool is_shut_down_ = false;                // shutdown() has begun
};

/// The base of services. Derived classes are constructible from an execution_context&, or from the context that
/// use_service() is called with.
class execution_context::service {
public:
    execution_context& context() noexcept { return owner_; }

protected:
    explicit service(execution_context& owner) noexcept : owner_(owner) {}
    service(const service&) = delete;
    service& operator=(const service&) = delete;
    virtual ~service() = default;

private:
    friend execution_context;

    /// The context is about to end its operations: handlers that the service holds are destroyed now.
    virtual void shutdown() = 0;
    virtual void notify_fork(fork_event) {}

    execution_context& owner_;
    const void* key_ = nullptr;
    service* older_ = nullptr;
    void* memory_ = nullptr;  // of the context's source; null: made by the user, with new
    bool is_shut_down_ = false;
};

/// Makes the services that a context has from the beginning, before it has become a loop: their constructors may use
/// other services, but no I/O objects.
class execution_context::service_maker {
public:
    virtual void make(execution_context& context) const = 0;

protected:
    service_maker() noexcept = default;
    service_maker(const service_maker&) = default;
    service_maker& operator=(const service_maker&) = default;
    virtual ~service_maker() = default;
};

template <class T>
class execution_context::allocator {
public:
    using value_type = T;

    explicit allocator(execution_context& ctx) noexcept : source_(ctx.memory_) {}
    template <class U>
    allocator(const allocator<U>& other) noexcept : source_(other.source_) {}

    T* allocate(std::size_t n) { return engine::source_allocator<T>(source_).allocate(n); }
    void deallocate(T* p, std::size_t n) noexcept { engine::source_allocator<T>(source_).deallocate(p, n); }

    template <class U>
    friend bool operator==(const allocator& a, const allocator<U>& b) noexcept {
        return a.source_ == b.source_;
    }

private:
    template <class U>
    friend class allocator;

    engine::memory_source* source_;
};

/// The context's service of type @p Service, made now if there is none yet. If threads make one at the same time, one
/// stays and is what all of them get.
/// Throws  what its constructor throws, and there is no service then
template <class Service, std::derived_from<execution_context> Context>
Service& use_service(Context& ctx);

/// Makes the service from @p args behind the context.
/// Throws  service_already_exists; what its constructor throws
template <class Service, std::derived_from<execution_context> Context, class... Args>
Service& make_service(Context& ctx, Args&&... args);

/// Gives @p s, made with `new`, to the context.
/// Throws  service_already_exists, invalid_service_owner; @p s is still the caller's then
template <class Service>
void add_service(execution_context& ctx, Service* s);

template <class Service>
bool has_service(execution_context& ctx);

// Implementation

// The destructor runs if a maker throws, as these constructors delegate.
inline execution_context::execution_context(const service_maker& initial_services) : execution_context() {
    initial_services.make(*this);
}

template <class Allocator>
execution_context::execution_context(std::allocator_arg_t tag, const Allocator& a,
                                     const service_maker& initial_services)
    : execution_context(tag, a) {
    initial_services.make(*this);
}

template <class Service>
const void* execution_context::key() noexcept {
    if constexpr (requires { typename Service::key_type; }) {
        if constexpr (!std::is_same_v<typename Service::key_type, Service>)
            return key<typename Service::key_type>();
    }
    if constexpr (requires { requires std::same_as<std::remove_cv_t<decltype(Service::id)>, id>; }) {
        return &Service::id;
    } else {
        static const char identity = 0;
        return &identity;
    }
}

/// That this thread makes a service, while it lives.
class execution_context::making {
public:
    making(const execution_context& ctx, const void* key) noexcept : context_(&ctx), key_(key), outer_(innermost_) {
        for (const making* m = outer_; m; m = m->outer_) {
            [[maybe_unused]] const bool service_needs_itself = m->context_ == &ctx && m->key_ == key;
            RILL_ASSERT(!service_needs_itself);
        }
        innermost_ = this;
    }
    making(const making&) = delete;
    making& operator=(const making&) = delete;
    ~making() { innermost_ = outer_; }

private:
    const execution_context* context_;
    const void* key_;
    const making* outer_;
    static inline constinit thread_local const making* innermost_ = nullptr;
};

// The mutex is not held while a service is made: its constructor may use others.
template <class Service, class Context, class... Args>
std::pair<Service*, bool> execution_context::make(Context& ctx, Args&&... args) {
    static_assert(std::derived_from<Service, service>, "a service derives from execution_context::service");
    execution_context& base = ctx;
    const void* key = execution_context::key<Service>();
    void* memory = engine::allocate_from(base.memory_, sizeof(Service), alignof(Service));
    Service* made;
    try {
        making here(base, key);
        made = ::new (memory) Service(ctx, std::forward<Args>(args)...);
    } catch (...) {
        engine::deallocate_from_source(memory);
        throw;
    }
    static_cast<service*>(made)->memory_ = memory;
    service* kept = base.add(*made, key);
    const bool is_new = kept == made;
    if (!is_new)
        destroy(static_cast<service*>(made));
    return {static_cast<Service*>(kept), is_new};
}

template <class Service, std::derived_from<execution_context> Context>
Service& use_service(Context& ctx) {
    if (auto* found = static_cast<execution_context&>(ctx).find(execution_context::key<Service>()))
        return *static_cast<Service*>(found);
    return *execution_context::make<Service>(ctx).first;
}

template <class Service, std::derived_from<execution_context> Context, class... Args>
Service& make_service(Context& ctx, Args&&... args) {
    auto [made, is_new] = execution_context::make<Service>(ctx, std::forward<Args>(args)...);
    if (!is_new)
        throw service_already_exists();
    return *made;
}

template <class Service>
void add_service(execution_context& ctx, Service* s) {
    execution_context::service& added = *s;
    if (&added.context() != &ctx)
        throw invalid_service_owner();
    if (ctx.add(added, execution_context::key<Service>()) != &added)
        throw service_already_exists();
}

template <class Service>
bool has_service(execution_context& ctx) {
    return ctx.find(execution_context::key<Service>()) != nullptr;
}

}  // namespace rill

#include RILL_BODY(execution_context.ipp)
