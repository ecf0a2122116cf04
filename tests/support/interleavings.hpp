// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

// Runs a few threads, written as step machines, in every order that their steps can take.
//
// A Model is the threads with all that they share:
//
//   std::size_t threads() const               how many; they are numbered from 0
//   bool can_step(std::size_t thread) const   false: it has ended, or waits for a step of another
//   void step(std::size_t thread)             its next atomic operation, with whatever only it can see around that
//   Key key() const                           all that decides what can happen from here on. Key has operator<
//   std::string violation() const             what does not hold and always should; empty if all is well
//   std::string violation_at_end() const      the same when no thread can go on: what is lost, who waits in vain
//
// A model is made anew for each order and given the same steps again, so it may hold real objects, such as the very class
// whose protocol is looked at, and pointers. Each call of such a class in step() must be one atomic operation.
//
// The operations are those of one memory that all threads see alike (sequential consistency). Orders that weaker
// atomics allow are not among them: for them there is ThreadSanitizer, and the argument beside the protocol.

/// What exploring has found.
struct exploration {
    std::string violation;              ///< the first one; empty: nothing is wrong in any order
    std::vector<std::size_t> schedule;  ///< whose steps lead there
    std::size_t states = 0;             ///< different ones, by their keys
    std::size_t ends = 0;               ///< of these, in which no thread can go on

    /// For messages: the violation and how to get there.
    std::string report() const {
        if (violation.empty())
            return "no violation in " + std::to_string(states) + " states";
        std::string text = violation + ", after the steps of threads";
        for (std::size_t thread : schedule)
            text += ' ' + std::to_string(thread);
        return text;
    }
};

namespace interleavings {

template <class Make>
class explorer {
    using model = decltype(std::declval<Make&>()());
    using key = decltype(std::declval<const model&>().key());

public:
    explorer(Make make, std::size_t most_states) : make_(std::move(make)), most_states_(most_states) {}

    exploration explore() {
        visit(replay());
        found_.states = visited_.size();
        return std::move(found_);
    }

private:
    std::unique_ptr<model> replay() {
        std::unique_ptr<model> m(new model(make_()));
        for (std::size_t thread : path_)
            m->step(thread);
        return m;
    }

    // False: there is a violation, in found_.
    bool holds(std::string violation) {
        if (violation.empty())
            return true;
        found_.violation = std::move(violation);
        found_.schedule = path_;
        return false;
    }

    // Everything that can follow path_, which has led to @p m. False: stop.
    bool visit(std::unique_ptr<model> m) {
        if (!holds(m->violation()))
            return false;
        if (!visited_.insert(m->key()).second)
            return true;
        if (visited_.size() > most_states_)
            return holds("too many states to explore them all");
        std::vector<std::size_t> able;
        for (std::size_t thread = 0; thread != m->threads(); ++thread)
            if (m->can_step(thread))
                able.push_back(thread);
        if (able.empty()) {
            ++found_.ends;
            return holds(m->violation_at_end());
        }
        for (std::size_t thread : able) {
            std::unique_ptr<model> next = m ? std::move(m) : replay();
            path_.push_back(thread);
            next->step(thread);
            const bool goes_on = visit(std::move(next));
            if (!goes_on)
                return false;
            path_.pop_back();
        }
        return true;
    }

    Make make_;
    std::size_t most_states_;
    exploration found_;
    std::set<key> visited_;
    std::vector<std::size_t> path_;
};

}  // namespace interleavings

/// Explores all orders of the steps of the model that @p make returns, until one violates what the model demands.
/// States with the same key are looked at once. More than @p most_states of them are a violation too: a test is bounded.
template <class Make>
exploration explore_interleavings(Make make, std::size_t most_states = 1'000'000) {
    return interleavings::explorer<Make>(std::move(make), most_states).explore();
}
