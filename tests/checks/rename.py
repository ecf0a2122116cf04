#!/usr/bin/env python3
"""Usage: rename.py: renames the library to boost::asio in a copy, then compiles and runs rename_smoke.cpp against it."""

import re
import sys
import tempfile
from pathlib import Path

from toolchain import INCLUDE, ROOT, compiler_command, run

SMOKE = Path(__file__).with_name("rename_smoke.cpp")

RENAMINGS = [
    (r"<rill/", "<boost/asio/"),
    (r"\bnamespace rill\b", "namespace boost::asio"),
    (r"\brill::", "boost::asio::"),
    (r"\bRILL_", "BOOST_ASIO_"),
]


def renamed(text):
    for old, new in RENAMINGS:
        text = re.sub(old, new, text)
    return text


def main():
    with tempfile.TemporaryDirectory() as folder:
        include = Path(folder)
        for source in (INCLUDE / "rill").rglob("*.?pp"):
            copy = include / "boost/asio" / source.relative_to(INCLUDE / "rill")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(renamed(source.read_text()))
        (include / "boost/asio.hpp").write_text("#include <boost/asio/rill.hpp>\n")

        program = include / "smoke"
        result = run(compiler_command(SMOKE, "-o", program, include=include))
        if result.returncode == 0:
            result = run([program])
    if result.returncode:
        print(f"{SMOKE.relative_to(ROOT)}:1: does not work with the library under another name\n{result.stdout}")
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
