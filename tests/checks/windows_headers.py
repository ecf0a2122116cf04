#!/usr/bin/env python3
"""Usage: windows_headers.py: compiles all headers that Windows has, and the bodies, with clang and MinGW's libraries: without a
warning, and with no extension of GNU's, which MSVC does not have either. Ends with 77 where there is no such compiler."""

import sys
import tempfile
from pathlib import Path

from headers import NEEDS
from toolchain import INCLUDE, MINGW, boost_alone, compiler_command, has, headers_for, run

CLANGS = ["clang++-14", "clang++", "clang++-19"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wgnu", "-Wconversion", "-Werror"]


def main():
    clang = next(filter(has, CLANGS), None)
    if not clang or not has(MINGW):
        print("there is no clang, or no MinGW")
        return 77
    library = Path(run([MINGW, "-print-file-name=include"]).stdout.strip()) / "c++"
    names = [header.relative_to(INCLUDE).as_posix() for header in headers_for("windows")]
    unit = "".join(f"#include <{name}>\n" for name in names if name not in NEEDS)
    with tempfile.TemporaryDirectory() as folder:
        systems = ["-isystem", library, "-isystem", library / "x86_64-w64-mingw32", *boost_alone(folder)]
        options = ["--target=x86_64-w64-windows-gnu", *systems, *WARNINGS, "-fsyntax-only", "-x", "c++", "-"]
        command = compiler_command(*options, compiler=clang)
        result = run(command, input=unit)
    print(result.stdout)
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
