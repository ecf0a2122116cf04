#!/usr/bin/env python3
"""Usage: compile_time.py: measures the processor time that compiling an echo takes, against budgets."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from toolchain import ROOT, compiler_command

ECHO = Path(__file__).with_name("echo_minimal.cpp")
SERVER = Path(__file__).with_name("echo_server.cpp")
ROUNDS = 4
NOISE = 1.2  # the least of the rounds varies by as much from run to run on a machine that others use


def measure(source):
    """The least user and system time of all rounds, in seconds."""
    least = float("inf")
    for _ in range(ROUNDS):
        child = subprocess.Popen(compiler_command("-O2", "-c", source, "-o", os.devnull))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{ECHO.relative_to(ROOT)}:1: does not compile")
        least = min(least, usage.ru_utime + usage.ru_stime)
    return least


def main():
    echo = ECHO.read_text()

    def with_all_headers(text):
        return re.sub(r"(?:#include <rill/.*>\n)+", "#include <rill/rill.hpp>\n", text)

    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "unit.cpp"

        def seconds_of(text):
            unit.write_text(text)
            return measure(unit)

        base = seconds_of("#include <boost/system/error_code.hpp>\n")
        print(f"{base:.2f} s  <boost/system/error_code.hpp>", flush=True)
        over = False
        # A budget is met as a multiple of the base or in seconds: either tells a slow machine from a slow header.
        for what, text, most_ratio, most_seconds in [
            ("echo coroutine, what it uses", echo, 3.0, 1.5),
            ("echo coroutine, <rill/rill.hpp>", with_all_headers(echo), 5.0, 2.5),
            # With the engine's bodies compiled in it; RILL_SEPARATE_COMPILATION leaves them out.
            ("echo server, what it uses", SERVER.read_text(), 5.5, 2.5),
        ]:
            seconds = seconds_of(text)
            print(f"{seconds:.2f} s  {what}: {seconds / base:.2f} times, at most {most_ratio} or {most_seconds} s")
            if seconds > NOISE * most_ratio * base and seconds > most_seconds:
                over = True
                print(f"{ECHO.relative_to(ROOT)}:1: takes too long to compile ({what})")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
