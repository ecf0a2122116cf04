#!/usr/bin/env python3
"""Usage: headers.py: compiles every header, to see that it includes all it uses and gives no warning."""

import sys
from concurrent.futures import ThreadPoolExecutor

from toolchain import INCLUDE, chains, compiler_command, headers_for, run

JOBS = 2
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


# Opt-in headers, which need what may not be there: they are left out then.
NEEDS = {
    "rill/coroutine/fiber.hpp": "boost/context/stack_context.hpp",
    "rill/coroutine/spawn.hpp": "boost/context/stack_context.hpp",
}


def include(name):
    line = f"#include <{name}>\n"
    return f"#if __has_include(<{NEEDS[name]}>)\n{line}#endif\n" if name in NEEDS else line


def output_for(chain):
    """What the compiler says of these headers; empty if all is well."""
    command = compiler_command(*WARNINGS, "-fsyntax-only", "-x", "c++", "-")
    result = run(command, input="".join(map(include, chain)))
    return result.stdout if result.returncode else ""


def main():
    names = {header.relative_to(INCLUDE).as_posix() for header in headers_for("linux")}
    units = list(chains(names))
    with ThreadPoolExecutor(JOBS) as pool:
        outputs = list(pool.map(output_for, units))
    for chain, output in zip(units, outputs):
        if output:
            print(f"include/{chain[-1]}:1: does not compile after {' '.join(chain[:-1]) or 'nothing'}\n{output}")
    return 1 if any(outputs) else 0


if __name__ == "__main__":
    sys.exit(main())
