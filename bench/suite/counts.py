"""What does not depend on how busy the machine is: instructions, system calls, allocations, memory."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from suite import groups, idle
from suite.sampling import Contestant, left_out

BUDGETS = Path(__file__).resolve().parent.parent / "budgets.json"
LOOP_TARGETS = ["post_rill", "timers_rill", "coroutines_rill", "cancel_rill"]
CHECKED_TARGETS = ["lock_step", "echo_callbacks_rill", "echo_coroutines_rill", *LOOP_TARGETS]

INSTRUCTIONS = "instructions"
CALLS_1 = "calls, 1 conn"
CALLS_64 = "calls, 64"
ALLOCATIONS_64 = "allocs, 64"
ALLOCATIONS_1000 = "allocs, 1000"
IDLE = "bytes idle"


def in_lock_step(programs, name, connections, rounds, **more):
    environment = groups.lock_step(connections, 64, rounds, **more)
    servers = groups.echo_servers(programs, "tcp", 1024, programs / "liblock_step.so", environment)
    return next(s for s in servers if s.name == name)


def of_more_rounds(connections, more, count):
    """What count(rounds) grows by for each message, so that neither start nor end is in it."""
    return (count(10 + more) - count(10)) / (more * connections)


def instructions(programs, name):
    """User instructions per message, 64 connections."""

    def count(rounds):
        server = in_lock_step(programs, name, 64, rounds, warm_up=10)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "callgrind"
            server.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q"])
            return int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE).group(1))

    return of_more_rounds(64, 50, count)


def system_calls(programs, name, connections):
    """Per message. The clients are not traced: they would lose their turn at each call."""

    def count(rounds):
        server = in_lock_step(programs, name, connections, rounds, warm_up=10)
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            server.run(["strace", "-o", str(trace)])
            return sum(line[0] not in "-+" for line in trace.read_text().splitlines())

    return of_more_rounds(connections, max(400 // connections, 50), count)


def allocations(programs, name, connections):
    return in_lock_step(programs, name, connections, 20, warm_up=20).run()["allocations"]


COLUMNS = {
    INSTRUCTIONS: instructions,
    CALLS_1: lambda programs, name: system_calls(programs, name, 1),
    CALLS_64: lambda programs, name: system_calls(programs, name, 64),
    ALLOCATIONS_64: lambda programs, name: allocations(programs, name, 64),
    ALLOCATIONS_1000: lambda programs, name: allocations(programs, name, 1000),
    IDLE: idle.bytes_per_connection,
}


def can_trace():
    with tempfile.NamedTemporaryFile() as trace:
        return subprocess.run(["strace", "-o", trace.name, "true"], stderr=subprocess.DEVNULL).returncode == 0


def measure(programs, quick):
    rows = []
    servers = groups.echo_servers(programs, "tcp", 1024)
    for server in servers:
        if not server.available():
            continue
        row = {"name": server.name}
        for column, of in COLUMNS.items():
            row[column] = of(programs, server.name)
        rows.append(row)
        print(f"  {server.name}", file=sys.stderr)
    return [{"case": "per echoed message of 64 bytes, TCP", "rows": rows, "notes": left_out(servers)}]


def run_once(programs):
    """Every case of rill's programs, briefly: each checks that what it measures was done."""
    backends = [name for name in ["epoll", "io_uring"] if groups.rill_has(name, programs)]
    for target in LOOP_TARGETS:
        program = Contestant(target, [programs / target], pinned=False)
        for case in program.cases():
            for backend in backends:
                Contestant(case, [programs / target, case, "0.01"], {"RILL_BACKEND": backend}, pinned=False).run()


def check(programs):
    """0 if every budget is kept."""
    run_once(programs)
    exceeded = False
    traces = can_trace()
    servers = {server.name: server for server in groups.echo_servers(programs, "tcp", 1024)}
    for name, budgets in json.loads(BUDGETS.read_text()).items():
        if not servers[name].available():
            print(f"  --       {name}: no {servers[name].backend} here")
            continue
        for column, budget in budgets.items():
            if column in (CALLS_1, CALLS_64) and not traces:
                print(f"  --       {name}: {column}: strace cannot trace here")
                continue
            value = COLUMNS[column](programs, name)
            if budget["most"] is None:
                print(f"  --       {name}: {column}: {value:.2f}, no budget yet")
                continue
            over = value > budget["most"]
            exceeded |= over
            print(f"  {'EXCEEDED' if over else 'kept':8} {name}: {column}: {value:.2f}, at most {budget['most']}")
            if over:
                print(f"           the reason for the budget: {budget['why']}")
    return 1 if exceeded else 0
