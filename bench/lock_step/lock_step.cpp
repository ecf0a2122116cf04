// SPDX-License-Identifier: BSL-1.0

// Puts a server in lock step with its clients: preloaded into any single-threaded server, it starts the clients
// (clients.cpp, the program lock_step_clients beside this library) as soon as the server listens, and arranges that the
// two take turns on one processor. It touches nothing else: every wait of the server is its own, whatever mechanism it
// waits by.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "lock_step/turns.hpp"

namespace {

// The clients read what this points to, once there are any.
long before_clients = 0;
long* allocations = &before_clients;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "lock_step: %s: %s\n", what, std::strerror(errno));
    _exit(1);
}

std::string path_of_clients() {
    Dl_info self;
    if (dladdr(&allocations, &self) == 0)
        fail("dladdr");
    std::string path = self.dli_fname;
    return path.substr(0, path.rfind('/') + 1) + "lock_step_clients";
}

void start_clients(int listener) {
    // How the clients end it when all is measured.
    std::signal(SIGTERM, [](int) { _exit(0); });
    // Valgrind holds signals back while a server waits in io_uring_enter. Then the server ends because its listener
    // fails, which is no failure.
    std::atexit([] {
        sigset_t pending;
        if (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1)
            _exit(0);
    });
    lock_step::take_turns();
    int count = memfd_create("allocations", MFD_CLOEXEC);
    if (count < 0 || ftruncate(count, sizeof *allocations) != 0)
        fail("memfd_create");
    void* shared = mmap(nullptr, sizeof *allocations, PROT_READ | PROT_WRITE, MAP_SHARED, count, 0);
    if (shared == MAP_FAILED)
        fail("mmap");
    allocations = static_cast<long*>(shared);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    // Out of the way first: either might have the other's number.
    const int high_listener = fcntl(listener, F_DUPFD_CLOEXEC, 100);
    const int high_count = fcntl(count, F_DUPFD_CLOEXEC, 100);
    posix_spawn_file_actions_adddup2(&files, high_listener, lock_step::inherited_listener);
    posix_spawn_file_actions_adddup2(&files, high_count, lock_step::inherited_count);
    std::string path = path_of_clients();
    char* arguments[] = {path.data(), nullptr};
    std::vector<char*> environment;
    for (char** variable = environ; *variable; ++variable)
        if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0)
            environment.push_back(*variable);
    environment.push_back(nullptr);
    pid_t clients;
    errno = posix_spawn(&clients, path.c_str(), &files, nullptr, arguments, environment.data());
    if (errno != 0)
        fail(path.c_str());
    posix_spawn_file_actions_destroy(&files);
    for (int handle : {high_listener, high_count, count})
        close(handle);
}

}  // namespace

extern "C" {

int listen(int handle, int backlog) {
    static auto* real = reinterpret_cast<int (*)(int, int)>(dlsym(RTLD_NEXT, "listen"));
    int result = real(handle, backlog);
    static bool started = false;
    if (result == 0 && !std::exchange(started, true))
        start_clients(handle);
    return result;
}

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
    ++*allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++*allocations;
    return __libc_calloc(count, size);
}
void* realloc(void* p, std::size_t size) {
    ++*allocations;
    return __libc_realloc(p, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++*allocations;
    return __libc_memalign(alignment, size);
}

}  // extern "C"
