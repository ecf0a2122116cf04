// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/task.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>

#include <type_traits>
#include <utility>

namespace rill::engine {

/// A user's function as a task. The memory is free again when the function runs.
template <class Function, class Allocator>
class posted_function final : public task {
public:
    template <class F>
    static task& create(F&& f, const Allocator& allocator) {
        return *memory::create(allocator, std::forward<F>(f), allocator);
    }

    template <class F>
    posted_function(F&& f, const Allocator& a) : task(&deliver), function_(std::forward<F>(f)), allocator_(a) {}

private:
    using memory = operation_memory<posted_function, Allocator>;

    static void deliver(loop* owner, task& base) {
        auto& self = static_cast<posted_function&>(base);
        Function function(std::move(self.function_));
        Allocator allocator(self.allocator_);
        self.~posted_function();
        memory::deallocate(allocator, &self);
        if (owner)
            std::move(function)();
    }

    Function function_;
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

template <class Function, class Allocator>
task& make_posted_function(Function&& f, const Allocator& allocator) {
    return posted_function<std::decay_t<Function>, Allocator>::create(std::forward<Function>(f), allocator);
}

}  // namespace rill::engine
