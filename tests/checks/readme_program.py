#!/usr/bin/env python3
"""Usage: readme_program.py: compares the first program in README.md with examples/readme.cpp, from its first #include."""

import difflib
import re
import sys

from toolchain import ROOT

README = ROOT / "README.md"
EXAMPLE = ROOT / "examples/readme.cpp"


def main():
    shown = re.search(r"^```cpp\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)[1]
    built = EXAMPLE.read_text()
    built = built[built.index("#include") :]
    names = [str(path.relative_to(ROOT)) for path in (README, EXAMPLE)]
    difference = "".join(difflib.unified_diff(shown.splitlines(True), built.splitlines(True), *names))
    if difference:
        print(f"{names[0]}:1: the first program is not that of {names[1]}\n{difference}")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
