// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/execution_context.hpp>

namespace rill {

RILL_DECL execution_context::~execution_context() {
    shutdown();
    destroy();
    if (memory_)
        memory_->release();
}

// A service may use others meanwhile, and so make new ones, which are then the youngest.
RILL_DECL void execution_context::shutdown() noexcept {
    is_shut_down_ = true;
    for (;;) {
        service* next = nullptr;
        {
            engine::scoped_lock lock(mutex_);
            for (next = services_; next && next->is_shut_down_;)
                next = next->older_;
            if (!next)
                return;
            next->is_shut_down_ = true;
        }
        next->shutdown();
    }
}

RILL_DECL void execution_context::destroy() noexcept {
    for (;;) {
        shutdown();  // of those that a destructor has made
        service* youngest;
        {
            engine::scoped_lock lock(mutex_);
            youngest = services_;
            if (!youngest)
                return;
            services_ = youngest->older_;
        }
        destroy(youngest);
    }
}

RILL_DECL void execution_context::destroy(service* s) noexcept {
    void* memory = s->memory_;
    if (!memory) {
        delete s;
        return;
    }
    s->~service();
    engine::deallocate_from_source(memory);
}

RILL_DECL void execution_context::notify_fork(fork_event event) {
    RILL_ASSERT(!is_shut_down_);
    error_code ec;
    if (loop_ && event != fork_prepare)
        ec = loop_->notify_fork(event);  // it is older than every service, which may need it
    throw_if(ec, "notify_fork");
    // The lock is not held: a service may use others.
    for (service* s = next_to_tell(event, nullptr); s; s = next_to_tell(event, s))
        s->notify_fork(event);
    if (loop_ && event == fork_prepare)
        ec = loop_->notify_fork(event);
    throw_if(ec, "notify_fork");
}

RILL_DECL execution_context::service* execution_context::next_to_tell(fork_event event, service* last) const noexcept {
    engine::scoped_lock lock(mutex_);
    if (event == fork_prepare)
        return last ? last->older_ : services_;
    service* younger = services_ == last ? nullptr : services_;
    while (younger && younger->older_ != last)
        younger = younger->older_;
    return younger;
}

RILL_DECL execution_context::service* execution_context::find(const void* key) const noexcept {
    engine::scoped_lock lock(mutex_);
    service* s = services_;
    while (s && s->key_ != key)
        s = s->older_;
    return s;
}

RILL_DECL execution_context::service* execution_context::add(service& s, const void* key) noexcept {
    engine::scoped_lock lock(mutex_);
    for (service* other = services_; other; other = other->older_)
        if (other->key_ == key)
            return other;
    s.key_ = key;
    s.older_ = services_;
    services_ = &s;
    return &s;
}

}  // namespace rill
