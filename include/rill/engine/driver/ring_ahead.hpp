// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/core/memory_source.hpp>
#include <rill/engine/driver/block_pool.hpp>
#include <rill/engine/request/request.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(native_address.hpp)

#include <cstring>
#include <new>
#include <sys/socket.h>
#include <utility>

// Requests that the kernel answers again and again, whether somebody waits for it or not. Each is its handle's own, the
// first in the queue of its reads, and stays there until the handle goes. What it has been answered is given to the
// requests behind it, in their order, and kept while there are none.
//
// The kernel goes on by itself: there may always be more to keep than `most`, but not for long.

namespace rill::engine {

/// The connections of a listener.
///
/// Threads  as the driver
class connections_ahead : public accept_request, public in_source_memory {
public:
    /// From here on the kernel is stopped.
    static constexpr std::size_t most = 64;

    connections_ahead() noexcept : accept_request(nullptr) {}
    /// What is left is closed: nobody has asked for it.
    ~connections_ahead() {
        while (first_)
            system::close(take());
    }

    bool empty() const noexcept { return first_ == nullptr; }
    bool is_full() const noexcept { return count_ >= most; }

    /// Without memory for it the connection is closed.
    void keep(native_handle connection) noexcept {
        auto* k = new (std::nothrow) kept{connection, nullptr};
        if (!k) {
            system::close(connection);
            return;
        }
        *end_ = k;
        end_ = &k->next;
        ++count_;
    }

    /// Answers @p q with the oldest. False: there is none.
    bool give(accept_request& q) noexcept {
        while (!empty()) {
            const native_handle connection = take();
            if (!q.peer || name_peer(connection, q)) {
                q.accepted = connection;
                q.answer();
                return true;
            }
            // It has gone away meanwhile, and with it its address.
            system::close(connection);
            if (q.report_aborted) {
                q.answer(error::connection_aborted);
                return true;
            }
        }
        return false;
    }

private:
    struct kept {
        native_handle connection;
        kept* next;
    };

    native_handle take() noexcept {
        kept* k = first_;
        first_ = k->next;
        if (!first_)
            end_ = &first_;
        --count_;
        const native_handle connection = k->connection;
        delete k;
        return connection;
    }

    static bool name_peer(native_handle connection, accept_request& q) noexcept {
        native_address_size size = q.peer_size;
        if (::getpeername(connection, q.peer, &size) != 0)
            return false;
        q.peer_size = size;
        return true;
    }

    kept* first_ = nullptr;
    kept** end_ = &first_;
    std::size_t count_ = 0;
};

/// The bytes of a stream. While the pool has enough blocks what is kept stays where it was received; else it is moved, so
/// that a connection that nobody reads does not take the blocks of the others.
///
/// Threads  as the driver
class bytes_ahead : public receive_block_request, public in_source_memory {
public:
    /// From so many blocks on the kernel is stopped.
    static constexpr std::size_t most = 4;

    explicit bytes_ahead(block_pool& pool) noexcept : receive_block_request(nullptr), pool_(pool) {}
    ~bytes_ahead() {
        while (first_)
            free_block(take());
    }

    bool empty() const noexcept { return !first_ && !end_of_stream_; }
    bool is_full() const noexcept { return count_ >= most; }

    void keep(block& full) noexcept {
        full.next = nullptr;
        *end_ = &full;
        end_ = &full.next;
        ++count_;
    }
    /// Nobody waits for what is left.
    void leave_blocks_to_others() noexcept {
        if (!first_ || !pool_.is_short())
            return;
        for (block** link = &first_; *link; link = &(*link)->next) {
            block& full = **link;
            block* moved = full.pool ? make_lone_block(full.size) : nullptr;
            if (!moved)
                continue;
            std::memcpy(moved->memory, full.memory, full.size);
            moved->size = full.size;
            moved->next = full.next;
            *link = moved;
            if (end_ == &full.next)
                end_ = &moved->next;
            free_block(full);
        }
    }

    /// What comes behind the bytes: told once.
    void end_with(const error_code& why) noexcept { end_of_stream_ = why; }

    /// Answers @p q. False: there is nothing to answer it with.
    bool give(receive_request& q) noexcept {
        if (!first_ || (q.flags & ~MSG_PEEK) != 0)
            return give_end(q, q.flags);
        block* b = first_;
        std::size_t at = used_;
        for (std::size_t i = 0; i != q.count && b; ++i) {
            auto* to = static_cast<char*>(q.buffers[i].iov_base);
            for (std::size_t room = q.buffers[i].iov_len; room != 0 && b;) {
                const std::size_t n = b->size - at < room ? b->size - at : room;
                std::memcpy(to, b->memory + at, n);
                to += n;
                room -= n;
                at += n;
                q.bytes += n;
                if (at == b->size) {
                    b = b->next;
                    at = 0;
                }
            }
        }
        q.answer();
        if (q.flags != 0)
            return true;
        while (first_ != b)
            free_block(take());
        used_ = at;
        return true;
    }
    bool give(receive_block_request& q) noexcept {
        if (!first_)
            return give_end(q, 0);
        const std::size_t used = used_;
        block& b = take();
        if (used != 0) {
            b.size -= used;
            std::memmove(b.memory, b.memory + used, b.size);
        }
        q.received = &b;
        q.answer();
        return true;
    }

private:
    // A wish that only the kernel itself could fulfil is not granted.
    bool give_end(request& q, int flags) noexcept {
        if ((flags & ~MSG_PEEK) != 0)
            q.answer(error::operation_not_supported);
        else if (end_of_stream_)
            q.answer(flags == 0 ? std::exchange(end_of_stream_, error_code()) : end_of_stream_);
        else
            return false;
        return true;
    }

    block& take() noexcept {
        block& b = *first_;
        first_ = b.next;
        if (!first_)
            end_ = &first_;
        --count_;
        used_ = 0;
        return b;
    }

    block_pool& pool_;
    block* first_ = nullptr;
    block** end_ = &first_;
    std::size_t count_ = 0;
    std::size_t used_ = 0;  // of the first's bytes
    error_code end_of_stream_;
};

}  // namespace rill::engine
