// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/executor_work_guard.hpp>
#include <rill/context/io_context.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/core/error.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/post.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

// What the tests of async_compose(), composed() and co_composed() share.

namespace composition_test {

/// async_initiate() for an initiation that stands where it is used.
template <class... Signatures, class Initiation, class Token, class... Args>
auto launch(Initiation&& initiation, Token&& token, Args&&... args) {
    return rill::async_initiate<Token, Signatures...>(std::forward<Initiation>(initiation), token,
                                                      std::forward<Args>(args)...);
}

/// Counts what it has given away, and never gives a block twice.
struct memory_account {
    std::size_t blocks = 0;
    std::size_t most = 0;
    std::size_t allocations = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;

    explicit counting_allocator(memory_account& a) noexcept : account(&a) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept : account(other.account) {}

    T* allocate(std::size_t n) {
        ++account->allocations;
        if (++account->blocks > account->most)
            account->most = account->blocks;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        --account->blocks;
        std::allocator<T>().deallocate(p, n);
    }

    template <class U>
    friend bool operator==(const counting_allocator& a, const counting_allocator<U>& b) noexcept {
        return a.account == b.account;
    }

    memory_account* account;
};

/// Resets the cancellation state of @p self if there is a filter.
template <class Self>
void filter_by(Self&, std::nullptr_t) {}
template <class Self, class Filter>
void filter_by(Self& self, Filter filter) {
    self.reset_cancellation_state(filter);
}

/// An operation that is never done. It can be cancelled, if it is given a slot, by the types in `accepts`.
class endless_operation {
public:
    explicit endless_operation(rill::io_context& ctx) : context_(ctx) {}

    rill::cancellation_type accepts = rill::cancellation_type::all;

    template <class Token = rill::deferred_t>
    auto async_wait(Token&& token = {}) {
        return rill::async_initiate<Token, void(rill::error_code)>(
            [this](auto handler) { this->start(std::move(handler)); }, token);
    }

private:
    template <class Handler>
    void start(Handler handler) {
        struct pending {
            Handler handler;
            rill::executor_work_guard<rill::io_context::executor_type> work;
        };
        auto slot = rill::get_associated_cancellation_slot(handler);
        auto kept = std::make_shared<std::optional<pending>>();
        kept->emplace(pending{std::move(handler), rill::make_work_guard(context_)});
        kept_.push_back(kept);
        if (!slot.is_connected())
            return;
        slot.assign([this, p = std::weak_ptr(kept)](rill::cancellation_type type) {
            auto found = p.lock();
            if (!(type & accepts) || !found || !*found)
                return;
            pending taken(std::move(**found));
            found->reset();
            auto ex = rill::get_associated_executor(taken.handler, context_.get_executor());
            ex.execute([t = std::move(taken)]() mutable { std::move(t.handler)(rill::error::operation_aborted); });
        });
    }

    rill::io_context& context_;
    std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace composition_test
