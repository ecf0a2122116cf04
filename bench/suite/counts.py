"""What does not depend on how busy the machine is: instructions, system calls, allocations, memory."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from suite import groups, idle
from suite.sampling import Contestant

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


def instructions(programs, name):
    """User instructions per message, 64 connections."""
    rounds, connections = 50, 64
    server = in_lock_step(programs, name, connections, rounds)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        tool = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}", "-q"]
        server.run(tool)
        total = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    return int(total.group(1)) / (rounds * connections)


def system_calls(programs, name, connections):
    """Per message, in the windows of the lock step."""
    rounds = max(400 // connections, 20)
    server = in_lock_step(programs, name, connections, rounds, marks=1)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        server.run(["strace", "-f", "-o", str(trace)])
        inside, calls = False, 0
        for line in trace.read_text().splitlines():
            if 'write(-1, "window' in line:
                inside = "window+" in line
            # A call that a signal of the tracer's cut short is taken up again: it counts once.
            elif inside and "resumed>" not in line and "(" in line and "---" not in line:
                calls += 0 if "clock_gettime" in line else 1
    return calls / (rounds * connections)


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
    for server in groups.echo_servers(programs, "tcp", 1024):
        if not server.available():
            continue
        row = {"name": server.name}
        for column, of in COLUMNS.items():
            row[column] = of(programs, server.name)
        rows.append(row)
        print(f"  {server.name}", file=sys.stderr)
    return [{"case": "per echoed message of 64 bytes, TCP", "rows": rows}]


def run_once(programs):
    """Every case of rill's programs, briefly: each checks that what it measures was done."""
    for target in LOOP_TARGETS:
        program = Contestant(target, [programs / target], pinned=False)
        for case in program.cases():
            Contestant(case, [programs / target, case, "0.01"], pinned=False).run()


def check(programs):
    """0 if every budget is kept."""
    run_once(programs)
    exceeded = False
    traces = can_trace()
    for name, budgets in json.loads(BUDGETS.read_text()).items():
        for column, budget in budgets.items():
            if column in (CALLS_1, CALLS_64) and not traces:
                print(f"  --       {name}: {column}: strace cannot trace here")
                continue
            value = COLUMNS[column](programs, name)
            over = value > budget["most"]
            exceeded |= over
            print(f"  {'EXCEEDED' if over else 'kept':8} {name}: {column}: {value:.2f}, at most {budget['most']}")
            if over:
                print(f"           the reason for the budget: {budget['why']}")
    return 1 if exceeded else 0
