// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/executor_work_guard.hpp>
#include <rill/context/io_context.hpp>

#include RILL_SYSTEM(thread.hpp)

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace rill {

/// How the shards of a sharded_context are made.
struct sharded_options {
    backend mechanism = backend::best;

    /// The processors that the threads are pinned to, one for each shard in turn: all that allowed_processors() names,
    /// or some of them. None: the system moves the threads as it likes.
    std::vector<int> processors = {};
};

/// The numbers of the processors that the calling thread may run on.
/// Throws  system_error: what the system says when it does not tell
RILL_COLD RILL_DECL std::vector<int> allowed_processors();

/// Several io_contexts, each with a thread of its own: a shard. Work stays on the shard where it is started, and none of
/// it takes a lock or shares a cache line with another. What is to run on a certain shard is posted to it:
/// `post(context.shard(i), token)`.
///
/// The threads start with the object, and run until join() or stop(). A shard's io_context has the concurrency hint 1; its
/// run(), stop() and restart() are the sharded_context's, everything else is everybody's. A handler that throws ends the
/// program, by std::terminate(): nobody is there to catch it.
///
/// Threads  every function from any thread, if nothing else is said
class sharded_context {
public:
    using executor_type = io_context::executor_type;

    /// What this_shard() says elsewhere.
    static constexpr std::size_t no_shard = static_cast<std::size_t>(-1);

    /// A shard for each processor that the calling thread may run on.
    /// Throws  system_error, as below
    RILL_COLD RILL_DECL sharded_context();

    /// @p shards of them.
    /// Throws  system_error: there are to be none; the system refuses a driver or a thread, or to pin a thread to its
    ///         processor
    RILL_COLD RILL_DECL explicit sharded_context(std::size_t shards, const sharded_options& options = {});

    /// Stops, waits for the threads, and destroys what the shards have not run, shard by shard.
    RILL_COLD RILL_DECL ~sharded_context();

    std::size_t size() const noexcept { return shards_.size(); }

    /// Shard @p i of [0, size()).
    io_context& shard(std::size_t i) noexcept {
        RILL_ASSERT(i < size());
        return shards_[i]->io;
    }
    executor_type get_executor(std::size_t i) noexcept { return shard(i).get_executor(); }

    /// Which shard's thread this is; no_shard if it is none of this context's.
    std::size_t this_shard() const noexcept {
        return current_ && &current_->owner == this ? current_->index : no_shard;
    }

    /// Waits until no shard has work left, nor gets any from another, and for the threads to end.
    /// Throws  resource_deadlock_would_occur: this is one of them
    RILL_COLD RILL_DECL void join();

    /// Lets no more handlers start and the threads end, without waiting for them.
    RILL_COLD RILL_DECL void stop() noexcept;

    /// After stop(), or when join() has ended.
    RILL_COLD RILL_DECL bool stopped() const noexcept;

private:
    struct shard_state {
        shard_state(sharded_context& context, std::size_t i, backend mechanism)
            : owner(context), index(i), io(make_driver(mechanism)), guard(std::in_place, io.get_executor()) {}
        static std::unique_ptr<engine::driver> make_driver(backend mechanism) {
            engine::driver_options options;
            options.pinned = true;
            return engine::make_driver(mechanism, engine::threading::solo, options);
        }

        sharded_context& owner;
        const std::size_t index;
        io_context io;
        std::optional<executor_work_guard<executor_type>> guard;  // mutex_; absent only while join() asks
        std::optional<engine::thread> thread;
    };

    RILL_COLD RILL_DECL static void run(void* state) noexcept;
    RILL_COLD RILL_DECL bool run_until_asked(shard_state& s);
    RILL_COLD RILL_DECL bool ask_all() noexcept;
    RILL_COLD RILL_DECL void join_threads() noexcept;

    static inline constinit thread_local const shard_state* current_ = nullptr;

    std::vector<std::unique_ptr<shard_state>> shards_;
    mutable engine::mutex mutex_;
    engine::condition changed_;
    std::size_t unanswered_ = 0;  // mutex_: shards that have not answered join()'s question yet
    bool any_has_run_ = false;    // mutex_: and whether one of those that have had run anything since the last one
    bool is_joining_ = false;     // mutex_: a thread is inside join(); others wait for it
    bool stopped_ = false;        // mutex_
};

}  // namespace rill

#include RILL_BODY(sharded_context.ipp)
