// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/windows/basic_handle.hpp>

#include <cstdint>
#include <type_traits>

namespace rill::windows {

/// A handle that was opened with FILE_FLAG_OVERLAPPED: its own functions move nothing, overlapped_ptr can be used with it.
template <class Executor = any_io_executor>
class basic_overlapped_handle : public basic_handle<Executor, engine::handle_kind::file> {
    using base = basic_handle<Executor, engine::handle_kind::file>;

public:
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_overlapped_handle<OtherExecutor>;
    };

    using base::base;
    basic_overlapped_handle(basic_overlapped_handle&&) noexcept = default;
    basic_overlapped_handle& operator=(basic_overlapped_handle&&) noexcept = default;
    template <std::convertible_to<Executor> E>
        requires(!std::is_same_v<E, Executor>)
    basic_overlapped_handle(basic_overlapped_handle<E>&& other) : base(std::move(other)) {}

protected:
    /// The synchronous transfer, without an error_code&.
    template <class Buffers>
    std::size_t transfer(const char* what, engine::system::overlapped_call call, std::uint64_t offset,
                         const Buffers& buffers) {
        std::size_t bytes = 0;
        this->throwing(what, [&](auto& ec) { bytes = engine::transfer_now(this->handle_, call, offset, buffers, ec); });
        return bytes;
    }
    template <class Buffers, class Token>
    auto async_transfer(engine::system::overlapped_call call, std::uint64_t offset, const Buffers& buffers,
                        Token& token) {
        using initiate_transfer = typename base::template initiate<engine::file_transfer>;
        return async_initiate<Token, void(error_code, std::size_t)>(initiate_transfer{this}, token, call, offset,
                                                                    engine::sequence_argument(buffers));
    }
};

}  // namespace rill::windows
