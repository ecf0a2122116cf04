// SPDX-License-Identifier: BSL-1.0
#include <rill/context/strand_queue.hpp>

#include <support/catch.hpp>
#include <support/interleavings.hpp>

#include <array>
#include <atomic>
#include <deque>
#include <string>
#include <vector>

// The hand-over of a strand, in every order that the steps of a few threads can take. The queue is the library's own;
// what strand_state does with it, which is not atomic, is written again here, an atomic operation a step. Never two owners,
// no lost wake-up, each task once, in the order in which its producer has pushed it.

using rill::engine::strand_queue;
using rill::engine::task;
using rill::engine::task_queue;

namespace {

struct node : task {
    node(int p, int n, bool c) : task(nullptr), producer(p), number(n), continues(c) {}
    int producer, number;
    bool continues;  // when it runs, it posts one more, as if by its producer
    int ran = 0;
};

struct setting {
    std::vector<int> producers;    // each pushes so many
    std::vector<int> dispatchers;  // each runs so many at once, or pushes them
    int workers = 1;               // threads of the inner executor
    int batch = 1;                 // a worker's turn
    bool continues = false;        // the first task of each thread posts one more
};

template <class Queue>
class model {
public:
    explicit model(const setting& s) : setting_(s) {
        for (int n : s.producers)
            add_thread(kind::producer, n);
        for (int n : s.dispatchers)
            add_thread(kind::dispatcher, n);
        for (int i = 0; i != s.workers; ++i)
            add_thread(kind::worker, 0);
        expected_.resize(threads_.size());
    }

    std::size_t threads() const { return threads_.size(); }

    bool can_step(std::size_t i) const {
        const thread& t = threads_[i];
        if (t.at != start)
            return true;
        return t.what == kind::worker ? scheduled_ != 0 : t.next != t.end;
    }

    void step(std::size_t i) {
        thread& t = threads_[i];
        switch (t.at) {
        case start:
            if (t.what == kind::worker) {
                --scheduled_;
                own(t);
                t.left = setting_.batch;
                t.at = next_task;
            } else if (t.what == kind::dispatcher) {
                if (queue_.try_own()) {
                    own(t);
                    t.running = t.next++;
                    enter(t);
                    t.at = leave_task;
                } else {
                    t.at = look;
                }
            } else {
                t.at = look;
                step(i);  // nothing shared has been done
            }
            break;
        case look:
            t.seen = queue_.look();
            t.at = push;
            break;
        case push:
            if (!queue_.try_push(nodes_[at(t.next)], t.seen))
                break;  // it has seen what there is now
            ++t.next;
            t.at = start;
            if (t.seen == nullptr) {
                own(t);
                t.at = schedule;
            }
            break;
        case schedule:
            disown(t);
            ++scheduled_;
            t.at = start;
            break;
        case next_task:
            if (t.left == 0) {
                t.at = end_turn;
                step(i);
            } else if (!local_.empty()) {
                --t.left;
                t.running = index(local_.pop());
                enter(t);
                t.at = leave_task;
            } else {
                t.at = queue_.has_arrived() ? take_arrived : end_turn;
            }
            break;
        case take_arrived:
            queue_.take(local_);
            t.at = next_task;
            break;
        case leave_task:
            if (nodes_[at(t.running)].continues) {
                nodes_[at(t.running)].continues = false;
                t.at = queue_.has_arrived() ? take_before_push : push_inside;
                break;
            }
            --inside_;
            t.at = t.what == kind::worker ? next_task : end_turn;
            break;
        case take_before_push:
            queue_.take(local_);
            t.at = push_inside;
            break;
        case push_inside: {
            const node& n = nodes_[at(t.running)];
            nodes_.emplace_back(n.producer, continued, false);
            local_.push(nodes_.back());
            t.at = leave_task;
            break;
        }
        case end_turn: t.at = !local_.empty() || queue_.has_arrived() ? schedule : leave; break;
        case leave:
            if (queue_.leave()) {
                disown(t);
                t.at = start;
            } else {
                t.at = end_turn;
            }
            break;
        }
    }

    std::vector<int> key() const {
        std::vector<int> k{scheduled_, owners_, inside_, head()};
        for (const thread& t : threads_)
            k.insert(k.end(), {t.at, t.next, t.left, t.running, number_of(t.seen), t.owns});
        for (const node& n : nodes_)
            k.insert(k.end(), {n.ran, n.continues});
        for (int e : expected_)
            k.push_back(e);
        chain(k, queue_.look());
        chain(k, local_.front());
        return k;
    }

    std::string violation() const {
        if (!wrong_.empty())
            return wrong_;
        if (owners_ + scheduled_ > 1)
            return "two own the strand";
        if ((owners_ + scheduled_ == 1) != queue_.is_owned())
            return "the word does not say who owns the strand";
        return inside_ > 1 ? "two are in the strand" : "";
    }

    std::string violation_at_end() const {
        for (const node& n : nodes_)
            if (n.ran != 1)
                return "a task has not run";
        return queue_.is_owned() || !local_.empty() ? "the strand is not idle" : "";
    }

private:
    enum class kind { producer, dispatcher, worker };
    enum place {
        start,
        look,
        push,
        schedule,
        next_task,
        take_arrived,
        leave_task,
        take_before_push,
        push_inside,
        end_turn,
        leave
    };
    static constexpr int continued = -1;

    struct thread {
        kind what;
        int next, end;  // its nodes
        place at = start;
        int left = 0, running = 0;
        task* seen = nullptr;
        bool owns = false;
    };

    static std::size_t at(int i) { return static_cast<std::size_t>(i); }

    void add_thread(kind k, int count) {
        const int first = static_cast<int>(nodes_.size());
        for (int n = 0; n != count; ++n)
            nodes_.emplace_back(static_cast<int>(threads_.size()), n, setting_.continues && n == 0);
        threads_.push_back(thread{k, first, first + count});
    }

    void own(thread& t) {
        t.owns = true;
        ++owners_;
    }
    void disown(thread& t) {
        t.owns = false;
        --owners_;
    }

    void enter(const thread& t) {
        ++inside_;
        node& n = nodes_[at(t.running)];
        if (++n.ran != 1)
            wrong_ = "a task runs twice";
        if (n.number != continued && n.number != expected_[at(n.producer)]++)
            wrong_ = "a task overtakes another of its producer";
    }

    int index(const task& t) const {
        for (std::size_t i = 0; i != nodes_.size(); ++i)
            if (&nodes_[i] == &t)
                return static_cast<int>(i);
        return -1;
    }
    // Null, a node, or the word's mark for an owner.
    int number_of(const task* t) const { return t ? index(*t) : -2; }

    void chain(std::vector<int>& k, const task* t) const {
        while (t && index(*t) >= 0) {
            k.push_back(index(*t));
            t = t->next;
        }
        k.push_back(-3);
    }
    int head() const { return number_of(queue_.look()); }

    setting setting_;
    Queue queue_;
    task_queue local_;
    std::deque<node> nodes_;
    std::vector<thread> threads_;
    std::vector<int> expected_;
    int scheduled_ = 0, owners_ = 0, inside_ = 0;
    std::string wrong_;
};

template <class Queue>
exploration explore(const setting& s) {
    return explore_interleavings([&] { return model<Queue>(s); });
}

enum class flaw { leaves_blindly, pushes_blindly, gives_up_when_it_takes };

/// A queue that is not right.
template <flaw Flaw>
class flawed_queue {
public:
    task* look() const { return head_; }
    bool try_push(task& t, task*& seen) {
        if (Flaw != flaw::pushes_blindly && seen != head_) {
            seen = head_;
            return false;
        }
        t.next = seen == owned() ? nullptr : seen;
        head_ = &t;
        return true;
    }
    bool try_own() {
        if (head_)
            return false;
        head_ = owned();
        return true;
    }
    bool has_arrived() const { return head_ != owned(); }
    void take(task_queue& to) {
        std::vector<task*> chain;
        for (task* t = head_; t && t != owned(); t = t->next)
            chain.push_back(t);
        for (std::size_t i = chain.size(); i-- != 0;)
            to.push(*chain[i]);
        head_ = Flaw == flaw::gives_up_when_it_takes ? nullptr : owned();
    }
    bool leave() {
        if (Flaw != flaw::leaves_blindly && head_ != owned())
            return false;
        head_ = nullptr;
        return true;
    }
    bool is_owned() const { return head_ != nullptr; }

private:
    static task* owned() {
        static task mark(nullptr);
        return &mark;
    }
    task* head_ = nullptr;
};

}  // namespace

TEST_CASE("the strand's hand-over holds in every order of steps", "[context][strand][interleavings]") {
    const std::vector<setting> settings = {
        {{2, 2}, {}, 1, 1, false},     // two producers
        {{2, 2}, {}, 1, 4, true},      // tasks that post
        {{1, 1}, {}, 2, 1, true},      // two threads that run
        {{1}, {2}, 1, 1, true},        // one dispatches
        {{1}, {1, 1}, 1, 2, false},    // two of them
        {{1, 1, 1}, {}, 1, 2, false},  // three producers
        {{1, 1}, {1}, 2, 1, true},     // all of that
    };
    for (const setting& s : settings) {
        const exploration found = explore<strand_queue>(s);
        INFO(found.report());
        CHECK(found.violation.empty());
        CHECK(found.states > 500);
        CHECK(found.ends > 0);
    }
}

TEST_CASE("a hand-over with a flaw is found out", "[context][strand][interleavings]") {
    const setting s{{1, 1}, {1}, 2, 1, true};
    CHECK(explore<flawed_queue<flaw::leaves_blindly>>(s).violation == "a task has not run");
    CHECK(explore<flawed_queue<flaw::pushes_blindly>>(s).violation != "");
    CHECK(explore<flawed_queue<flaw::gives_up_when_it_takes>>(s).violation ==
          "the word does not say who owns the strand");
}
