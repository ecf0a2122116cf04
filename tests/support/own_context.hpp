// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/properties.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

/// A user's own execution context, made of the standard library alone: a queue that run() empties until nothing is left
/// to wait for.
class own_context : public rill::execution_context {
public:
    class executor_type;

    own_context() = default;
    ~own_context() {
        shutdown();  // from here on nothing is queued from elsewhere
        discard();   // before the members go
        destroy();
    }

    executor_type get_executor() noexcept;

    /// How many functions it ran, @p most at most.
    int run(int most = -1) {
        int n = 0;
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return !queue_.empty() || work_ == 0 || n == most; });
            if (queue_.empty() || n == most)
                return n;
            auto f = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            f->call();
            f.reset();
            ++n;
            lock.lock();
        }
    }

    /// How many functions have ever been submitted.
    int submitted() const {
        const std::lock_guard lock(mutex_);
        return submitted_;
    }

private:
    struct function {
        virtual ~function() = default;
        virtual void call() = 0;
    };
    template <class F>
    struct function_of final : function {
        explicit function_of(F&& g) : f(std::move(g)) {}
        void call() override { std::move(f)(); }
        F f;
    };

    template <class F>
    void submit(F f) {
        std::unique_ptr<function> made(new function_of<F>(std::move(f)));
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(made));
        ++submitted_;
        changed_.notify_all();
    }
    void count_work(int n) noexcept {
        const std::lock_guard lock(mutex_);
        work_ += n;
        changed_.notify_all();
    }
    void discard() noexcept {
        for (;;) {
            std::unique_lock lock(mutex_);
            if (queue_.empty())
                return;
            auto f = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();  // what it holds may submit something
        }
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::unique_ptr<function>> queue_;
    int work_ = 0;
    int submitted_ = 0;
};

class own_context::executor_type {
public:
    executor_type(own_context& c, bool tracks) noexcept : context_(&c), tracks_(tracks) { count(1); }
    executor_type(const executor_type& other) noexcept : executor_type(*other.context_, other.tracks_) {}
    executor_type& operator=(const executor_type& other) noexcept {
        other.count(1);
        count(-1);
        context_ = other.context_;
        tracks_ = other.tracks_;
        return *this;
    }
    ~executor_type() { count(-1); }

    template <class F>
    void execute(F f) const {
        context_->submit(std::move(f));
    }

    own_context& query(rill::execution::context_t) const noexcept { return *context_; }
    static constexpr rill::execution::blocking_t query(rill::execution::blocking_t) noexcept {
        return rill::execution::blocking.never;
    }
    executor_type require(rill::execution::blocking_t::never_t) const noexcept { return *this; }
    executor_type require(rill::execution::outstanding_work_t::tracked_t) const noexcept { return {*context_, true}; }
    executor_type require(rill::execution::outstanding_work_t::untracked_t) const noexcept {
        return {*context_, false};
    }

    friend bool operator==(const executor_type& a, const executor_type& b) noexcept {
        return a.context_ == b.context_ && a.tracks_ == b.tracks_;
    }

private:
    void count(int n) const noexcept {
        if (tracks_)
            context_->count_work(n);
    }

    own_context* context_;
    bool tracks_;
};

inline own_context::executor_type own_context::get_executor() noexcept { return {*this, false}; }
