// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

#include <cstddef>
#include <stdexcept>

// The values that set_option() and get_option() take.

namespace rill::engine::socket_option {

/// What every option tells, whatever the protocol: its level and name, where its value lies, and how long it is.
template <int Level, int Name, class Value>
class option {
public:
    static constexpr int level(const auto& /*protocol*/) noexcept { return Level; }
    static constexpr int name(const auto& /*protocol*/) noexcept { return Name; }

    constexpr Value* data(const auto& /*protocol*/) noexcept { return &value_; }
    constexpr const Value* data(const auto& /*protocol*/) const noexcept { return &value_; }
    static constexpr std::size_t size(const auto& /*protocol*/) noexcept { return sizeof(Value); }

    /// The system has written @p size bytes to data().
    ///
    /// Throws    std::length_error: not the size of the value
    static void resize(const auto& /*protocol*/, std::size_t size) {
        if (size != sizeof(Value))
            throw std::length_error("socket option: unexpected size of the value");
    }

protected:
    constexpr option() noexcept = default;
    constexpr explicit option(Value value) noexcept : value_(value) {}
    ~option() = default;

    Value value_{};
};

/// Something that is on or off. Off by default.
template <int Level, int Name>
class boolean : public option<Level, Name, int> {
public:
    constexpr boolean() noexcept = default;
    constexpr explicit boolean(bool on) noexcept : option<Level, Name, int>(on ? 1 : 0) {}

    constexpr boolean& operator=(bool on) noexcept {
        this->value_ = on ? 1 : 0;
        return *this;
    }

    constexpr bool value() const noexcept { return this->value_ != 0; }
    constexpr operator bool() const noexcept { return value(); }
    constexpr bool operator!() const noexcept { return !value(); }

    /// The system has written @p size bytes to data(). Windows writes one byte only for some options.
    ///
    /// Throws    std::length_error: neither that nor the size of the value
    void resize(const auto& protocol, std::size_t size) {
        if (size == 1)
            this->value_ = *reinterpret_cast<const unsigned char*>(&this->value_) != 0 ? 1 : 0;
        else
            option<Level, Name, int>::resize(protocol, size);
    }
};

/// A number. 0 by default.
template <int Level, int Name>
class integer : public option<Level, Name, int> {
public:
    constexpr integer() noexcept = default;
    constexpr explicit integer(int value) noexcept : option<Level, Name, int>(value) {}

    constexpr integer& operator=(int value) noexcept {
        this->value_ = value;
        return *this;
    }

    constexpr int value() const noexcept { return this->value_; }
};

/// Whether close() waits for data that is not sent yet, and for how many seconds. Off by default.
template <int Level, int Name>
class linger : public option<Level, Name, native_linger> {
public:
    constexpr linger() noexcept = default;
    constexpr linger(bool on, int timeout_s) noexcept {
        enabled(on);
        timeout(timeout_s);
    }

    constexpr bool enabled() const noexcept { return this->value_.l_onoff != 0; }
    constexpr void enabled(bool on) noexcept { this->value_.l_onoff = on ? 1 : 0; }

    constexpr int timeout() const noexcept { return this->value_.l_linger; }
    constexpr void timeout(int timeout_s) noexcept {
        this->value_.l_linger = static_cast<decltype(this->value_.l_linger)>(timeout_s);
    }
};

}  // namespace rill::engine::socket_option
