#!/usr/bin/env python3
"""Usage: errors.py: compiles each of mistakes/*.cpp, with every compiler there is, and judges what the compiler says.

A mistake begins with comments. Each '// expect: REGEX' must be found in the first error or in the notes that explain it:
the concept, and what to do about it. '// lines: N' is the most lines that all diagnostics may take.
"""

import re
import shutil
import sys
from pathlib import Path

from toolchain import ROOT, SEPARATE, compiler_command, run

MISTAKES = Path(__file__).with_name("mistakes")
CLANG_FLAG = "-fno-caret-diagnostics"
COMPILERS = {
    "g++": "-fno-diagnostics-show-caret",
    "clang++": CLANG_FLAG,
    "clang++-14": CLANG_FLAG,
    "clang++-19": CLANG_FLAG,
}


def comments(mistake, name):
    return re.findall(rf"^// {name}: (.*)$", mistake.read_text(), re.MULTILINE)


def judge(mistake, compiler, flag):
    """What is wrong with the diagnostics; None if all is well."""
    flags = [SEPARATE, flag, "-Werror=unused-result", "-fsyntax-only"]
    result = run(compiler_command(*flags, mistake, compiler=compiler))
    if result.returncode == 0:
        return "compiles, and should not"
    lines = result.stdout.splitlines()
    # What stands before the first "error:" says where it is, up to the second is what explains it.
    first_error = "error:".join(result.stdout.split("error:")[:2])
    most_lines = int(comments(mistake, "lines")[0])
    for expected in comments(mistake, "expect"):
        if not re.search(expected, first_error):
            return f"'{expected}' is not in the first error\n{result.stdout}"
    if len(lines) > most_lines:
        return f"takes {len(lines)} lines, not {most_lines}\n{result.stdout}"
    return None


def compilers():
    """Those that there are: each once, however many names it has."""
    programs = {Path(path).resolve(): name for name in COMPILERS if (path := shutil.which(name))}
    return programs.values()


def main():
    failed = False
    for mistake in sorted(MISTAKES.glob("*.cpp")):
        for compiler in compilers():
            if problem := judge(mistake, compiler, COMPILERS[compiler]):
                failed = True
                print(f"{mistake.relative_to(ROOT)}:1: {compiler}: {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
