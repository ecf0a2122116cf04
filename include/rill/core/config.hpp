// SPDX-License-Identifier: BSL-1.0
#pragma once

// Compilers: what they lack, and the switches a user may set for the whole program.
//
//   RILL_SEPARATE_COMPILATION  the bodies of the engine are compiled in one translation unit, the one that includes
//                              <rill/engine/bodies.hpp>; without it they are inline in every one
//   RILL_CHECKED               misuse that costs something to detect ends the program with a message

// What is called once in the life of an object, or lies off the usual path of a solo loop, is compiled for size, apart from the rest,
// and not repeated where it is called: that is a good part of the time that a unit takes to compile, and keeps the
// usual path free of what only the other one needs.
#if defined(__GNUC__)
#define RILL_COLD [[gnu::cold]]
#else
#define RILL_COLD
#endif

// What every operation passes through, and is shorter than a call of it. gcc's -O2 leaves calls of functions that
// clang's inlines.
#if defined(__GNUC__)
#define RILL_INLINE [[gnu::always_inline]] inline
#elif defined(_MSC_VER)
#define RILL_INLINE __forceinline
#else
#define RILL_INLINE inline
#endif

// A header of non-template code ends with `#include RILL_BODY(x.ipp)`, the file beside it.
#if defined(RILL_SEPARATE_COMPILATION)
#define RILL_DECL
#define RILL_BODY(file) <rill/core/nothing.hpp>
#else
#define RILL_DECL inline
#define RILL_BODY(file) #file
#endif

#if defined(RILL_CHECKED)
#include <cstdio>
#include <cstdlib>
#define RILL_ASSERT(condition)                                                                                         \
    ((condition) ? void()                                                                                              \
                 : (std::fprintf(stderr, "rill: %s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition),       \
                    std::abort()))
#else
#define RILL_ASSERT(condition) void()
#endif

// Sanitizers that want to be told when a thread goes on on another stack.
#if defined(__SANITIZE_ADDRESS__)
#define RILL_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RILL_ADDRESS_SANITIZER 1
#endif
#endif
#if !defined(RILL_ADDRESS_SANITIZER)
#define RILL_ADDRESS_SANITIZER 0
#endif
#if defined(__SANITIZE_THREAD__)
#define RILL_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RILL_THREAD_SANITIZER 1
#endif
#endif
#if !defined(RILL_THREAD_SANITIZER)
#define RILL_THREAD_SANITIZER 0
#endif

// A function in which AddressSanitizer checks nothing.
#if RILL_ADDRESS_SANITIZER
#define RILL_NOT_SANITIZED __attribute__((no_sanitize_address))
#else
#define RILL_NOT_SANITIZED
#endif

// Recycled memory hides a use after free from AddressSanitizer, so it is not recycled there.
#define RILL_RECYCLES_MEMORY (!RILL_ADDRESS_SANITIZER)

// An empty member takes no room. MSVC ignores the standard's attribute.
#if defined(_MSC_VER)
#define RILL_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define RILL_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif
