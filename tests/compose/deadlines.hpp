// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of deadlines share: contexts whose time the test sets, and an operation that hangs until it is told
// to complete.

#include <rill/context/io_context.hpp>
#include <rill/core/error.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include <support/catch.hpp>
#include <support/manual_driver.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace deadline_test {

using namespace std::chrono_literals;
using rill::cancellation_type;
using rill::error_code;

inline int any_hint() { return GENERATE(1, 2); }

/// A context on a clock of its own, where waiting takes no time.
class timed_context {
public:
    explicit timed_context(int hint) : timed_context(new manual_driver, hint) {}

    rill::io_context io;

    std::chrono::nanoseconds elapsed() const { return driver_->now() - start_; }
    void advance(std::chrono::nanoseconds d) { driver_->advance(d); }
    std::size_t run() {
        io.restart();
        return io.run();
    }
    std::size_t poll() {
        io.restart();
        return io.poll();
    }

private:
    timed_context(manual_driver* d, int hint)
        : io(std::unique_ptr<rill::engine::driver>(d), hint), driver_(d), start_(d->now()) {}

    manual_driver* driver_;
    rill::engine::time_point start_;
};

/// What a handler has been told; the handler can be moved only.
struct answer {
    int calls = 0;
    error_code ec;
    std::size_t bytes = 0;

    struct handler_type {
        answer* to;
        std::shared_ptr<int> life;

        handler_type(answer& a, std::shared_ptr<int> l) : to(&a), life(std::move(l)) {}
        handler_type(handler_type&&) = default;
        handler_type& operator=(handler_type&&) = default;
        void operator()(error_code e = {}, std::size_t n = 0) {
            ++to->calls;
            to->ec = e;
            to->bytes = n;
        }
    };
    handler_type handler() { return {*this, life}; }

    bool aborted() const { return calls == 1 && ec == rill::error::operation_aborted; }
    bool timed_out() const { return calls == 1 && ec == rill::error::timed_out; }
    bool succeeded() const { return calls == 1 && !ec; }
    bool handler_is_gone() const { return life.use_count() == 1; }

    std::shared_ptr<int> life = std::make_shared<int>(0);
};

/// An operation that completes when it is told to, or by a cancellation that it obeys: void(error_code, std::size_t).
class hanging {
public:
    explicit hanging(rill::io_context& io, cancellation_type obeyed = cancellation_type::all)
        : io_(io), obeyed_(obeyed) {}

    template <class Token = rill::deferred_t>
    auto async_hang(Token&& token = Token()) {
        return rill::async_initiate<Token, void(error_code, std::size_t)>(initiate{this}, token);
    }

    void complete(error_code ec, std::size_t n) {
        if (auto p = std::move(pending_)) {
            p->slot.clear();
            p->complete(ec, n);
        }
    }
    void drop() { pending_.reset(); }

    bool throws = false;  // when it is cancelled

    bool pending() const { return pending_ != nullptr; }
    const std::vector<cancellation_type>& types() const { return types_; }

private:
    struct operation {
        rill::cancellation_slot slot;
        virtual ~operation() = default;
        virtual void complete(error_code ec, std::size_t n) = 0;
    };

    template <class Handler>
    struct held final : operation {
        held(Handler&& h, rill::io_context& io) : handler(std::move(h)), context(io) {
            slot = rill::get_associated_cancellation_slot(handler);
        }
        void complete(error_code ec, std::size_t n) override {
            auto ex = rill::get_associated_executor(handler, context.get_executor());
            rill::prefer(ex, rill::execution::blocking.never).execute([h = std::move(handler), ec, n]() mutable {
                std::move(h)(ec, n);
            });
        }
        Handler handler;
        rill::io_context& context;
    };

    struct initiate {
        using executor_type = rill::io_context::executor_type;
        hanging* self;
        executor_type get_executor() const noexcept { return self->io_.get_executor(); }
        template <class Handler>
        void operator()(Handler&& h) const {
            self->pending_ = std::make_unique<held<std::decay_t<Handler>>>(
                std::decay_t<Handler>(std::forward<Handler>(h)), self->io_);
            if (self->pending_->slot.is_connected())
                self->pending_->slot.assign([s = self](cancellation_type type) {
                    s->types_.push_back(type);
                    if (s->throws)
                        throw std::runtime_error("from a cancellation handler");
                    if (!!(type & s->obeyed_))
                        s->complete(rill::error::operation_aborted, 0);
                });
        }
    };

    rill::io_context& io_;
    cancellation_type obeyed_;
    std::unique_ptr<operation> pending_;
    std::vector<cancellation_type> types_;
};

}  // namespace deadline_test
