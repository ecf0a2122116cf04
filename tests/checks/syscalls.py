#!/usr/bin/env python3
"""Usage: syscalls.py: counts the system calls of an echo server per message, with strace, against a budget."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from toolchain import ROOT, compiler_command, run

SOURCE = Path(__file__).with_name("echo_syscalls.cpp")
BUDGETS = {
    "epoll": 3.0,  # a wait, a receive, a send
    "io_uring": 2.0,  # one that submits the send, and one that submits the receive and waits
}
SLACK = 0.1  # a wait that a signal or the tracer cuts short
FEW, MANY = 200, 1200
SKIPPED = 77


def calls_of(program, messages, summary, backend):
    command = ["strace", "-E", f"RILL_BACKEND={backend}", "-c", "-o", str(summary), str(program), str(messages)]
    result = run(command)
    if result.returncode:
        return None
    # Columns: share, seconds, microseconds per call, calls, errors if there were any, name.
    rows = (line.split() for line in summary.read_text().splitlines() if re.match(r"\s*\d", line))
    return {row[-1]: int(row[3]) for row in rows if row[-1] != "total"}


def main():
    if not shutil.which("strace"):
        print("strace is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        program, summary = Path(folder) / "echo", Path(folder) / "summary"
        built = run(compiler_command("-O1", SOURCE, "-o", program))
        if built.returncode:
            print(built.stdout)
            return 1
        if run([program, "10"]).returncode:
            print(f"{SOURCE.relative_to(ROOT)}:1: the echo fails without a tracer too")
            return 1
        for backend, budget in BUDGETS.items():
            few, many = (calls_of(program, n, summary, backend) for n in (FEW, MANY))
            if few is None or many is None:
                print("strace cannot trace here")
                return SKIPPED
            if backend == "io_uring" and "io_uring_enter" not in many:
                print("no io_uring here")
                continue
            each = {name: (many[name] - few.get(name, 0)) / (MANY - FEW) for name in many}
            total = sum(each.values())
            used = ", ".join(f"{name} {count:.2f}" for name, count in sorted(each.items()) if count >= 0.01)
            print(f"{backend}: {total:.2f} system calls per echoed message, at most {budget}: {used}")
            if total > budget + SLACK:
                print(f"{SOURCE.relative_to(ROOT)}:1: too many system calls")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
