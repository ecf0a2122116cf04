// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/library.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <unistd.h>

using bench::error_code;

/// What a program of this group serves, as its arguments say: EXECUTOR MODE TRANSPORT SIZE, for example
///     typed solo tcp 1024
/// EXECUTOR is typed (io_context::executor_type) or any (the library's default); MODE is solo (concurrency hint 1) or
/// shared (none), or ahead: solo, and what comes is accepted and received ahead (rill, typed); TRANSPORT is tcp or local; SIZE is that of each connection's buffer, which should be
/// larger than a message: 64, 1024, 8192 or 32768. It listens on the loopback interface, or on an abstract local address.
/// With --backend as the only argument it writes the name of the mechanism that it would wait by.
template <class Protocol, class Executor, std::size_t Size, bool Ahead = false>
struct variant {
    using socket = lib::basic_stream_socket<Protocol, Executor>;
    using acceptor = lib::basic_socket_acceptor<Protocol, Executor>;
    static constexpr std::size_t size = Size;
    static constexpr bool ahead = Ahead;
};

template <class Protocol>
typename Protocol::endpoint address_to_serve() {
    if constexpr (std::is_same_v<Protocol, lib::ip::tcp>)
        return {lib::ip::address_v4::loopback(), 0};
    else
        return {std::string(1, '\0') + "rill-bench-" + std::to_string(::getpid())};
}

/// Calls serve<variant>(context, acceptor) for the variant that the arguments name; it starts what then runs.
template <class Serve>
class variants {
public:
    variants(int argc, char** argv, Serve serve) : serve_(serve) {
        if (argc == 2 && std::strcmp(argv[1], "--backend") == 0) {
            lib::io_context context(1);
            lib::ip::tcp::socket first(context);  // Asio asks the kernel for nothing before
            std::puts(bench::backend_name(context));
            std::exit(0);
        }
        if (argc != 5)
            misused();
        executor_ = argv[1];
        mode_ = argv[2];
        transport_ = argv[3];
        size_ = argv[4];
    }

    int run() {
        if (transport_ == "tcp")
            with_protocol<lib::ip::tcp>();
        else if (transport_ == "local")
            with_protocol<lib::local::stream_protocol>();
        else
            misused();
        return 0;
    }

private:
    [[noreturn]] static void misused() {
        std::fputs("arguments: typed|any solo|shared|ahead tcp|local 64|1024|8192|32768\n", stderr);
        std::exit(2);
    }

    template <class Protocol>
    void with_protocol() {
        if (executor_ == "typed")
            with_executor<Protocol, lib::io_context::executor_type>();
        else if (executor_ == "any")
            with_executor<Protocol, lib::any_io_executor>();
        else
            misused();
    }

    template <class Protocol, class Executor>
    void with_executor() {
        if (size_ == "64")
            with<Protocol, Executor, 64>();
        else if (size_ == "1024")
            with<Protocol, Executor, 1024>();
        else if (size_ == "8192")
            with<Protocol, Executor, 8192>();
        else if (size_ == "32768")
            with<Protocol, Executor, 32768>();
        else
            misused();
    }

    template <class Protocol, class Executor, std::size_t Size>
    void with() {
        using plain = variant<Protocol, Executor, Size>;
        if constexpr (!bench::on_asio && std::is_same_v<Executor, lib::io_context::executor_type>) {
            if (mode_ == "ahead") {
                bench::ahead_context context(Size);
                return serve_on<variant<Protocol, Executor, Size, true>>(context);
            }
        }
        if (mode_ == "solo") {
            lib::io_context context(1);
            serve_on<plain>(context);
        } else if (mode_ == "shared") {
            lib::io_context context;
            serve_on<plain>(context);
        } else {
            misused();
        }
    }

    template <class Variant>
    void serve_on(lib::io_context& context) {
        using acceptor = typename Variant::acceptor;
        acceptor a(context, address_to_serve<typename acceptor::protocol_type>());
        if constexpr (Variant::ahead)
            a.accept_ahead();
        if constexpr (std::is_same_v<typename acceptor::protocol_type, lib::ip::tcp>) {
            std::printf("port %d\n", a.local_endpoint().port());
            std::fflush(stdout);
        }
        serve_.template operator()<Variant>(context, a);
        context.run();
    }

    Serve serve_;
    std::string executor_, mode_, transport_, size_;
};
