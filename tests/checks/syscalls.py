#!/usr/bin/env python3
"""Usage: syscalls.py: counts the system calls of an echo server per message, with strace, against a budget."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from toolchain import ROOT, compiler_command, run

SOURCE = Path(__file__).with_name("echo_syscalls.cpp")
BUDGET = 3.0  # a wait, a receive, a send
SLACK = 0.1  # a wait that a signal or the tracer cuts short
FEW, MANY = 200, 1200
SKIPPED = 77


def calls_of(program, messages, summary):
    command = ["strace", "-c", "-o", str(summary), str(program), str(messages)]
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
        few, many = (calls_of(program, n, summary) for n in (FEW, MANY))
        if few is None or many is None:
            print("strace cannot trace here")
            return SKIPPED
    each = {name: (many[name] - few.get(name, 0)) / (MANY - FEW) for name in many}
    total = sum(each.values())
    used = ", ".join(f"{name} {count:.2f}" for name, count in sorted(each.items()) if count >= 0.01)
    print(f"{total:.2f} system calls per echoed message, at most {BUDGET}: {used}")
    if total > BUDGET + SLACK:
        print(f"{SOURCE.relative_to(ROOT)}:1: too many system calls")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
