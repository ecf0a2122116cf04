// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <type_traits>

namespace rill::engine {

/// A C array cannot be copied into a member, a std::array of the same elements can.
template <class Sequence>
constexpr auto storable_sequence(const Sequence& sequence) {
    if constexpr (std::is_array_v<Sequence>)
        return std::to_array(sequence);
    else
        return sequence;
}

/// A sequence as an argument of an initiation, of which some tokens keep a decayed copy.
template <class Sequence>
decltype(auto) sequence_argument(const Sequence& sequence) {
    if constexpr (std::is_array_v<Sequence>)
        return storable_sequence(sequence);
    else
        return (sequence);
}

}  // namespace rill::engine
