"""Draws the main comparison."""

SHOWN = [
    "limit",
    "limit, io_uring",
    "rill, callbacks",
    "rill, callbacks, io_uring",
    "rill, coroutines",
    "rill, coroutines, io_uring",
    "libuv",
    "Asio, callbacks",
    "Asio, callbacks, io_uring",
    "Asio, coroutines",
    "Asio, coroutines, io_uring",
    "libevent",
]
CASES = {
    "tcp, 64 bytes, 1 connection": "TCP, 1 connection",
    "tcp, 64 bytes, 64 connections": "TCP, 64 connections",
    "tcp, 64 bytes, 1000 connections": "TCP, 1000 connections",
    "local, 64 bytes, 64 connections": "local sockets, 64 connections",
}
COLORS = {"rill": "#1f77b4", "limit": "#9aa0a6"}
OTHER = "#d0a060"
WIDTH, BAR, GAP, LEFT, SCALE_WIDTH = 790, 16, 34, 200, 500


def echo(table):
    """An SVG: processor time per message, a bar each."""
    by_case = {part["case"]: {row["name"]: row["value"] for row in part["rows"]} for part in table}
    most = max(by_case[case][name] for case in CASES for name in SHOWN if name in by_case[case])
    parts = []
    y = 40
    for case, title in CASES.items():
        parts.append(f'<text x="{LEFT}" y="{y + 12}" font-weight="bold">{title}</text>')
        y += 20
        for name in SHOWN:
            if name not in by_case[case]:
                continue
            value = by_case[case][name]
            length = value / most * SCALE_WIDTH
            color = COLORS.get(name.split(",")[0], OTHER)
            parts.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{name}</text>')
            parts.append(f'<rect x="{LEFT}" y="{y + 2}" width="{length:.1f}" height="{BAR - 4}" fill="{color}"/>')
            parts.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 12}">{value:.0f}</text>')
            y += BAR
        y += GAP - 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="{LEFT}" y="22" font-size="14">Server, processor time for each echoed message of 64 bytes, ns</text>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"
