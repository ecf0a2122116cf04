"""What the scripts beside this one share: where things are and how the compiler is called."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
# Headers that are for some platforms only, by what their names begin with.
PLATFORM_HEADERS = {
    "linux": [
        "rill/engine/driver/epoll",
        "rill/engine/driver/io_uring",
        "rill/engine/driver/linux_drivers",
        "rill/engine/driver/ring_",
        "rill/engine/system/gnu_linux/",
        "rill/engine/system/posix/monotonic_condition",
    ],
    "macos": [
        "rill/engine/driver/bsd_drivers",
        "rill/engine/driver/kqueue",
        "rill/engine/system/bsd/",
        "rill/engine/system/darwin/",
    ],
    "windows": [
        "rill/engine/driver/iocp",
        "rill/engine/driver/windows_drivers",
        "rill/engine/system/windows/",
        "rill/windows/",
    ],
    # What macOS has in its own way. Nothing is compiled for a BSD.
    "bsd": [
        "rill/engine/system/bsd/broken_pipe_signal",
        "rill/engine/system/bsd/condition_clock",
        "rill/engine/system/bsd/environment",
        "rill/engine/system/posix/monotonic_condition",
    ],
}
COMPILER = os.environ.get("CXX", "g++")


def foreign_headers(platform):
    """What the names of headers begin with that cannot be included there."""
    return tuple(
        beginning
        for other, beginnings in PLATFORM_HEADERS.items()
        for beginning in beginnings
        if other != platform and beginning not in PLATFORM_HEADERS[platform]
    )


def headers_for(platform):
    """Every header that can be included there."""
    foreign = foreign_headers(platform)
    headers = sorted(INCLUDE.rglob("*.hpp"))
    return [header for header in headers if not header.relative_to(INCLUDE).as_posix().startswith(foreign)]


def is_for(platform, source):
    """Whether the source includes no header by name that cannot be included there."""
    included = re.findall(r"^#include <([^>]+)>", source.read_text(), re.MULTILINE)
    return not any(name.startswith(foreign_headers(platform)) for name in included)


def compiler_command(*arguments, compiler=COMPILER, include=INCLUDE):
    return [compiler, "-std=c++20", "-pthread", "-I", str(include), *map(str, arguments)]


def run(command, **options):
    """Runs to the end, with what it prints in stdout."""
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
