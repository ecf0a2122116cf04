"""What runs the benchmarks, and whether something else does, too."""

import os
import platform
import re
import time
from pathlib import Path


def processors():
    return len(os.sched_getaffinity(0))


def describe():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{model.group(1) if model else platform.machine()}, {processors()} processors, Linux {platform.release()}"


def busy():
    """How many processors other programs keep busy now."""

    def working():
        # user, nice, system, idle, iowait, irq, softirq, steal
        times = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return sum(times) - times[3] - times[4]

    before, seconds = working(), 1.0
    time.sleep(seconds)
    return (working() - before) / os.sysconf("SC_CLK_TCK") / seconds


def pin_to_one():
    """For a child, before it starts: the last processor, which interrupts visit least."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
