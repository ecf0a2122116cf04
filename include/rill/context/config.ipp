// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/config.hpp>

#include RILL_DRIVERS
#include RILL_SYSTEM(environment.hpp)

#include <charconv>
#include <iterator>
#include <string_view>
#include <system_error>

namespace rill::engine {

/// A key that the library reads.
struct config_key {
    std::string_view section;
    std::string_view name;
    std::string_view variable;  // in the environment, behind the prefix
    bool (*allows)(std::string_view value);
    std::string (*allowed)();
};

template <class T>
bool parse_number(std::string_view text, T& value) noexcept {
    auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), value);
    return e == std::errc() && end == text.data() + text.size();
}

inline bool parse_flag(std::string_view text, bool& value) noexcept {
    value = text == "1" || text == "true";
    return value || text == "0" || text == "false";
}

inline bool parse_block_size(std::string_view text, unsigned& value) noexcept {
    return parse_number(text, value) && value >= 1 && value <= block_supply::largest;
}

inline bool parse_block_count(std::string_view text, unsigned& value) noexcept {
    return parse_number(text, value) && value >= 1 && value <= block_supply::most;
}

inline bool parse_backend(std::string_view text, backend& value) noexcept {
    value = backend::best;
    if (text == "best")
        return true;
    for (const auto& d : platform_drivers) {
        if (d.name != text)
            continue;
        value = d.which;
        return true;
    }
    return false;
}

inline std::string backend_names() {
    std::string names = "best";
    for (const auto& d : platform_drivers)
        names.append(", ").append(d.name);
    return names;
}

template <class T, bool (*Parse)(std::string_view, T&) noexcept>
bool allows(std::string_view text) {
    T value;
    return Parse(text, value);
}

inline bool parse_ring_size(std::string_view text, unsigned& value) noexcept {
    return parse_number(text, value) && value >= 1 && value <= 32768;
}

inline constexpr config_key config_keys[] = {
    {"scheduler", "concurrency_hint", "SCHEDULER_CONCURRENCY_HINT", &allows<int, &parse_number<int>>,
     [] { return std::string("an integer; 1: one thread runs the context"); }},
    {"reactor", "backend", "REACTOR_BACKEND", &allows<backend, &parse_backend>, &backend_names},
    {"reactor", "preallocated_io_objects", "REACTOR_PREALLOCATED_IO_OBJECTS",
     &allows<unsigned, &parse_number<unsigned>>, [] { return std::string("a number from 0"); }},
    {"receive_buffers", "size", "RECEIVE_BUFFERS_SIZE", &allows<unsigned, &parse_block_size>,
     [] { return std::string("a number of bytes from 1 to 16777216"); }},
    {"receive_buffers", "count", "RECEIVE_BUFFERS_COUNT", &allows<unsigned, &parse_block_count>,
     [] { return std::string("a number from 1 to 32768"); }},
    {"reactor", "use_timerfd", "REACTOR_USE_TIMERFD", &allows<bool, &parse_flag>,
     [] { return std::string("0, 1, false, true"); }},
    {"scheduler", "pinned", "SCHEDULER_PINNED", &allows<bool, &parse_flag>,
     [] { return std::string("0, 1, false, true"); }},
    {"io_uring", "entries", "IO_URING_ENTRIES", &allows<unsigned, &parse_ring_size>,
     [] { return std::string("a number from 1 to 32768"); }},
    {"io_uring", "polled", "IO_URING_POLLED", &allows<unsigned, &parse_number<unsigned>>,
     [] { return std::string("milliseconds; 0: not"); }},
};
inline constexpr std::size_t config_key_count = std::size(config_keys);

[[noreturn]] inline void refuse_value(std::string_view name, std::string_view value, std::string_view allowed) {
    std::string what("rill: configuration: ");
    what.append(name).append(" is '").append(value).append("'; allowed: ").append(allowed);
    throw_error(error::invalid_argument, what.c_str());
}

/// Values of the library's keys.
class config_values final : public config_service {
public:
    explicit config_values(execution_context& ctx) : config_service(ctx) {}

    const char* get_value(const char* section, const char* key, char*, std::size_t) const override {
        for (std::size_t i = 0; i != config_key_count; ++i)
            if (config_keys[i].section == section && config_keys[i].name == key)
                return is_set_[i] ? values_[i].c_str() : nullptr;
        return nullptr;
    }

    /// Sets the key that @p is says is meant; @p name is what the user knows it by.
    template <class Is, class NameOf>
    void set(std::string_view name, std::string_view value, Is is, NameOf name_of) {
        std::string names;
        for (std::size_t i = 0; i != config_key_count; ++i) {
            const config_key& key = config_keys[i];
            names.append(names.empty() ? "" : ", ").append(name_of(key));
            if (!is(key))
                continue;
            if (!key.allows(value))
                refuse_value(name, value, key.allowed());
            values_[i] = value;
            is_set_[i] = true;
            return;
        }
        std::string what("rill: configuration: unknown key ");
        what.append(name).append(" with the value '").append(value).append("'; there are: ").append(names);
        throw_error(error::invalid_argument, what.c_str());
    }

private:
    std::string values_[config_key_count];
    bool is_set_[config_key_count]{};
};

inline std::string_view trimmed(std::string_view s) noexcept {
    constexpr std::string_view blanks = " \t\r";
    const auto first = s.find_first_not_of(blanks);
    return first == s.npos ? std::string_view() : s.substr(first, s.find_last_not_of(blanks) + 1 - first);
}

/// One's own source of values is not checked before.
inline std::size_t block_number(const config& values, const char* key, std::size_t otherwise, std::size_t most) {
    const auto n = values.get("receive_buffers", key, otherwise);
    if (n < 1 || n > most)
        refuse_value(std::string("receive_buffers.").append(key), std::to_string(n),
                     "a number from 1 to " + std::to_string(most));
    return n;
}

RILL_DECL loop_options read_configuration(execution_context& ctx) {
    loop_options options;
    if (!has_service<config_service>(ctx))
        return options;
    const config values(ctx);
    options.concurrency_hint = values.get("scheduler", "concurrency_hint", options.concurrency_hint);
    const std::string name = values.get("reactor", "backend", "best");
    if (!parse_backend(name, options.which))
        refuse_value("reactor.backend", name, backend_names());
    options.driver.preallocated = values.get("reactor", "preallocated_io_objects", 0u);
    options.driver.block_size = block_number(values, "size", options.driver.block_size, block_supply::largest);
    options.driver.block_count = block_number(values, "count", options.driver.block_count, block_supply::most);
    options.driver.use_timerfd = values.get("reactor", "use_timerfd", true);
    options.driver.pinned = values.get("scheduler", "pinned", false);
    options.driver.ring_entries = values.get("io_uring", "entries", options.driver.ring_entries);
    options.driver.ring_idle_ms = values.get("io_uring", "polled", options.driver.ring_idle_ms);
    return options;
}

}  // namespace rill::engine

namespace rill {

RILL_DECL bool config::find(const char* section, const char* key, long long least, unsigned long long most,
                            unsigned long long& value) const {
    char buffer[256];
    const char* text = service_.get_value(section, key, buffer, sizeof(buffer));
    if (!text)
        return false;
    long long negative = 0;
    bool flag = false;
    if (most == 1 && engine::parse_flag(text, flag))
        value = flag;
    else if (engine::parse_number(text, negative) && negative < 0 && negative >= least)
        value = static_cast<unsigned long long>(negative);
    else if (!engine::parse_number(text, value) || value > most)
        engine::refuse_value(std::string(section).append(".").append(key), text,
                             most == 1 ? std::string("0, 1, false, true")
                                       : "integers from " + std::to_string(least) + " to " + std::to_string(most));
    return true;
}

RILL_DECL std::string config::get(const char* section, const char* key, std::string default_value) const {
    char buffer[256];
    const char* text = service_.get_value(section, key, buffer, sizeof(buffer));
    return text ? std::string(text) : default_value;
}

RILL_DECL void config_from_concurrency_hint::make(execution_context& ctx) const {
    make_service<engine::config_values>(ctx).set(
        "scheduler.concurrency_hint", std::to_string(hint_),
        [](const engine::config_key& key) { return key.name == "concurrency_hint"; },
        [](const engine::config_key& key) { return key.name; });
}

RILL_DECL void config_from_string::make(execution_context& ctx) const {
    auto& values = make_service<engine::config_values>(ctx);
    std::string_view rest = text_;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        std::string_view line = engine::trimmed(rest.substr(0, end));
        rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
        if (line.empty() || line.front() == '#')
            continue;
        if (!prefix_.empty()) {
            if (!line.starts_with(prefix_) || line.substr(prefix_.size(), 1) != ".")
                continue;
            line.remove_prefix(prefix_.size() + 1);
        }
        const auto sign = line.find('=');
        if (sign == line.npos)
            engine::refuse_value("a line", line, "section.key=value");
        const std::string_view name = engine::trimmed(line.substr(0, sign));
        const auto name_of = [](const engine::config_key& key) {
            return std::string(key.section).append(".").append(key.name);
        };
        values.set(
            name, engine::trimmed(line.substr(sign + 1)),
            [&](const engine::config_key& key) { return name == name_of(key); }, name_of);
    }
}

RILL_DECL void config_from_env::make(execution_context& ctx) const {
    auto& values = make_service<engine::config_values>(ctx);
    std::string prefix;
    for (char c : prefix_)
        prefix += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (!prefix.empty())
        prefix += '_';
    const auto* variable = engine::system::environment();
    for (; variable && *variable; ++variable) {
        const std::string_view entry = *variable;
        const auto sign = entry.find('=');
        if (sign == entry.npos || !entry.starts_with(prefix) || sign + 1 == entry.size())
            continue;
        const std::string_view name = entry.substr(0, sign);
        const auto is_meant = [&](const engine::config_key& key) { return name.substr(prefix.size()) == key.variable; };
        bool is_known = false;
        for (const engine::config_key& key : engine::config_keys)
            is_known = is_known || is_meant(key);
        // Without a prefix the others are somebody else's; RILL_BACKEND and RILL_IO_URING are read where a driver is made.
        if (!is_known && (prefix.empty() || name == "RILL_BACKEND" || name == "RILL_IO_URING"))
            continue;
        values.set(name, entry.substr(sign + 1), is_meant,
                   [&](const engine::config_key& key) { return prefix + std::string(key.variable); });
    }
}

}  // namespace rill
