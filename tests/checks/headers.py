#!/usr/bin/env python3
"""Usage: headers.py: compiles every header alone, to see that it includes all it uses and gives no warning."""

import sys
from concurrent.futures import ThreadPoolExecutor

from toolchain import INCLUDE, ROOT, compiler_command, headers_for, run

JOBS = 2
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


# Opt-in headers, which need what may not be there: they are left out then.
NEEDS = {
    "rill/coroutine/fiber.hpp": "boost/context/stack_context.hpp",
    "rill/coroutine/spawn.hpp": "boost/context/stack_context.hpp",
}


def output_for(header):
    """What the compiler says of the header; empty if all is well."""
    name = header.relative_to(INCLUDE).as_posix()
    unit = f"#include <{name}>\n"
    if name in NEEDS:
        unit = f"#if __has_include(<{NEEDS[name]}>)\n{unit}#endif\n"
    result = run(compiler_command(*WARNINGS, "-fsyntax-only", "-x", "c++", "-"), input=unit)
    return result.stdout if result.returncode else ""


def main():
    headers = headers_for("linux")
    with ThreadPoolExecutor(JOBS) as pool:
        outputs = list(pool.map(output_for, headers))
    for header, output in zip(headers, outputs):
        if output:
            print(f"{header.relative_to(ROOT)}:1: does not compile alone\n{output}")
    return 1 if any(outputs) else 0


if __name__ == "__main__":
    sys.exit(main())
