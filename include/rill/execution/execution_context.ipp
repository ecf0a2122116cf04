// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>

namespace rill {

RILL_DECL execution_context::~execution_context() {
    shutdown();
    destroy();
}

RILL_DECL void execution_context::shutdown() noexcept {
    if (std::exchange(is_shut_down_, true))
        return;
    for (service* s = services_; s; s = s->older_)
        s->shutdown();
}

RILL_DECL void execution_context::destroy() noexcept {
    while (service* s = services_) {
        services_ = s->older_;
        delete s;
    }
}

RILL_DECL execution_context::service* execution_context::find(const void* key) noexcept {
    engine::scoped_lock lock(mutex_);
    for (service* s = services_; s; s = s->older_)
        if (s->key_ == key)
            return s;
    return nullptr;
}

RILL_DECL void execution_context::add(service* s, const void* key) {
    engine::scoped_lock lock(mutex_);
    for (service* other = services_; other; other = other->older_)
        if (other->key_ == key)
            throw service_already_exists();
    s->key_ = key;
    s->older_ = services_;
    services_ = s;
}

}  // namespace rill
