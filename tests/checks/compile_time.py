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
FEWEST_ROUNDS = 2
MOST_ROUNDS = 12  # as long as something seems to take too long: other programs on the machine make compilers slower
BASE = "<boost/system/error_code.hpp>"

# As multiples of what BASE takes, so that the machine's own speed matters little: the same compiler and sources came to 4.4
# and 8.7 on one, to 4.6 and 10.0 on another.
BUDGETS = {
    "echo coroutine, what it uses": 5.2,
    "echo coroutine, <rill/rill.hpp>": 6.2,
    # With the engine's bodies compiled in it; RILL_SEPARATE_COMPILATION leaves them out.
    "echo server, what it uses": 11.0,
}


def seconds_of(source):
    """User and system time."""
    child = subprocess.Popen(compiler_command("-O2", "-c", source, "-o", os.devnull))
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{ECHO.relative_to(ROOT)}:1: does not compile")
    return usage.ru_utime + usage.ru_stime


def main():
    echo = ECHO.read_text()
    texts = {
        BASE: "#include <boost/system/error_code.hpp>\n",
        "echo coroutine, what it uses": echo,
        "echo coroutine, <rill/rill.hpp>": re.sub(r"(?:#include <rill/.*>\n)+", "#include <rill/rill.hpp>\n", echo),
        "echo server, what it uses": SERVER.read_text(),
    }
    least = dict.fromkeys(texts, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "unit.cpp"
        for round_number in range(1, MOST_ROUNDS + 1):
            for what, text in texts.items():
                unit.write_text(text)
                least[what] = min(least[what], seconds_of(unit))
            over = [what for what, most in BUDGETS.items() if least[what] > most * least[BASE]]
            if not over and round_number >= FEWEST_ROUNDS:
                break
    print(f"{least[BASE]:.2f} s  {BASE}, the least of {round_number} rounds")
    for what, most in BUDGETS.items():
        print(f"{least[what]:.2f} s  {what}: {least[what] / least[BASE]:.2f} times, at most {most}")
    for what in over:
        print(f"{ECHO.relative_to(ROOT)}:1: takes too long to compile ({what})")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
