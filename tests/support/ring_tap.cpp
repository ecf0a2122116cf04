// SPDX-License-Identifier: BSL-1.0
#include <support/ring_tap.hpp>

#include <cerrno>
#include <cstdarg>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

extern "C" long __real_syscall(long, ...);

namespace {

// Newer than some headers; see <linux/io_uring.h> of Linux 6.10 and 5.18.
constexpr std::uint32_t nop_inject_result = 1u << 0;
constexpr unsigned enter_registered_ring = 1u << 4;
constexpr unsigned register_ring_handles = 20;

// What this thread's table of rings has at each place.
thread_local int remembered[16];

}  // namespace

ring_tap& the_ring_tap() {
    static ring_tap tap;
    return tap;
}

class ring_tap::mapping {
public:
    mapping(int handle, const ::io_uring_params& p)
        : parameters_(p),
          queues_(map(handle, queues_size(), IORING_OFF_SQ_RING)),
          entries_(map(handle, entries_size(), IORING_OFF_SQES)) {}
    mapping(const mapping&) = delete;
    ~mapping() {
        if (queues_ != MAP_FAILED)
            ::munmap(queues_, queues_size());
        if (entries_ != MAP_FAILED)
            ::munmap(entries_, entries_size());
    }
    bool is_there() const { return queues_ != MAP_FAILED && entries_ != MAP_FAILED; }

    unsigned load(std::uint32_t offset) const {
        return std::atomic_ref(*static_cast<unsigned*>(at(offset))).load(std::memory_order_acquire);
    }
    ::io_uring_sqe& entry(unsigned position) const {
        const auto* array = static_cast<const unsigned*>(at(parameters_.sq_off.array));
        return static_cast<::io_uring_sqe*>(entries_)[array[position & (parameters_.sq_entries - 1)]];
    }
    ::io_uring_cqe& completion(unsigned position) const {
        auto* all = static_cast<::io_uring_cqe*>(at(parameters_.cq_off.cqes));
        return all[position & (parameters_.cq_entries - 1)];
    }

private:
    static void* map(int handle, std::size_t size, ::off_t what) {
        return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, handle, what);
    }
    void* at(std::uint32_t offset) const { return static_cast<char*>(queues_) + offset; }
    std::size_t queues_size() const {
        const std::size_t entries = parameters_.sq_off.array + parameters_.sq_entries * sizeof(unsigned);
        const std::size_t completions = parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(::io_uring_cqe);
        return entries > completions ? entries : completions;
    }
    std::size_t entries_size() const { return parameters_.sq_entries * sizeof(::io_uring_sqe); }

    const ::io_uring_params& parameters_;
    void* const queues_;
    void* const entries_;
};

void ring_tap::start(entry_watcher watcher) {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i != 3; ++i) {
        failures_[i] = {};
        counts_[i] = 0;
    }
    requests_ = 0;
    watcher_ = std::move(watcher);
    before_enter_.reset();
    on_ = true;
}

void ring_tap::stop() {
    on_ = false;
    const std::lock_guard lock(mutex_);
    watcher_ = {};
    before_enter_.reset();
}

void ring_tap::fail(call c, failure f) {
    const std::lock_guard lock(mutex_);
    failures_[static_cast<int>(c)] = f;
}

void ring_tap::before_enter(std::function<void()> f) {
    const std::lock_guard lock(mutex_);
    before_enter_ = std::make_shared<const std::function<void()>>(std::move(f));
}

void ring_tap::tell_of_enter() {
    std::shared_ptr<const std::function<void()>> f;
    {
        const std::lock_guard lock(mutex_);
        f = before_enter_;
    }
    if (f)
        (*f)();
}

bool ring_tap::fails(call c) {
    if (!on_)
        return false;
    const int n = counts_[static_cast<int>(c)]++;
    const std::lock_guard lock(mutex_);
    const failure& f = failures_[static_cast<int>(c)];
    if (n < f.first || n >= f.behind || (f.in_pairs && (n - f.first) % 2 != 0))
        return false;
    errno = f.error;
    return true;
}

long ring_tap::setup(unsigned entries, ::io_uring_params* parameters) {
    if (fails(call::setup))
        return -1;
    const long handle = __real_syscall(__NR_io_uring_setup, entries, parameters);
    if (handle >= 0) {
        const std::lock_guard lock(mutex_);
        rings_[static_cast<int>(handle)] = ring{*parameters, 0};
    }
    return handle;
}

long ring_tap::registers(int handle, unsigned what, void* argument, unsigned count) {
    if (fails(call::registering))
        return -1;
    const long result = __real_syscall(__NR_io_uring_register, handle, what, argument, count);
    const auto* one = static_cast<const ::io_uring_rsrc_update*>(argument);
    if (what == register_ring_handles && result == 1 && one->offset < std::size(remembered))
        remembered[one->offset] = static_cast<int>(one->data);
    return result;
}

// Entries that were published are looked at, each once, whether this call submits them or not.
std::vector<ring_tap::injected> ring_tap::look_at_entries(int handle) {
    std::vector<injected> changed;
    const std::lock_guard lock(mutex_);
    const auto found = rings_.find(handle);
    if (found == rings_.end() || (found->second.parameters.flags & IORING_SETUP_SQPOLL) != 0)
        return changed;
    ring& r = found->second;
    const mapping m(handle, r.parameters);
    if (!m.is_there())
        return changed;
    const unsigned tail = m.load(r.parameters.sq_off.tail);
    const unsigned head = m.load(r.parameters.sq_off.head);
    if (static_cast<int>(r.seen - head) < 0)
        r.seen = head;
    for (; r.seen != tail; ++r.seen) {
        ::io_uring_sqe& e = m.entry(r.seen);
        requests_ += is_request(e);
        const std::optional<int> result = watcher_ ? watcher_(e) : std::nullopt;
        if (!result)
            continue;
        const auto of = e.user_data;
        e = {};
        e.opcode = IORING_OP_NOP;
        e.fd = -1;
        e.len = static_cast<std::uint32_t>(*result);
        e.rw_flags = nop_inject_result;
        e.user_data = of;
        changed.push_back({of, *result});
    }
    return changed;
}

// A kernel that cannot be told the result has said 0.
void ring_tap::look_at_completions(int handle, const std::vector<injected>& wanted) {
    const std::lock_guard lock(mutex_);
    const ring& r = rings_[handle];
    const mapping m(handle, r.parameters);
    if (!m.is_there())
        return;
    const unsigned tail = m.load(r.parameters.cq_off.tail);
    for (unsigned at = m.load(r.parameters.cq_off.head); at != tail; ++at)
        for (const injected& i : wanted)
            if (m.completion(at).user_data == i.user_data && m.completion(at).res == 0)
                m.completion(at).res = i.result;
}

long ring_tap::enter(int handle, unsigned count, unsigned least, unsigned flags, void* argument, unsigned long size) {
    if (on_)
        tell_of_enter();
    if (fails(call::enter))
        return -1;
    int asked = handle;
    if ((flags & enter_registered_ring) != 0)
        asked = remembered[static_cast<std::size_t>(handle) % std::size(remembered)];
    std::vector<injected> changed;
    if (on_)
        changed = look_at_entries(asked);
    const long result = __real_syscall(__NR_io_uring_enter, handle, count, least, flags, argument, size);
    const int error = errno;
    if (!changed.empty())
        look_at_completions(asked, changed);
    errno = error;
    return result;
}

// The sixth argument is on the stack, and may not be there.
extern "C" long __wrap_syscall(long number, ...) {
    ::va_list all;
    va_start(all, number);
    long a[6]{};
    for (int i = 0; i != 5; ++i)
        a[i] = va_arg(all, long);
    if (number == __NR_io_uring_enter || number == __NR_futex)
        a[5] = va_arg(all, long);
    va_end(all);
    const auto pointer = [](long value) { return reinterpret_cast<void*>(value); };
    ring_tap& tap = the_ring_tap();
    switch (number) {
    case __NR_io_uring_setup:
        return tap.setup(static_cast<unsigned>(a[0]), static_cast<::io_uring_params*>(pointer(a[1])));
    case __NR_io_uring_enter:
        return tap.enter(static_cast<int>(a[0]), static_cast<unsigned>(a[1]), static_cast<unsigned>(a[2]),
                         static_cast<unsigned>(a[3]), pointer(a[4]), static_cast<unsigned long>(a[5]));
    case __NR_io_uring_register:
        return tap.registers(static_cast<int>(a[0]), static_cast<unsigned>(a[1]), pointer(a[2]),
                             static_cast<unsigned>(a[3]));
    default: return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}
