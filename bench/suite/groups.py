"""Which programs stand side by side in which case."""

from suite.sampling import Case, Contestant

# Each connection's buffer is larger than a message, as in any server that does not know what will come.
BUFFER_FOR = {1: 64, 64: 1024, 4096: 8192, 16384: 32768}


def echo_servers(programs, transport, buffer, preload=None, environment=None, accepts=False):
    """Every server that there is; the lock-step clients are preloaded if `preload` names them. `accepts`: those, too, that
    differ in how they accept."""
    env = dict(environment or {})
    if preload:
        env["LD_PRELOAD"] = str(preload)

    def server(name, program, *arguments, backend=""):
        chosen = {"RILL_BACKEND": backend or "epoll"} if program.endswith("_rill") else {}
        command = [programs / program, *arguments, transport, str(buffer)]
        return Contestant(name, command, {**env, **chosen}, backend=backend)

    ring = "io_uring"
    return [
        server("limit", "echo_raw_epoll"),
        server("limit, io_uring", "echo_raw_io_uring", "defer", "apart", backend=ring),
        server("limit, io_uring, linked", "echo_raw_io_uring", "defer", "linked", backend=ring),
        server("limit, io_uring, coop", "echo_raw_io_uring", "coop", "apart", backend=ring),
        *([server("limit, io_uring, multishot", "echo_raw_io_uring", "coop", "multishot", backend=ring)] if accepts else []),
        server("rill, callbacks", "echo_callbacks_rill", "typed", "solo"),
        server("rill, callbacks, io_uring", "echo_callbacks_rill", "typed", "solo", backend=ring),
        server("rill, callbacks, io_uring, ahead", "echo_callbacks_rill", "typed", "ahead", backend=ring),
        server("rill, callbacks, any_io_executor", "echo_callbacks_rill", "any", "solo"),
        server("rill, callbacks, shared", "echo_callbacks_rill", "typed", "shared"),
        server("rill, callbacks, shared, io_uring", "echo_callbacks_rill", "typed", "shared", backend=ring),
        server("rill, coroutines", "echo_coroutines_rill", "typed", "solo"),
        server("rill, coroutines, io_uring", "echo_coroutines_rill", "typed", "solo", backend=ring),
        server("rill, coroutines, any_io_executor", "echo_coroutines_rill", "any", "solo"),
        server("rill, coroutines, shared", "echo_coroutines_rill", "typed", "shared"),
        server("Asio, callbacks", "echo_callbacks_asio", "any", "solo"),
        server("Asio, callbacks, io_uring", "echo_callbacks_asio_io_uring", "any", "solo", backend=ring),
        server("Asio, callbacks, typed executor", "echo_callbacks_asio", "typed", "solo"),
        server("Asio, callbacks, no hint", "echo_callbacks_asio", "any", "shared"),
        server("Asio, coroutines", "echo_coroutines_asio", "any", "solo"),
        server("Asio, coroutines, io_uring", "echo_coroutines_asio_io_uring", "any", "solo", backend=ring),
        server("libuv", "echo_libuv"),
        server("libevent", "echo_libevent"),
    ]


def lock_step(connections, size, rounds, **more):
    settings = {"connections": connections, "size": size, "rounds": rounds, **more}
    return {f"LOCK_STEP_{name.upper()}": str(value) for name, value in settings.items()}


def echo(programs, quick):
    sizes = [64] if quick else [64, 4096, 16384]
    messages = 8_000 if quick else 12_000
    for transport in ["tcp", "local"]:
        for size in sizes:
            for connections in [1, 64, 1000]:
                environment = lock_step(connections, size, max(messages // connections, 16))
                yield Case(
                    f"{transport}, {size} bytes, {connections} connection{'s' * (connections > 1)}",
                    "ns/message",
                    echo_servers(programs, transport, BUFFER_FOR[size], programs / "liblock_step.so", environment),
                )


def accept(programs, quick):
    """A connection is accepted, echoes one byte, and is closed by the client."""
    each = 800 if quick else 2400
    for transport in ["tcp", "local"]:
        for connections in [1, 32]:
            environment = lock_step(connections, 1, each // connections, churn=1)
            yield Case(
                f"{transport}, {connections} at a time: accept, echo 1 byte, see the end, close",
                "ns/each",
                echo_servers(programs, transport, 1024, programs / "liblock_step.so", environment, accepts=True),
            )


def loop(group, programs, quick):
    """Every case of the group's programs; beside the plain loop, solo, also what the peers do."""
    for program in {"post": ["post", "threads"]}.get(group, [group]):
        yield from loop_program(program, programs, quick)


def rill_has(backend, programs):
    """Asks a program of rill's; any would do."""
    return Contestant("", [programs / "echo_callbacks_rill"], {"RILL_BACKEND": backend}, backend=backend).available()


def loop_program(group, programs, quick):
    scale = ["0.3"] if quick else []

    def contestant(name, program, case, backend="epoll"):
        threads = case.startswith(("outside", "post/outside")) or case.endswith("64/2")
        chosen = {"RILL_BACKEND": backend} if program.endswith("_rill") else {}
        return Contestant(name, [programs / program, case, *scale], chosen, pinned=not threads)

    rill = contestant("rill", f"{group}_rill", "")
    peers = [contestant(name, f"loop_{name}", "") for name in ["limit", "libuv", "libevent"]]
    known = {peer.name: peer.cases() for peer in peers if peer.available()}
    for case in rill.cases():
        contestants = [contestant("rill", f"{group}_rill", case), contestant("Asio", f"{group}_asio", case)]
        # Timers and coroutines wait for no system.
        if group in ["post", "threads", "cancel"] and rill_has("io_uring", programs):
            contestants.insert(1, contestant("rill, io_uring", f"{group}_rill", case, "io_uring"))
        what, _, mode = case.partition("/")
        if mode == "solo":
            for name, can_do in known.items():
                if f"{group}/{what}" in can_do:
                    contestants.append(contestant(name, f"loop_{name}", f"{group}/{what}"))
        rounds = 2 if group == "timers" else 4  # a million timers take a while to make
        yield Case(f"{group}: {case}", "ns/each", contestants, baseline="Asio", rounds=rounds)


def cases(group, programs, quick):
    if group == "echo":
        return echo(programs, quick)
    if group == "accept":
        return accept(programs, quick)
    return loop(group, programs, quick)
