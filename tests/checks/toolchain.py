"""What the scripts beside this one share: where things are and how the compiler is called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
# Headers that are for some platforms only, by what their names begin with.
POSIX_HEADERS = [
    "rill/engine/driver/make_reactor",
    "rill/engine/driver/perform",
    "rill/engine/driver/poll.",
    "rill/engine/driver/reactor",
    "rill/engine/system/posix/",
]
PLATFORM_HEADERS = {
    "linux": [
        *POSIX_HEADERS,
        "rill/engine/driver/epoll",
        "rill/engine/driver/io_uring",
        "rill/engine/driver/linux_drivers",
        "rill/engine/driver/ring_",
        "rill/engine/system/gnu_linux/",
        "rill/engine/system/posix/monotonic_condition",
    ],
    "macos": [
        *POSIX_HEADERS,
        "rill/engine/driver/bsd_drivers",
        "rill/engine/driver/kqueue",
        "rill/engine/system/bsd/",
        "rill/engine/system/darwin/",
    ],
    "windows": [
        "rill/engine/driver/iocp",
        "rill/engine/driver/windows_drivers",
        "rill/engine/request/overlapped_request",
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
MINGW = "x86_64-w64-mingw32-g++-posix"
SEPARATE = "-DRILL_SEPARATE_COMPILATION"  # without the engine's bodies a unit takes a quarter less, or more


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


def included_by(names):
    """For each of these headers those others of them that it includes, directly or not."""
    directly = {}
    for name in names:
        text = (INCLUDE / name).read_text()
        directly[name] = names & set(re.findall(r"^#include <([^>]+)>", text, re.MULTILINE))
    found = {}
    for name in names:
        found[name], new = set(), directly[name]
        while new := new - found[name]:
            found[name] |= new
            new = set().union(*(directly[other] for other in new))
        found[name].discard(name)
    return found


def chains(names):
    """The headers in few lists. What stands in a list before a header is what it includes by itself, so that it finds there
    nothing that it would not have alone; what it does not include is missed as if it were."""
    included = included_by(names)
    left = set(names)
    while left:
        chain, candidates = [], left
        while candidates:
            chain.insert(0, max(candidates, key=lambda name: (len(included[name]), name)))
            left.remove(chain[0])
            candidates = left & included[chain[0]]
        yield chain


def is_for(platform, source):
    """Whether the source includes no header by name that cannot be included there."""
    included = re.findall(r"^#include <([^>]+)>", source.read_text(), re.MULTILINE)
    return not any(name.startswith(foreign_headers(platform)) for name in included)


def compiler_command(*arguments, compiler=COMPILER, include=INCLUDE):
    return [compiler, "-std=c++20", "-pthread", "-I", str(include), *map(str, arguments)]


def boost_alone(folder):
    """Options by which a compiler for another system finds Boost's headers, and none of this one's. @p folder: an empty one."""
    boost = next(filter(Path.exists, map(Path, ("/usr/local/include/boost", "/usr/include/boost"))))
    Path(folder, "boost").symlink_to(boost)
    return ["-isystem", folder]


def has(command):
    return shutil.which(command) is not None


def run(command, **options):
    """Runs to the end, with what it prints in stdout."""
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
