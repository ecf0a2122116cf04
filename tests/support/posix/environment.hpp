// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

/// Takes a variable out of the environment.
inline void remove_environment_variable(const char* name) { ::unsetenv(name); }

/// Sets a variable of the environment while it lives.
class environment_variable {
public:
    environment_variable(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name))
            before_ = before;
        ::setenv(name, value, 1);
    }
    environment_variable(const environment_variable&) = delete;
    ~environment_variable() {
        if (before_)
            ::setenv(name_, before_->c_str(), 1);
        else
            ::unsetenv(name_);
    }

private:
    const char* name_;
    std::optional<std::string> before_;
};
