// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <optional>
#include <rill/io/basic_waitable_timer.hpp>

using namespace tokens;

namespace {

/// A clock that stands still until it is set, and is looked at often.
struct set_clock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<set_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;
    static inline time_point current{};
    static time_point now() noexcept { return current; }
};
struct often {
    static set_clock::duration to_wait_duration(set_clock::duration) { return 1ms; }
    static set_clock::duration to_wait_duration(set_clock::time_point) { return 1ms; }
};

struct timing {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    explicit timing(rill::io_context& io) : timer(std::in_place, io, set_clock::now() + 1h) {}
    template <class Token>
    auto start(Token&& token) {
        return timer->async_wait(std::forward<Token>(token));
    }
    void succeed() { set_clock::current += 1h; }
    void cancel() { timer->cancel(); }
    void close() { timer.reset(); }

    std::optional<rill::basic_waitable_timer<set_clock, often>> timer;
};

}  // namespace

TEST_CASE("async_wait of a timer ends once, with every token and in every way", "[tokens]") {
    tokens::check_all<timing>();
}
