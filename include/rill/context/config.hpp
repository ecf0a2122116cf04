// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/backend.hpp>
#include <rill/engine/driver/driver.hpp>
#include <rill/execution/execution_context.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

namespace rill {

/// What a context is configured with: values, as text, of keys in sections. docs/configuration.md lists those that the
/// library knows. This one has none; one's own may derive from it, and be made by a service_maker.
class config_service : public execution_context::service {
public:
    using key_type = config_service;

    explicit config_service(execution_context& ctx) : service(ctx) {}

    /// The value, in @p buffer of @p size bytes or elsewhere; null: the key is not set.
    virtual const char* get_value(const char*, const char*, char*, std::size_t) const { return nullptr; }

private:
    void shutdown() override {}
};

/// Reads a context's configuration.
class config {
public:
    explicit config(execution_context& ctx) : service_(use_service<config_service>(ctx)) {}

    /// The value of a key, or @p default_value if it is not set. A bool is written 0, 1, false or true.
    /// Throws  system_error: invalid_argument, the value is not of the type, or too large
    template <std::integral T>
    T get(const char* section, const char* key, T default_value) const;
    RILL_COLD RILL_DECL std::string get(const char* section, const char* key, std::string default_value) const;
    std::string get(const char* section, const char* key, const char* default_value) const {
        return get(section, key, std::string(default_value));
    }

private:
    /// False: it is not set. The result is negative only if @p least is.
    RILL_COLD RILL_DECL bool find(const char* section, const char* key, long long least, unsigned long long most,
                                  unsigned long long& value) const;

    config_service& service_;
};

/// Configures no more than the number of threads: "scheduler.concurrency_hint".
class config_from_concurrency_hint : public execution_context::service_maker {
public:
    /// Any number of threads.
    static constexpr int default_hint = -1;

    config_from_concurrency_hint() noexcept = default;
    explicit config_from_concurrency_hint(int hint) noexcept : hint_(hint) {}

    RILL_COLD RILL_DECL void make(execution_context& ctx) const override;

private:
    int hint_ = default_hint;
};

/// Configures from lines "section.key=value", or, with a prefix, from those that begin with "prefix."; other lines are
/// somebody else's then. What follows a # at the beginning of a line is a comment. The last value of a key counts.
///
/// make() throws  system_error: invalid_argument, and the message names the key, its value, and what is allowed
class config_from_string : public execution_context::service_maker {
public:
    explicit config_from_string(std::string text, std::string prefix = {})
        : text_(std::move(text)), prefix_(std::move(prefix)) {}

    RILL_COLD RILL_DECL void make(execution_context& ctx) const override;

private:
    std::string text_;
    std::string prefix_;
};

/// Configures from the environment, as it is when the context is made: from variables PREFIX_SECTION_KEY in capital
/// letters, such as RILL_SCHEDULER_CONCURRENCY_HINT. Other variables that begin with the prefix are an error, but for
/// RILL_BACKEND; without a prefix they are somebody else's. An empty variable counts as not set.
///
/// make() throws  system_error: invalid_argument, and the message names the variable, its value, and what is allowed
class config_from_env : public execution_context::service_maker {
public:
    config_from_env() : config_from_env("RILL") {}
    explicit config_from_env(std::string prefix) : prefix_(std::move(prefix)) {}

    RILL_COLD RILL_DECL void make(execution_context& ctx) const override;

private:
    std::string prefix_;
};

}  // namespace rill

namespace rill::engine {

/// What a loop is made with.
struct loop_options {
    int concurrency_hint = config_from_concurrency_hint::default_hint;
    backend which = backend::best;
    driver_options driver;
};

inline threading mode_for(int concurrency_hint) noexcept {
    return concurrency_hint == 1 ? threading::solo : threading::shared;
}

/// The options among the configuration of @p ctx.
/// Throws  system_error: invalid_argument, a value is not one
RILL_COLD RILL_DECL loop_options read_configuration(execution_context& ctx);

}  // namespace rill::engine

namespace rill {

// Implementation

template <std::integral T>
T config::get(const char* section, const char* key, T default_value) const {
    unsigned long long value;
    const bool is_set = find(section, key, static_cast<long long>((std::numeric_limits<T>::min)()),
                             static_cast<unsigned long long>((std::numeric_limits<T>::max)()), value);
    return is_set ? static_cast<T>(value) : default_value;
}

}  // namespace rill

#include RILL_BODY(config.ipp)
