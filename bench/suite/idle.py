"""What a connection costs that does nothing."""

import os
import re
import resource
import select
import socket
import struct
import subprocess
from pathlib import Path

from suite import groups

CONNECTIONS = 10_000  # fewer, where the process may not have as many descriptors
BUFFER = 64  # of each connection; the caller subtracts it


def resident_bytes(pid):
    """The memory that the process has for itself."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024


def wait_until_idle(sockets):
    """Every connection has echoed a byte: the server knows them all, and reads from each."""
    for s in sockets:
        s.send(b"x")
    for s in sockets:
        readable, _, _ = select.select([s], [], [], 30) if s.fileno() < 1024 else ([s], [], [])
        if not readable or s.recv(1) != b"x":
            raise RuntimeError("a connection was not served")


def bytes_per_connection(programs, name):
    """Without the buffer that the program gives to each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    thousands = CONNECTIONS // 1000
    if hard != resource.RLIM_INFINITY:
        thousands = min(thousands, (hard - 200) // 1000)
    if thousands < 1:
        raise RuntimeError(f"needs 1200 descriptors, and may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, thousands * 1000 + 200), hard))
    chosen = next(s for s in groups.echo_servers(programs, "tcp", BUFFER) if s.name == name)
    environment = {**os.environ, **chosen.environment}
    server = subprocess.Popen([*map(str, chosen.command)], env=environment, stdout=subprocess.PIPE, text=True)
    sockets = []
    try:
        port = int(re.fullmatch(r"port (\d+)\n", server.stdout.readline()).group(1))

        def connect(count):
            for _ in range(count):
                s = socket.create_connection(("127.0.0.1", port), timeout=30)
                # Closed by a reset: ten thousand ports would be out of use for a minute.
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sockets.append(s)
            wait_until_idle(sockets[-count:])

        connect(100)  # what the first connections bring into memory, all use
        before = resident_bytes(server.pid)
        for _ in range(thousands):
            connect(1000)
        after = resident_bytes(server.pid)
    finally:
        for s in sockets:
            s.close()
        server.kill()
        server.wait()
    # libevent and libuv's reads have no buffer of ours while a connection is idle; theirs is not told apart.
    own_buffer = BUFFER if "libevent" not in name else 0
    return (after - before) / (thousands * 1000) - own_buffer
