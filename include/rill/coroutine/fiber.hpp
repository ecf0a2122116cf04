// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/stack_context.hpp>

#include <cstddef>
#include <utility>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif
#if defined(_LIBCPPABI_VERSION)
extern "C" void* __cxa_get_globals() noexcept;  // which LLVM's header leaves out
#endif
#if RILL_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if RILL_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace rill::engine {

/// A function with a stack of its own, which any thread may enter, one at a time, and which leaves when it has to wait.
///
/// It stands on the switch of Boost.Context itself, not on boost::context::fiber, because every switch, the first one too,
/// must be told to the sanitizers, and must take the exceptions that are being handled along: a function that leaves within
/// a `catch` goes on there, on whichever thread.
class fiber {
public:
    using function = void (*)(void* argument) noexcept;

    /// @p stack is the caller's, and given back once ended(), or never entered.
    fiber(const boost::context::stack_context& stack, function f, void* argument) noexcept
        : stack_(stack),
          function_(f),
          argument_(argument),
          context_(boost::context::detail::make_fcontext(stack.sp, stack.size, &start)) {
#if RILL_THREAD_SANITIZER
        tsan_fiber_ = __tsan_create_fiber(0);
#endif
    }
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;
    ~fiber() {
#if RILL_THREAD_SANITIZER
        __tsan_destroy_fiber(tsan_fiber_);
#endif
    }

    /// Runs the function, from its beginning or from where it left, until it leaves or ends.
    void enter() noexcept;

    /// For the function: goes back to who entered, and returns when somebody enters again.
    void leave() noexcept;

    bool ended() const noexcept { return ended_; }

private:
    // What a thread of the Itanium C++ ABI knows of exceptions (section 2.2.2, __cxa_eh_globals).
    struct exception_state {
        void* caught = nullptr;
        unsigned uncaught = 0;

        void swap_with_thread() noexcept {
#if __has_include(<cxxabi.h>)
            using namespace abi;
            auto& of_thread = *reinterpret_cast<exception_state*>(__cxa_get_globals());
            std::swap(caught, of_thread.caught);
            std::swap(uncaught, of_thread.uncaught);
#endif
        }
    };

    static void start(boost::context::detail::transfer_t from) noexcept;
    void run() noexcept;

    // In pairs: before a switch, on the stack that is left, and after it, on the other one. What tells ThreadSanitizer of the
    // switch is no function by itself: it would be entered on one stack, as that sees it, and left on the other.
    void before_entering() noexcept;
    void after_entering() noexcept;
    void before_leaving() noexcept;
    void after_leaving() noexcept;

    boost::context::stack_context stack_;
    function function_;
    void* argument_;
    boost::context::detail::fcontext_t context_;  // of the function, or of who has entered it
    exception_state exceptions_;                  // of the function while it is not running
    bool ended_ = false;
#if RILL_ADDRESS_SANITIZER
    void* outer_fake_stack_ = nullptr;
    void* fake_stack_ = nullptr;
    const void* outer_stack_ = nullptr;
    std::size_t outer_size_ = 0;
#endif
#if RILL_THREAD_SANITIZER
    void* tsan_fiber_ = nullptr;
    void* tsan_outer_ = nullptr;
#endif
};

// Implementation

inline void fiber::enter() noexcept {
    RILL_ASSERT(!ended_);
    exceptions_.swap_with_thread();
    before_entering();
    context_ = boost::context::detail::jump_fcontext(context_, this).fctx;
    after_leaving();
    exceptions_.swap_with_thread();
}

inline void fiber::leave() noexcept {
    before_leaving();
    context_ = boost::context::detail::jump_fcontext(context_, nullptr).fctx;
    after_entering();
}

RILL_NOT_SANITIZED inline void fiber::start(boost::context::detail::transfer_t from) noexcept {
    auto& self = *static_cast<fiber*>(from.data);
    self.context_ = from.fctx;
    self.run();
}

inline void fiber::run() noexcept {
    after_entering();
    function_(argument_);
    ended_ = true;
    leave();  // never to return
}

RILL_INLINE void fiber::before_entering() noexcept {
#if RILL_ADDRESS_SANITIZER
    auto* bottom = static_cast<std::byte*>(stack_.sp) - stack_.size;
    __sanitizer_start_switch_fiber(&outer_fake_stack_, bottom, stack_.size);
#endif
#if RILL_THREAD_SANITIZER
    tsan_outer_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_fiber_, 0);
#endif
}

inline void fiber::after_entering() noexcept {
#if RILL_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(fake_stack_, &outer_stack_, &outer_size_);
#endif
}

RILL_INLINE void fiber::before_leaving() noexcept {
#if RILL_ADDRESS_SANITIZER
    // Without a place for it the fake stack is destroyed.
    __sanitizer_start_switch_fiber(ended_ ? nullptr : &fake_stack_, outer_stack_, outer_size_);
#endif
#if RILL_THREAD_SANITIZER
    __tsan_switch_to_fiber(tsan_outer_, 0);
#endif
}

inline void fiber::after_leaving() noexcept {
#if RILL_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(outer_fake_stack_, nullptr, nullptr);
    if (ended_)  // its frames have not been returned from
        ASAN_UNPOISON_MEMORY_REGION(static_cast<std::byte*>(stack_.sp) - stack_.size, stack_.size);
#endif
}

}  // namespace rill::engine
