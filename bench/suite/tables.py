"""Prints what was measured."""


def number(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(row, key, pattern):
    return pattern.format(row[key]) if key in row else ""


def show_times(table):
    for case in table:
        print(f"\n{case['case']:46} {case['unit']:>9}  spread   {case['baseline'].split(',')[0]} / it   limit / it")
        for row in case["rows"]:
            ratio = cell(row, "of_baseline", "{:.2f}")
            limit = cell(row, "of_limit", "{:.2f}")
            print(f"  {row['name']:44} {number(row['value']):>9}  {row['spread']:5.1%}  {ratio:>10}  {limit:>10}")
        for note in case.get("notes", []):
            print(f"  {note}")


def show_columns(table):
    """A list of rows with the same named columns."""
    for part in table:
        names = list(dict.fromkeys(key for row in part["rows"] for key in row if key != "name"))
        print(f"\n{part['case']:38}" + "".join(f"{name:>16}" for name in names))
        for row in part["rows"]:
            cells = "".join(f"{number(row[name]) if name in row else '':>16}" for name in names)
            print(f"  {row['name']:36}" + cells)
        for note in part.get("notes", []):
            print(f"  {note}")


def show(group, table):
    print(f"\n== {group}")
    if table and "unit" in table[0]:
        show_times(table)
    else:
        show_columns(table)
    print(flush=True)
