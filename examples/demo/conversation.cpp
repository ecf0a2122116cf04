// SPDX-License-Identifier: BSL-1.0

#include "demo.hpp"

#include <stdexcept>

// splitmix64, of connection and place.
static std::uint64_t word_at(std::uint64_t connection, std::uint64_t place) {
    std::uint64_t z = (connection << 40) + (place + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

rill::const_buffer conversation::say() {
    heard_.fill(0);
    for (std::size_t i = 0; i < said_.size(); ++i)
        said_[i] = word_at(connection_, done_ * said_.size() + i);
    return rill::buffer(said_);
}

void conversation::check() {
    const auto* said = reinterpret_cast<const unsigned char*>(said_.data());
    const auto* heard = reinterpret_cast<const unsigned char*>(heard_.data());
    for (std::size_t i = 0; i < message_size; ++i)
        if (said[i] != heard[i])
            throw std::runtime_error("byte " + std::to_string(done_ * message_size + i) + " is " +
                                     std::to_string(heard[i]) + " and should be " + std::to_string(said[i]));
    ++done_;
}
