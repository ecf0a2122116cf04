// SPDX-License-Identifier: BSL-1.0

// The limit on io_uring: an echo server for one purpose, straight on the system calls. One request for each receive and
// each send, into the connection's own buffer. Arguments: TASKS REQUESTS tcp|local 64|1024|8192|32768
//   TASKS     when the kernel completes requests: defer (when the server waits; what one thread that owns its ring may
//             ask for) or coop (at any of its system calls: what a ring may ask for that other threads use, too)
//   REQUESTS  apart (a receive when the send is done), linked (both at once, the receive waits for the send), or multishot
//             (apart, and one request accepts all connections)
// or --backend, which writes "io_uring", or fails where the kernel refuses.

#include "echo/raw_server.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <linux/io_uring.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using raw::fail;

constexpr std::uint32_t entries = 256;
constexpr std::uint32_t completions = 4096;

class ring {
public:
    explicit ring(std::uint32_t flags) {
        io_uring_params p{};
        p.flags = flags | IORING_SETUP_CQSIZE;
        p.cq_entries = completions;
        handle_ = static_cast<int>(syscall(__NR_io_uring_setup, entries, &p));
        if (handle_ < 0)
            fail("io_uring_setup");
        char* queues = map(p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe), IORING_OFF_SQ_RING);
        requests_ = reinterpret_cast<io_uring_sqe*>(map(p.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
        sq_tail_ = number(queues, p.sq_off.tail);
        cq_head_ = number(queues, p.cq_off.head);
        cq_tail_ = number(queues, p.cq_off.tail);
        cqes_ = reinterpret_cast<io_uring_cqe*>(queues + p.cq_off.cqes);
        for (std::uint32_t i = 0; i < p.sq_entries; ++i)
            number(queues, p.sq_off.array)[i] = i;
        register_itself();
    }

    /// The next request, all zero.
    io_uring_sqe& next() {
        if (filled_ - submitted_ == entries)
            enter(0);
        io_uring_sqe& request = requests_[filled_++ % entries];
        std::memset(&request, 0, sizeof request);
        return request;
    }

    /// Two requests in a row are submitted together.
    void make_room_for_two() {
        if (filled_ - submitted_ + 2 > entries)
            enter(0);
    }

    /// Submits what there is, waits for an answer, and hands each to @p take.
    template <class Take>
    void run_once(Take take) {
        enter(1);
        std::uint32_t head = *cq_head_;
        const std::uint32_t tail = std::atomic_ref(*cq_tail_).load(std::memory_order_acquire);
        for (; head != tail; ++head)
            take(cqes_[head % completions]);
        std::atomic_ref(*cq_head_).store(head, std::memory_order_release);
    }

private:
    static std::uint32_t* number(char* at, std::uint32_t offset) {
        return reinterpret_cast<std::uint32_t*>(at + offset);
    }

    char* map(std::size_t size, long long offset) const {
        void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, handle_, offset);
        if (p == MAP_FAILED)
            fail("mmap");
        return static_cast<char*>(p);
    }

    // Saves the kernel the look at the table of descriptors.
    void register_itself() {
        io_uring_rsrc_update update{};
        update.offset = ~0U;
        update.data = static_cast<std::uint64_t>(handle_);
        if (syscall(__NR_io_uring_register, handle_, IORING_REGISTER_RING_FDS, &update, 1) != 1)
            fail("io_uring_register");
        handle_ = static_cast<int>(update.offset);
    }

    void enter(std::uint32_t wanted) {
        std::atomic_ref(*sq_tail_).store(filled_, std::memory_order_release);
        long n = syscall(__NR_io_uring_enter, handle_, filled_ - submitted_, wanted,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, nullptr, 0);
        if (n < 0 && errno != EINTR)
            fail("io_uring_enter");
        if (n > 0)
            submitted_ += static_cast<std::uint32_t>(n);
    }

    int handle_;
    io_uring_sqe* requests_;
    io_uring_cqe* cqes_;
    std::uint32_t* sq_tail_;
    std::uint32_t* cq_head_;
    std::uint32_t* cq_tail_;
    std::uint32_t filled_ = 0;
    std::uint32_t submitted_ = 0;
};

template <std::size_t Size, bool Linked>
class server {
public:
    server(std::uint32_t flags, int listener, bool multishot)
        : ring_(flags), listener_(listener), multishot_(multishot) {}

    [[noreturn]] void run() {
        accept();
        for (;;)
            ring_.run_once([this](const io_uring_cqe& answer) { take(answer); });
    }

private:
    struct session {
        int handle;
        bool sends = false;
        std::array<char, Size> data;
    };

    void accept() {
        io_uring_sqe& request = ring_.next();
        request.opcode = IORING_OP_ACCEPT;
        request.fd = listener_;
        request.accept_flags = SOCK_CLOEXEC;
        request.ioprio = multishot_ ? IORING_ACCEPT_MULTISHOT : 0;
        if (none_left_)
            request.ioprio |= accept_poll_first;
    }

    void receive(session& s) {
        io_uring_sqe& request = ring_.next();
        request.opcode = IORING_OP_RECV;
        request.ioprio = IORING_RECVSEND_POLL_FIRST;  // the client waits for its reply: there is nothing yet
        request.fd = s.handle;
        request.addr = reinterpret_cast<std::uint64_t>(s.data.data());
        request.len = Size;
        request.user_data = reinterpret_cast<std::uint64_t>(&s);
    }

    void send(session& s, std::uint32_t size) {
        io_uring_sqe& request = ring_.next();
        request.opcode = IORING_OP_SEND;
        request.fd = s.handle;
        request.addr = reinterpret_cast<std::uint64_t>(s.data.data());
        request.len = size;
        request.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;  // the kernel sends the rest itself
        request.user_data = reinterpret_cast<std::uint64_t>(&s);
        if constexpr (Linked) {
            // An answer only if it fails: then the receive is cancelled, and ends the session.
            request.flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
            request.user_data = failed_send;
        }
    }

    void on_accept(const io_uring_cqe& answer) {
        if (answer.res == -EINVAL && none_left_) {
            knows_poll_first_ = none_left_ = false;
            return accept();
        }
        if (answer.res < 0) {
            errno = -answer.res;
            fail("accept");
        }
        receive(*new session{answer.res, false, {}});
        none_left_ = knows_poll_first_ && (answer.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
        if ((answer.flags & IORING_CQE_F_MORE) == 0)
            accept();
    }

    void take(const io_uring_cqe& answer) {
        if (answer.user_data == failed_send)
            return;
        auto* s = reinterpret_cast<session*>(answer.user_data);
        if (!s) {
            on_accept(answer);
        } else if (answer.res <= 0) {
            close(s->handle);
            delete s;
        } else if constexpr (Linked) {
            ring_.make_room_for_two();
            send(*s, static_cast<std::uint32_t>(answer.res));
            receive(*s);
        } else {
            if (s->sends)
                receive(*s);
            else
                send(*s, static_cast<std::uint32_t>(answer.res));
            s->sends = !s->sends;
        }
    }

    static constexpr std::uint64_t failed_send = 1;
    static constexpr std::uint16_t accept_poll_first = 1U << 2;  // IORING_ACCEPT_POLL_FIRST of Linux 6.10

    ring ring_;
    int listener_;
    bool multishot_;
    bool knows_poll_first_ = true;
    bool none_left_ = false;  // as the last accept told: the next would try in vain, which makes a socket for nothing
};

std::uint32_t flags_for(const std::string& tasks) {
    if (tasks == "defer")
        return IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (tasks == "coop")
        return IORING_SETUP_COOP_TASKRUN;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string(argv[1]) == "--backend") {
        ring works(flags_for("defer"));
        std::puts("io_uring");
        return 0;
    }
    const std::uint32_t flags = argc == 5 ? flags_for(argv[1]) : 0;
    const std::string requests = argc == 5 ? argv[2] : "";
    auto start = [&]<std::size_t Size>(bool tcp) {
        if (requests == "linked")
            server<Size, true>(flags, raw::listen_on(tcp, 0), false).run();
        else
            server<Size, false>(flags, raw::listen_on(tcp, 0), requests == "multishot").run();
    };
    const bool is_known = requests == "apart" || requests == "linked" || requests == "multishot";
    if (flags == 0 || !is_known || !raw::serve_as_told(argv[3], argv[4], start)) {
        std::fputs("arguments: defer|coop apart|linked|multishot tcp|local 64|1024|8192|32768\n", stderr);
        return 2;
    }
    return 0;
}
