// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include <concepts>
#include <exception>
#include <type_traits>

namespace rill {

/// How a type says whether, and with what, an operation failed. Known of error_code and std::exception_ptr; specialised
/// by users for their own types, with
///
///   static bool not_an_error(const T&) noexcept;
///   static void throw_exception(const T&);                      throws, if it is an error
///   static std::exception_ptr to_exception_ptr(const T&);       null, if it is none
///
/// A disposition that comes first among an operation's results is what `co_await` throws, and what redirect_disposition()
/// puts aside.
template <class T>
struct disposition_traits {};

/// Something that says whether an operation failed, and with what. See disposition_traits.
template <class T>
concept disposition = requires(const T& d) {
    { disposition_traits<T>::not_an_error(d) }
    noexcept->std::convertible_to<bool>;
    disposition_traits<T>::throw_exception(d);
    { disposition_traits<T>::to_exception_ptr(d) } -> std::convertible_to<std::exception_ptr>;
};

template <class T>
struct is_disposition : std::bool_constant<disposition<T>> {};
template <class T>
inline constexpr bool is_disposition_v = disposition<T>;

/// What each disposition that is not an error equals: `if (d != no_error)`.
struct no_error_t {
    constexpr no_error_t() noexcept = default;

    friend constexpr bool operator==(no_error_t, no_error_t) noexcept { return true; }
    template <disposition D>
    friend constexpr bool operator==(const D& d, no_error_t) noexcept {
        return disposition_traits<D>::not_an_error(d);
    }
};
inline constexpr no_error_t no_error{};

/// The exception that @p d stands for; null if it is not an error.
template <class D>
    requires disposition<std::remove_cvref_t<D>> std::exception_ptr to_exception_ptr(D&& d) {
        return disposition_traits<std::remove_cvref_t<D>>::to_exception_ptr(d);
    }

/// Throws what @p d stands for; nothing if it is not an error.
template <class D>
    requires disposition<std::remove_cvref_t<D>>
void throw_exception(D&& d) { disposition_traits<std::remove_cvref_t<D>>::throw_exception(d); }

// Implementation

template <>
struct disposition_traits<error_code> {
    static bool not_an_error(const error_code& ec) noexcept { return !ec; }
    static void throw_exception(const error_code& ec) {
        if (ec)
            throw system_error(ec);
    }
    static std::exception_ptr to_exception_ptr(const error_code& ec) {
        return ec ? std::make_exception_ptr(system_error(ec)) : nullptr;
    }
};

template <>
struct disposition_traits<std::exception_ptr> {
    static bool not_an_error(const std::exception_ptr& e) noexcept { return !e; }
    static void throw_exception(const std::exception_ptr& e) {
        if (e)
            std::rethrow_exception(e);
    }
    static std::exception_ptr to_exception_ptr(const std::exception_ptr& e) noexcept { return e; }
};

}  // namespace rill
