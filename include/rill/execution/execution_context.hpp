// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/error.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <exception>
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
    class id {};

    /// fork() in three acts, for notify_fork().
    enum class fork_event { prepare, parent, child };
    static constexpr fork_event fork_prepare = fork_event::prepare;
    static constexpr fork_event fork_parent = fork_event::parent;
    static constexpr fork_event fork_child = fork_event::child;

    execution_context() noexcept = default;
    execution_context(const execution_context&) = delete;
    execution_context& operator=(const execution_context&) = delete;
    RILL_DECL ~execution_context();

protected:
    /// Tells the services, youngest first, to let go of handlers. For the destructors of derived contexts.
    RILL_DECL void shutdown() noexcept;

    /// Destroys the services, youngest first.
    RILL_DECL void destroy() noexcept;

private:
    template <class Service>
    friend Service& use_service(execution_context& ctx);
    template <class Service, class... Args>
    friend Service& make_service(execution_context& ctx, Args&&... args);
    template <class Service>
    friend void add_service(execution_context& ctx, Service* s);
    template <class Service>
    friend bool has_service(execution_context& ctx);
    friend engine::loop* loop_of_context(execution_context& ctx) noexcept;
    friend class loop_context;

    // The identity of a service type: of the class that defines `key_type`, if it does.
    template <class Service>
    static const void* key() noexcept;

    RILL_DECL service* find(const void* key) noexcept;
    /// Gives @p s to the context; throws, and leaves it with the caller, if there is one already.
    RILL_DECL void add(service* s, const void* key);

    mutable engine::mutex mutex_;
    service* services_ = nullptr;   // mutex_; the youngest
    engine::loop* loop_ = nullptr;  // set once by the constructor of a context that is a loop
    bool is_shut_down_ = false;
};

/// The base of services. Derived classes are constructible from an execution_context&.
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

    virtual void shutdown() = 0;
    virtual void notify_fork(fork_event) {}

    execution_context& owner_;
    const void* key_ = nullptr;
    service* older_ = nullptr;
};

/// The context's service of type @p Service, made now if there is none yet.
/// Throws  what its constructor throws
template <class Service>
Service& use_service(execution_context& ctx);

/// Makes the service from @p args behind the context.
/// Throws  service_already_exists; what its constructor throws
template <class Service, class... Args>
Service& make_service(execution_context& ctx, Args&&... args);

/// Gives @p s, made with `new`, to the context.
/// Throws  service_already_exists, invalid_service_owner; @p s is still the caller's then
template <class Service>
void add_service(execution_context& ctx, Service* s);

template <class Service>
bool has_service(execution_context& ctx);

// Implementation

template <class Service>
const void* execution_context::key() noexcept {
    if constexpr (requires { typename Service::key_type; }) {
        if constexpr (!std::is_same_v<typename Service::key_type, Service>)
            return key<typename Service::key_type>();
    }
    static const char identity = 0;
    return &identity;
}

// The mutex is not held while a service is made: its constructor may use others.
template <class Service>
Service& use_service(execution_context& ctx) {
    const void* key = execution_context::key<Service>();
    if (auto* found = ctx.find(key))
        return *static_cast<Service*>(found);
    auto* made = new Service(ctx);
    try {
        ctx.add(made, key);
        return *made;
    } catch (const service_already_exists&) {
        delete made;  // another thread, or the constructor, was faster
        return *static_cast<Service*>(ctx.find(key));
    }
}

template <class Service, class... Args>
Service& make_service(execution_context& ctx, Args&&... args) {
    auto* made = new Service(ctx, std::forward<Args>(args)...);
    try {
        ctx.add(made, execution_context::key<Service>());
    } catch (...) {
        delete made;
        throw;
    }
    return *made;
}

template <class Service>
void add_service(execution_context& ctx, Service* s) {
    if (&static_cast<execution_context::service*>(s)->context() != &ctx)
        throw invalid_service_owner();
    ctx.add(s, execution_context::key<Service>());
}

template <class Service>
bool has_service(execution_context& ctx) {
    return ctx.find(execution_context::key<Service>()) != nullptr;
}

}  // namespace rill

#include RILL_BODY(execution_context.ipp)
