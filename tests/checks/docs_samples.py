#!/usr/bin/env python3
"""Usage: docs_samples.py: builds every ```cpp block of README.md and docs/*.md that is a whole program. Those of
docs/windows.md are compiled by MinGW, where it is installed."""

import re
import sys
import tempfile
from pathlib import Path

from toolchain import MINGW, ROOT, SEPARATE, boost_alone, compiler_command, has, run

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
FIRST = "#include <rill/rill.hpp>\n"


def programs(page):
    """Yields (line, text) of each block with a main function."""
    text = page.read_text()
    for block in re.finditer(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if "int main" in block[1]:
            yield text.count("\n", 0, block.start(1)) + 1, block[1]


def command_for(page, text, unit):
    """Null: there is no compiler for that page."""
    if page.name == "windows.md":
        boost = ["-isystem", unit.parent / "boost-alone"]
        return compiler_command(*WARNINGS, "-fsyntax-only", *boost, unit, compiler=MINGW) if has(MINGW) else None
    folder = unit.parent
    first = ["-include", folder / "first.hpp"] if text.startswith(FIRST) else []
    libraries = ["-lboost_context"] if "<rill/coroutine/spawn.hpp>" in text else []
    return compiler_command(SEPARATE, *WARNINGS, *first, unit, folder / "bodies.o", "-o", folder / "sample", *libraries)


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "sample.cpp"
        # Once what is most of the time of each: the bodies, and the header with which most programs begin.
        bodies = ROOT / "tests/linking/bodies.cpp"
        run(compiler_command(SEPARATE, "-c", bodies, "-o", unit.parent / "bodies.o"), check=True)
        (unit.parent / "first.hpp").write_text(FIRST)
        run(compiler_command(SEPARATE, *WARNINGS, unit.parent / "first.hpp"), check=True)
        (unit.parent / "boost-alone").mkdir()
        boost_alone(unit.parent / "boost-alone")
        for page in [*ROOT.glob("README.md"), *sorted(ROOT.glob("docs/*.md"))]:
            name = page.relative_to(ROOT)
            for line, text in programs(page):
                unit.write_text(f'#line {line} "{name}"\n{text}')
                command = command_for(page, text, unit)
                result = run(command) if command else None
                if result and result.returncode:
                    failed = True
                    print(f"{name}:{line}: the program does not build\n{result.stdout}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
