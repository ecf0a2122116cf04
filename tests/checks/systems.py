#!/usr/bin/env python3
"""Usage: systems.py [--self-test]: checks that engine/system/posix/ and engine/system/windows/ declare the same names, as
what includes RILL_SYSTEM(file) relies on."""

import re
import sys

from layers import TOKEN, blank
from toolchain import INCLUDE

SYSTEMS = INCLUDE / "rill/engine/system"

# What one of them has for itself: files, and names in files that both have.
OWN_FILES = {
    "posix": {"monotonic_condition.hpp"},
    "windows": {"afd_poll.hpp", "nt_calls.hpp", "overlapped_calls.hpp", "wait_timer.hpp", "winsock.hpp"},
}
OWN_NAMES = {
    "posix": {
        "affinity.hpp": {"processor_set"},
        "socket_calls.hpp": {"receive_local"},
        "socket_constants.hpp": {"message_no_signal"},
    },
    "windows": {
        "descriptor.hpp": {"make_system_error", "portable_error", "portable_error_of_status"},
        "socket_calls.hpp": {"use_winsock"},
    },
}

NAMESPACE = re.compile(r"\bnamespace\s+rill[\w:]*\s*\{")
# At the outermost level: a type, a variable or a constant, a function.
DECLARATION = re.compile(
    r"\b(?:class|struct|enum\s+class)\s+(?P<type>\w+)\s*(?:final\s*)?(?::[^;{]*)?[{;]"
    r"|\busing\s+(?P<alias>\w+)\s*="
    r"|(?P<function>\w+)\s*\([^;{}]*\)\s*(?:const\s*)?(?:noexcept\s*)?[{;]"
    r"|\bconstexpr\s[^;={(]*?(?P<constant>\w+)\s*="
)


def outermost(code):
    """The code within the namespace, without what stands in braces there."""
    text = []
    depth = 0
    for character in NAMESPACE.sub(";", code):
        if character == "{":
            text.append("{" if depth == 0 else "")
            depth += 1
        elif character == "}":
            depth = max(0, depth - 1)
        elif depth == 0:
            text.append(character)
    return "".join(text)


def names(text):
    """What a header declares."""
    code = TOKEN.sub(lambda m: blank(m[0]) if m["comment"] or m["string"] else m[0], text)
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", "", code, flags=re.MULTILINE)
    return {next(filter(None, m.groups())) for m in DECLARATION.finditer(outermost(code))}


def headers(system):
    """What each header of a folder declares, and what RILL_KERNEL(file) brings to it, on Linux."""
    found = {}
    for path in sorted((SYSTEMS / system).glob("*.hpp")):
        text = path.read_text()
        found[path.name] = names(text)
        for kernel in re.findall(r"#include RILL_KERNEL\((.*)\)", text):
            found[path.name] |= names((SYSTEMS / "gnu_linux" / kernel).read_text())
    return found


def compare(posix, windows):
    """Yields what is wrong: each is a header's name -> the names that it declares."""
    both = {"posix": posix, "windows": windows}
    for system, other in (("posix", "windows"), ("windows", "posix")):
        for file, declared in both[system].items():
            if file in OWN_FILES[system]:
                continue
            if file not in both[other]:
                yield f"{system}/{file}: there is no such file in {other}/"
                continue
            for name in sorted(declared - both[other][file] - OWN_NAMES[system].get(file, set())):
                yield f"{system}/{file}: {name} is not in {other}/{file}"


SAMPLE = """
#include <x.h>
namespace rill::engine::system {
/// struct not_this {
inline constexpr int number = ~0;
enum class kind : short { a, b };
class thing { public: void member() { call(1); } };
using alias = int;
RILL_DECL bool call(int a, const char* text = nullptr) noexcept;
inline int defined(int x) noexcept { return other(x); }
constexpr bool may(int h) noexcept { return h >= 0; }
}
"""


def self_test():
    expected = {"number", "kind", "thing", "alias", "call", "defined", "may"}
    found = names(SAMPLE)
    broken = list(compare({"a.hpp": {"f", "g"}}, {"a.hpp": {"f"}, "b.hpp": set()}))
    if found != expected or len(broken) != 2:
        print(f"{__file__}:1: the self-test: found {found ^ expected} otherwise than expected; {broken}")
        return 1
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    problems = list(compare(headers("posix"), headers("windows")))
    for problem in problems:
        print(f"include/rill/engine/system/{problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
