#!/usr/bin/env python3
"""Usage: kqueue_flavours.py: compiles the driver for kqueue, and the list of drivers of a BSD, with the <sys/event.h> of each
system: the types of a kevent, of its filters and of the call's counts differ."""

import sys

from toolchain import ROOT, compiler_command, run

SUPPORT = ROOT / "tests/support/kqueue"
FLAVOURS = {"macOS": "include", "FreeBSD": "flavours/freebsd", "NetBSD": "flavours/netbsd"}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
UNIT = """#include <rill/rill.hpp>
#include <rill/engine/driver/make_driver.ipp>
template class std::unique_ptr<rill::engine::kqueue_poller>;
"""


def main():
    failures = 0
    for name, folder in FLAVOURS.items():
        options = ["-isystem", SUPPORT / folder, "-DRILL_DRIVERS=<rill/engine/driver/bsd_drivers.hpp>"]
        result = run(compiler_command(*WARNINGS, *options, "-fsyntax-only", "-x", "c++", "-"), input=UNIT)
        if result.returncode:
            failures += 1
            print(f"{SUPPORT.relative_to(ROOT)}/{folder}:1: {name}'s types do not fit\n{result.stdout}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
