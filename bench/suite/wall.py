"""Server and clients as two processes: what a user sees, and what a busy machine spoils."""

import json
import os
import re
import statistics
import subprocess
import sys
import time

from suite import groups, machine
from suite.sampling import left_out

BUSY = 0.3  # processors' worth of other programs, above which the figures are marked


def processor_time(pid):
    """Of all threads of another process, in ns: clock_getcpuclockid(3)."""
    return time.clock_gettime_ns(~pid << 3 | 2)


def once(programs, server, connections, seconds):
    environment = {**os.environ, **server.environment}
    process = subprocess.Popen([*map(str, server.command)], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        port = re.fullmatch(r"port (\d+)\n", process.stdout.readline()).group(1)
        load = [programs / "echo_load", port, str(connections), "64", str(seconds)]
        before = processor_time(process.pid)
        done = subprocess.run([*map(str, load)], stdout=subprocess.PIPE, text=True, check=True, timeout=120)
        seen = json.loads(done.stdout)
        return {**seen, "server": (processor_time(process.pid) - before) / seen["messages"]}
    finally:
        process.kill()
        process.wait()


def measure(programs, quick):
    rounds, seconds = (2, 0.3) if quick else (5, 1.0)
    busy = machine.busy() > BUSY
    table = []
    for connections in [1, 64]:
        known = groups.echo_servers(programs, "tcp", 1024)
        servers = [s for s in known if s.available()]
        samples = {s.name: [] for s in servers}
        for _ in range(rounds):
            for server in [*servers, *reversed(servers)]:
                samples[server.name].append(once(programs, server, connections, seconds))
        rows = []
        for name, taken in samples.items():
            median = {key: statistics.median(sample[key] for sample in taken) for key in taken[0]}
            rows.append({
                "name": name,
                "messages/s": median["rate"],
                "p50 us": median["p50"],
                "p99 us": median["p99"],
                "p99.9 us": median["p999"],
                "server CPU, ns": median["server"],
            })
        notes = left_out(known)
        notes.append("The clients cost as much as the server: where both have a processor, all rates look alike.")
        if busy:
            notes.append("NOT COMPARABLE: other programs were running when this began.")
        if machine.processors() < 2:
            notes.append("NOT COMPARABLE: server and clients share one processor.")
        table.append({"case": f"tcp, 64 bytes, {connections} at a time", "rows": rows, "notes": notes})
        print(f"  {connections} connections", file=sys.stderr)
    return table
