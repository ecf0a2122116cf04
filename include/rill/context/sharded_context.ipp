// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/sharded_context.hpp>

#include RILL_SYSTEM(affinity.hpp)

#include <exception>

namespace rill {

RILL_DECL std::vector<int> allowed_processors() {
    error_code ec;
    std::vector<int> numbers = engine::system::allowed_processors(ec);
    throw_if(ec, "allowed_processors");
    return numbers;
}

RILL_DECL sharded_context::sharded_context() : sharded_context(allowed_processors().size()) {}

RILL_DECL sharded_context::sharded_context(std::size_t shards, const sharded_options& options) {
    if (shards == 0)
        throw_error(error::invalid_argument, "sharded_context: there must be at least one shard");
    for (std::size_t i = 0; i < shards; ++i)
        shards_.push_back(std::make_unique<shard_state>(*this, i, options.mechanism));
    try {
        for (auto& s : shards_) {
            s->thread.emplace(&run, s.get());
            if (options.processors.empty())
                continue;
            int processor = options.processors[s->index % options.processors.size()];
            throw_if(engine::system::pin_thread(s->thread->native(), processor),
                     "sharded_context: the thread of a shard cannot be pinned to its processor");
        }
    } catch (...) {
        stop();
        join_threads();
        throw;
    }
}

RILL_DECL sharded_context::~sharded_context() {
    RILL_ASSERT(this_shard() == no_shard);  // it would wait for the thread that it runs on
    stop();
    join_threads();
    for (auto& s : shards_)
        s.reset();  // the first one first: which of them are still there is no accident of the vector
}

// Caught, and not left to noexcept: with gcc 12 the message on stderr would not always name the exception (gcc bug 97720).
RILL_DECL void sharded_context::run(void* state) noexcept {
    auto& s = *static_cast<shard_state*>(state);
    sharded_context& self = s.owner;
    current_ = &s;
    try {
        while (self.run_until_asked(s)) {
        }
    } catch (...) {
        std::terminate();
    }
}

// False: it is over.
RILL_DECL bool sharded_context::run_until_asked(shard_state& s) {
    bool has_run = s.io.run() != 0;
    engine::scoped_lock lock(mutex_);
    if (stopped_)
        return false;
    RILL_ASSERT(!s.guard);  // or somebody has called stop() of the shard's io_context
    s.io.restart();
    s.guard.emplace(s.io.get_executor());
    any_has_run_ = any_has_run_ || has_run;
    if (--unanswered_ == 0)
        changed_.notify_all();
    return true;
}

// With mutex_ held: asks every shard to say when it has no work left, and waits until all have. A shard goes on to run
// what comes afterwards. True: one of them has run something since it was asked last, so that it may have given work to
// one that had answered before.
//
// That answers of "nothing" from all end it is right: a shard that answers so was without work from its last answer on,
// and all those times have one moment in common, the one when this was called. Who had no work then could get some only
// from outside.
RILL_DECL bool sharded_context::ask_all() noexcept {
    any_has_run_ = false;
    unanswered_ = size();
    for (auto& s : shards_)
        s->guard.reset();
    while (unanswered_ != 0 && !stopped_)
        changed_.wait(mutex_);
    return any_has_run_;
}

RILL_DECL void sharded_context::join() {
    if (this_shard() != no_shard)
        throw_error(make_error_code(boost::system::errc::resource_deadlock_would_occur),
                    "rill: join() on one of the threads that it waits for");
    {
        engine::scoped_lock lock(mutex_);
        while (is_joining_)
            changed_.wait(mutex_);
        is_joining_ = true;
        while (!stopped_ && ask_all()) {
        }
    }
    stop();
    join_threads();
    engine::scoped_lock lock(mutex_);
    is_joining_ = false;
    changed_.notify_all();
}

// TRICKY: under the lock. A thread that is about to restart its loop looks at stopped_ first, with the lock held.
RILL_DECL void sharded_context::stop() noexcept {
    engine::scoped_lock lock(mutex_);
    stopped_ = true;
    for (auto& s : shards_)
        s->io.stop();
    changed_.notify_all();
}

RILL_DECL bool sharded_context::stopped() const noexcept {
    engine::scoped_lock lock(mutex_);
    return stopped_;
}

RILL_DECL void sharded_context::join_threads() noexcept {
    for (auto& s : shards_) {
        if (s->thread)
            s->thread->join();
        s->thread.reset();
    }
}

}  // namespace rill
