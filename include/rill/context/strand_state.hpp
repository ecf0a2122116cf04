// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/strand_queue.hpp>
#include <rill/engine/request/task.hpp>
#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/properties.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace rill::engine {

/// What the copies of a strand share: the tasks, and the runner that brings them to the inner executor.
///
/// The runner is the state itself, as a task: so it needs no memory, and there is one. It runs a batch of tasks and
/// then, if there are more, submits itself anew, behind what else the inner executor has to do.
///
/// Each strand object counts as a reference, and so does the owner (strand_queue.hpp), so that a strand may die while
/// its tasks are queued. The runner destroyed uncalled, as by a context that is destroyed, destroys them.
class strand_state : public task {
public:
    /// While it lives, this thread runs a task of the strand. That is exact however strands and run() nest.
    class running {
    public:
        explicit running(const strand_state& s) noexcept : state_(&s), below_(top_) { top_ = this; }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() { top_ = below_; }

    private:
        friend class strand_state;
        const strand_state* state_;
        const running* below_;
        static inline constinit thread_local const running* top_ = nullptr;
    };

    bool runs_here() const noexcept {
        const running* r = running::top_;
        while (r && r->state_ != this)
            r = r->below_;
        return r != nullptr;
    }

    void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void remove_reference() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            end();
    }

    /// Queues @p t. If that makes an owner, it calls @p schedule with the runner, an owned_task&&: it may run or destroy it
    /// at once. If it throws, @p t is destroyed and nothing has happened.
    template <class Schedule>
    void submit(task& t, const Schedule& schedule) {
        if (runs_here())
            push_inside(t);
        else if (queue_.push(t))
            begin(t, schedule);
    }

    /// Runs @p f here and now, within the strand, if nobody owns that. The inner executor must allow it. Only then is
    /// @p f moved from.
    template <class Function>
    bool try_run(Function&& f);

protected:
    strand_state() noexcept : task(&run_turn) {}
    virtual ~strand_state() = default;

    /// Submits @p runner to the inner executor, behind what else it has to do.
    virtual void schedule_again(owned_task&& runner) = 0;

private:
    // How many tasks the runner runs before others have their turn.
    static constexpr unsigned batch = 16;

    /// While it lives, this thread submits the runner. It tells whether that was run, or destroyed, at once.
    class hand_over;

    // On the owner's thread, inside a task. What has arrived comes first: a push that happens before this one, perhaps
    // by another thread, must run before it.
    void push_inside(task& t) noexcept {
        if (queue_.has_arrived()) [[unlikely]]
            queue_.take(local_);
        local_.push(t);
    }

    template <class Schedule>
    void begin(task& t, const Schedule& schedule);

    RILL_DECL static void run_turn(loop* owner, task& self);
    RILL_DECL void run_batches(const loop* owner, bool bounded);
    RILL_DECL void run_tasks(const loop* owner, bool bounded);
    [[nodiscard]] RILL_DECL bool end_turn();
    RILL_DECL void withdraw(task& t) noexcept;
    RILL_DECL void drop_all() noexcept;
    RILL_DECL void put_off() noexcept;
    RILL_DECL void end() noexcept;

    strand_queue queue_;
    std::atomic<std::uint32_t> references_{0};
    task_queue local_;  // the owner's, and next to run. Without owner: what nobody could be found to run
};

/// A reference that counts.
class strand_reference {
public:
    strand_reference() noexcept = default;
    explicit strand_reference(strand_state& s) noexcept : state_(&s) { s.add_reference(); }
    strand_reference(const strand_reference& other) noexcept : state_(other.state_) {
        if (state_)
            state_->add_reference();
    }
    strand_reference(strand_reference&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    strand_reference& operator=(strand_reference other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~strand_reference() {
        if (state_)
            state_->remove_reference();
    }

    strand_state& operator*() const noexcept { return *state_; }
    strand_state* operator->() const noexcept { return state_; }

    friend bool operator==(const strand_reference&, const strand_reference&) noexcept = default;

private:
    strand_state* state_ = nullptr;
};

/// The state of a strand on an Executor.
template <class Executor>
class strand_state_on final : public strand_state {
public:
    explicit strand_state_on(const Executor& ex) : executor_(adapt(ex)) {}

private:
    static auto adapt(const Executor& ex) {
        return prefer(ex, execution::outstanding_work.untracked, execution::blocking.never,
                      execution::relationship.fork);
    }

    void schedule_again(owned_task&& runner) override { executor_.execute(std::move(runner)); }

    decltype(adapt(std::declval<const Executor&>())) executor_;
};

// Implementation

class strand_state::hand_over {
public:
    explicit hand_over(strand_state& s, bool is_again) noexcept : again(is_again), state_(&s), below_(top_) {
        top_ = this;
    }
    hand_over(const hand_over&) = delete;
    hand_over& operator=(const hand_over&) = delete;
    ~hand_over() { top_ = below_; }

    /// The one of @p s on this thread, for the runner's first use; else null.
    static hand_over* find(const strand_state& s) noexcept {
        hand_over* h = top_;
        while (h && h->state_ != &s)
            h = h->below_;
        if (h)
            h->state_ = nullptr;
        return h;
    }

    const bool again;      ///< by the runner itself
    bool dropped = false;  ///< it was destroyed: the ownership is back here

private:
    const strand_state* state_;
    hand_over* below_;
    static inline constinit thread_local hand_over* top_ = nullptr;
};

// As soon as the runner is scheduled, it may run elsewhere, and the state may be gone when schedule() returns.
template <class Schedule>
void strand_state::begin(task& t, const Schedule& schedule) {
    add_reference();  // the owner's
    hand_over h(*this, false);
    try {
        schedule(owned_task(*this));
    } catch (...) {
        if (h.dropped)
            withdraw(t);
        throw;
    }
    if (h.dropped)
        drop_all();
}

template <class Function>
bool strand_state::try_run(Function&& f) {
    if (!queue_.try_own())
        return false;
    add_reference();  // the owner's
    const bool comes_first = local_.empty();
    if (comes_first) [[likely]] {
        try {
            const running here(*this);
            std::decay_t<Function> taken(std::forward<Function>(f));
            std::move(taken)();
        } catch (...) {
            if (!end_turn())
                put_off();
            throw;
        }
    }
    if (!end_turn())
        run_batches(outside_any_loop(), true);
    return comes_first;
}

}  // namespace rill::engine

#include RILL_BODY(strand_state.ipp)
