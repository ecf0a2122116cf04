// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <csignal>
#include <cstddef>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

/// What became of a process.
struct ending {
    int signal = 0;      // 0: it ended by itself
    int exit_code = -1;  // then
    std::string output;  // of stdout and stderr

    bool aborted() const { return signal == SIGABRT; }
    bool says(const char* text) const { return output.find(text) != std::string::npos; }
};

/// Runs the test case of that name, a hidden one, in a process of its own: for what ends the process, and for what is
/// there once in each.
inline ending run_alone(const char* hidden_test) {
    ending e;
    int ends[2];
    if (::pipe(ends) != 0)
        return e;
    ::posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, ends[0]);
    ::posix_spawn_file_actions_addclose(&actions, ends[1]);
    std::string program = "/proc/self/exe", test = hidden_test;
    char* arguments[] = {program.data(), test.data(), nullptr};
    ::pid_t child = -1;
    const int refused = ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (refused == 0) {
        char part[512];
        for (::ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;)
            e.output.append(part, static_cast<std::size_t>(n));
        int status = 0;
        ::waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            e.signal = WTERMSIG(status);
        else
            e.exit_code = WEXITSTATUS(status);
    }
    ::close(ends[0]);
    return e;
}

/// First in a hidden test: it ends within a minute, whatever happens, and abort() ends it without a report by Catch2.
inline void end_soon() {
    std::signal(SIGABRT, SIG_DFL);
    ::alarm(60);
}
