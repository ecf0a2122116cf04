#!/usr/bin/env python3
"""Usage: docs_samples.py: builds every ```cpp block of README.md and docs/*.md that is a whole program."""

import re
import sys
import tempfile
from pathlib import Path

from toolchain import ROOT, compiler_command, run


SEPARATE = "-DRILL_SEPARATE_COMPILATION"


def programs(page):
    """Yields (line, text) of each block with a main function."""
    text = page.read_text()
    for block in re.finditer(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if "int main" in block[1]:
            yield text.count("\n", 0, block.start(1)) + 1, block[1]


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "sample.cpp"
        bodies = Path(folder) / "bodies.o"  # half of the time of each
        run(compiler_command(SEPARATE, "-c", ROOT / "tests/linking/bodies.cpp", "-o", bodies), check=True)
        for page in [*ROOT.glob("README.md"), *sorted(ROOT.glob("docs/*.md"))]:
            name = page.relative_to(ROOT)
            for line, text in programs(page):
                unit.write_text(f'#line {line} "{name}"\n{text}')
                libraries = ["-lboost_context"] if "<rill/coroutine/spawn.hpp>" in text else []
                sample = Path(folder) / "sample"
                warnings = ["-Wall", "-Wextra", "-Werror"]
                result = run(compiler_command(SEPARATE, *warnings, unit, bodies, "-o", sample, *libraries))
                if result.returncode:
                    failed = True
                    print(f"{name}:{line}: the program does not build\n{result.stdout}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
