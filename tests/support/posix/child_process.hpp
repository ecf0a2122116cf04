// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <csignal>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// A process made by fork(), which is killed if it still runs when this goes.
class child_process {
public:
    explicit child_process(pid_t id) : id_(id) {}
    child_process(const child_process&) = delete;
    ~child_process() {
        if (id_ <= 0)
            return;
        ::kill(id_, SIGKILL);
        wait_status();
    }

    /// Runs @p f in a new process, which ends with what it returns, or 255 if it throws.
    template <class Function>
    static pid_t run(Function f) {
        const pid_t id = ::fork();
        if (id == 0)
            leave(f);
        return id;
    }

    template <class Function>
    [[noreturn]] static void leave(Function f) {
        const ::rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::alarm(50);  // whatever happens
        int code = 255;
        try {
            code = f();
        } catch (...) {
        }
        ::_exit(code);
    }

    /// Waits for its end: its exit code, or 1000 and the signal that has ended it.
    int exit_code() {
        const int status = wait_status();
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

private:
    int wait_status() {
        int status = 0;
        while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
        }
        id_ = 0;
        return status;
    }

    pid_t id_;
};
