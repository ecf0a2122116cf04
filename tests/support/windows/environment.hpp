// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

/// Takes a variable out of the environment.
inline void remove_environment_variable(const char* name) { ::_putenv_s(name, ""); }

/// Sets a variable of the environment while it lives. An empty one is none here.
class environment_variable {
public:
    environment_variable(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name))
            before_ = before;
        ::_putenv_s(name, value);
    }
    environment_variable(const environment_variable&) = delete;
    ~environment_variable() { ::_putenv_s(name_, before_ ? before_->c_str() : ""); }

private:
    const char* name_;
    std::optional<std::string> before_;
};
