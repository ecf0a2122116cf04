"""Runs contestants in turn and takes medians."""

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from suite import machine


@functools.cache
def backend_of(program, environment):
    """What the program says that it would wait by; nothing if it cannot."""
    asked = [str(program), "--backend"]
    return subprocess.run(asked, env={**os.environ, **dict(environment)}, capture_output=True, text=True).stdout.strip()


@dataclass
class Contestant:
    """One row of a case: a program that prints a line of JSON with its "ns" per operation."""

    name: str
    command: list
    environment: dict = field(default_factory=dict)
    pinned: bool = True
    backend: str = ""  # what the row stands for, where a program might wait by something else

    def built(self):
        return Path(self.command[0]).exists()

    def available(self):
        if not self.built() or not self.backend:
            return self.built()
        chosen = tuple((k, v) for k, v in self.environment.items() if k == "RILL_BACKEND")
        return backend_of(self.command[0], chosen) == self.backend

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


def left_out(contestants):
    """A line for each row that cannot be, though its program is there."""
    return [f"left out: {c.name} (no {c.backend} here)" for c in contestants if c.built() and not c.available()]


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
        backend = {c.name: c.backend for c in there}
        for name, taken in samples.items():
            row = {"name": name, "value": median[name], "spread": spread(taken)}
            if case.baseline in median:
                row["of_baseline"] = median[case.baseline] / median[name]
            # Each mechanism has a limit of its own, if anybody wrote one.
            limit = median.get(f"{case.limit}, {backend[name]}", median.get(case.limit))
            if limit:
                row["of_limit"] = limit / median[name]
            rows.append(row)
        notes = left_out(case.contestants)
        table.append({"case": case.name, "unit": case.unit, "baseline": case.baseline, "rows": rows, "notes": notes})
        print(f"  {case.name}", file=sys.stderr)
    return table
