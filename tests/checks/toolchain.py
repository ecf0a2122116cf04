"""What the scripts beside this one share: where things are and how the compiler is called."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
COMPILER = os.environ.get("CXX", "g++")


def compiler_command(*arguments, compiler=COMPILER, include=INCLUDE):
    return [compiler, "-std=c++20", "-pthread", "-I", str(include), *map(str, arguments)]


def run(command, **options):
    """Runs to the end, with what it prints in stdout."""
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
