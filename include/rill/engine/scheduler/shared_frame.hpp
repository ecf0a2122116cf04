// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace rill::engine {

/// While it lives, this thread is inside run() of a shared loop.
class shared_frame {
public:
    explicit shared_frame(const void* loop) noexcept : loop_(loop), below_(top_) { top_ = this; }
    shared_frame(const shared_frame&) = delete;
    shared_frame& operator=(const shared_frame&) = delete;
    ~shared_frame() { top_ = below_; }

    static bool contains(const void* loop) noexcept {
        for (const shared_frame* f = top_; f; f = f->below_)
            if (f->loop_ == loop)
                return true;
        return false;
    }

private:
    const void* loop_;
    const shared_frame* below_;
    static inline constinit thread_local const shared_frame* top_ = nullptr;
};

}  // namespace rill::engine
