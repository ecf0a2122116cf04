// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/timer_request.hpp>
#include <rill/engine/scheduler/loop.hpp>

#include <cstddef>
#include <utility>

namespace rill::engine {

/// What a timer object is, whatever its clock and executor: its loop, and the group of its waits there, made when the
/// first wait is started. It ends the waits when it dies.
class timer_handle {
public:
    explicit timer_handle(loop& l) noexcept : loop_(&l) {}
    timer_handle(timer_handle&& other) noexcept : loop_(other.loop_), group_(std::exchange(other.group_, nullptr)) {
        if (group_)
            group_->owner = &group_;
    }
    timer_handle& operator=(timer_handle&& other) noexcept {
        if (this != &other) {
            this->~timer_handle();
            ::new (this) timer_handle(std::move(other));
        }
        return *this;
    }
    ~timer_handle() {
        if (group_)
            loop_->remove_group(*group_);
    }

    loop& get_loop() const noexcept { return *loop_; }

    /// Names the group in @p wait, or answers it if there cannot be one.
    void prepare(timer_request& wait) noexcept {
        if (!group_)
            group_ = loop_->add_group(&group_);
        if (group_)
            wait.group = group_;
        else
            wait.answer(error::no_memory);
    }

    std::size_t cancel(std::size_t most) noexcept { return group_ ? loop_->cancel_waits(*group_, most) : 0; }

private:
    loop* loop_;
    timer_group* group_ = nullptr;  // cleared by the loop if it goes first
};

/// For deadlines, which let a timer object wait on their behalf.
struct timer_access {
    template <class Timer>
    static timer_handle& handle_of(Timer& timer) noexcept {
        return timer.handle_;
    }
};

}  // namespace rill::engine
