"""What a minimal echo server costs before it runs: to compile, and as a file."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-pthread"]

# Name -> source, further flags, libraries. All of them serve port 7000, but are never started here.
PROGRAMS = {
    "floor: <boost/system/error_code.hpp>": ("floor.cpp", [], []),
    "raw epoll": ("raw.cpp", [], []),
    "rill, callbacks": ("callbacks.cpp", ["-DBENCH_RILL_PARTS"], []),
    "rill, coroutines": ("coroutines.cpp", ["-DBENCH_RILL_PARTS"], []),
    "rill, callbacks, rill.hpp": ("callbacks.cpp", [], []),
    "rill, coroutines, rill.hpp": ("coroutines.cpp", [], []),
    "rill, coroutines, engine elsewhere": ("coroutines.cpp", ["-DBENCH_RILL_PARTS", "-DRILL_SEPARATE_COMPILATION"], None),
    "Asio, callbacks, parts": ("callbacks.cpp", ["-DBENCH_ASIO", "-DBENCH_ASIO_PARTS"], []),
    "Asio, coroutines, parts": ("coroutines.cpp", ["-DBENCH_ASIO", "-DBENCH_ASIO_PARTS"], []),
    "Asio, callbacks, asio.hpp": ("callbacks.cpp", ["-DBENCH_ASIO"], []),
    "Asio, coroutines, asio.hpp": ("coroutines.cpp", ["-DBENCH_ASIO"], []),
    "libuv": ("libuv.cpp", [], ["-luv"]),
    "libevent": ("libevent.cpp", [], ["-levent"]),
}


def compile_once(command):
    """User and system seconds, and the most memory in MiB; None if it fails."""
    child = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"bench/run: {' '.join(map(str, command))}\n{errors}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(root, quick):
    rounds = 2 if quick else 5
    commands = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (source, flags, libraries) in PROGRAMS.items():
            command = [COMPILER, *FLAGS, *flags, "-I", root / "include", "-I", root / "bench", root / "bench/static" / source]
            commands[name] = (command, Path(folder) / "object.o", libraries)
        times = {name: [] for name in commands}
        for _ in range(rounds):
            for name, (command, target, _) in commands.items():
                times[name].append(compile_once([*command, "-c", "-o", target]))
        for name, (command, target, libraries) in commands.items():
            lines = subprocess.run([*map(str, command), "-E"], stdout=subprocess.PIPE, check=True).stdout.count(b"\n")
            row = {
                "name": name,
                "lines": float(lines),
                "CPU s": statistics.median(seconds for seconds, _ in times[name]),
                "MiB": statistics.median(memory for _, memory in times[name]),
            }
            if libraries is not None:
                program = Path(folder) / "program"
                subprocess.run([*map(str, command), "-o", str(program), *libraries], check=True)
                subprocess.run(["strip", str(program)], check=True)
                row["stripped KB"] = program.stat().st_size / 1000
            rows.append(row)
    return [{"case": f"an echo server, one unit, {COMPILER} {' '.join(FLAGS[:2])}", "rows": rows}]
