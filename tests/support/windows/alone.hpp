// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>

/// What became of a process.
struct ending {
    int exit_code = -1;
    std::string output;  // of stdout and stderr

    /// abort() ended it, or std::terminate(). Source: the C runtime library's abort()
    bool aborted() const { return exit_code == 3; }
    bool says(const char* text) const { return output.find(text) != std::string::npos; }
};

/// Runs the test case of that name, a hidden one, in a process of its own: for what ends the process, and for what is
/// there once in each.
inline ending run_alone(const char* hidden_test) {
    ending e;
    ::SECURITY_ATTRIBUTES inherited{sizeof(inherited), nullptr, TRUE};
    ::HANDLE from = nullptr, to = nullptr;
    if (!::CreatePipe(&from, &to, &inherited, 0))
        return e;
    ::SetHandleInformation(from, HANDLE_FLAG_INHERIT, 0);
    char program[MAX_PATH];
    ::GetModuleFileNameA(nullptr, program, MAX_PATH);
    std::string command = std::string("\"") + program + "\" \"" + hidden_test + "\"";
    ::STARTUPINFOA how{};
    how.cb = sizeof(how);
    how.dwFlags = STARTF_USESTDHANDLES;
    how.hStdOutput = how.hStdError = to;
    ::PROCESS_INFORMATION child{};
    const bool started =
        ::CreateProcessA(program, command.data(), nullptr, nullptr, TRUE, 0, nullptr, nullptr, &how, &child);
    ::CloseHandle(to);
    if (started) {
        char part[512];
        for (::DWORD n = 0; ::ReadFile(from, part, sizeof part, &n, nullptr) && n > 0;)
            e.output.append(part, n);
        ::WaitForSingleObject(child.hProcess, INFINITE);
        ::DWORD code = 0;
        ::GetExitCodeProcess(child.hProcess, &code);
        e.exit_code = static_cast<int>(code);
        ::CloseHandle(child.hThread);
        ::CloseHandle(child.hProcess);
    }
    ::CloseHandle(from);
    return e;
}

/// First in a hidden test: it ends within two minutes, whatever happens, and abort() ends it without a report by Catch2.
inline void end_soon() {
    std::signal(SIGABRT, SIG_DFL);
    std::thread([] {
        std::this_thread::sleep_for(std::chrono::minutes(2));
        std::_Exit(99);
    }).detach();
}
