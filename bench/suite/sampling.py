"""Runs contestants in turn and takes medians."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from suite import machine


@dataclass
class Contestant:
    """One row of a case: a program that prints a line of JSON with its "ns" per operation."""

    name: str
    command: list
    environment: dict = field(default_factory=dict)
    pinned: bool = True

    def available(self):
        return Path(self.command[0]).exists()

    def cases(self):
        """What a program of several cases can do."""
        return subprocess.run([self.command[0], "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()

    def run(self, prefix=(), extra=None):
        """What the program reports, as a dictionary."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [*prefix, *map(str, self.command)],
                env={**os.environ, **self.environment, **(extra or {})},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                timeout=300,
                preexec_fn=machine.pin_to_one if self.pinned else None,
            )
        reports = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not reports:
            sys.exit(f"bench/run: {self.name}: {' '.join(map(str, self.command))}: exit {done.returncode}\n{done.stderr}")
        return json.loads(reports[-1])


@dataclass
class Case:
    """What is compared: contestants that do the same thing."""

    name: str
    unit: str
    contestants: list
    baseline: str = "Asio, callbacks"
    limit: str = "limit"
    rounds: int = 3  # of A B ... B A


def spread(samples):
    """Half of the range that holds the middle half, as a share of the median."""
    if len(samples) < 2:
        return 0.0
    low, _, high = statistics.quantiles(samples, n=4)
    return (high - low) / 2 / statistics.median(samples)


def measure(cases, quick):
    """A B ... B A, and again: whatever slows the machine down for a while slows all of them."""
    table = []
    for case in cases:
        there = [c for c in case.contestants if c.available()]
        samples = {c.name: [] for c in there}
        for _ in range(1 if quick else case.rounds):
            for contestant in [*there, *reversed(there)]:
                samples[contestant.name].append(contestant.run()["ns"])
        rows = []
        median = {name: statistics.median(s) for name, s in samples.items()}
        for name, taken in samples.items():
            row = {"name": name, "value": median[name], "spread": spread(taken)}
            if case.baseline in median:
                row["of_baseline"] = median[case.baseline] / median[name]
            if case.limit in median:
                row["of_limit"] = median[case.limit] / median[name]
            rows.append(row)
        table.append({"case": case.name, "unit": case.unit, "baseline": case.baseline, "rows": rows})
        print(f"  {case.name}", file=sys.stderr)
    return table
