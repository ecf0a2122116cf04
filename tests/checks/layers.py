#!/usr/bin/env python3
"""Usage: layers.py [--self-test]: checks the rules that the sources follow and no compiler knows, such as the layers."""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# From the bottom to the top. Includes go down this list or stay on their line. The longest folder that fits counts.
LAYERS = [
    ["core"],
    ["engine/system"],
    ["engine/request"],
    ["engine", "engine/scheduler", "engine/driver"],
    ["execution"],
    ["context"],
    ["token"],
    ["operation"],
    ["io", "posix", "windows"],
    ["ip", "local", "generic"],
    ["coroutine"],
    ["compose", "ssl"],
]
TOP = len(LAYERS)
RANKS = {folder: rank for rank, folders in enumerate(LAYERS) for folder in folders}

# What core takes from the platform: constants, plain types, the mutex. Rank 0, in each platform's folder; they include
# nothing of the library but each other and core/platform.hpp.
BENEATH_CORE = re.compile(r"engine/system/\w+/(?:condition_clock|error_numbers|monotonic_condition|mutex|native|winsock)\.hpp")
# Headers that do not have their folder's place.
EXCEPTIONS = {"engine/bodies.hpp": TOP}

# They set, for as long as they include the system's headers, what those look at.
SYSTEM_SWITCHES = {"engine/system/windows/winsock.hpp"}

PLATFORM_MACRO = re.compile(
    r"\b(?:__(?:linux|unix|gnu_linux|APPLE|MACH|FreeBSD|NetBSD|OpenBSD|DragonFly|ANDROID|CYGWIN|sun)(?:__)?"
    r"|__MINGW\w*|_?WIN(?:32|64)|TARGET_OS_\w+|RILL_PLATFORM\w*)\b"
)
COMPILER_MACRO = re.compile(
    r"\b(?:__GNUC\w*|__clang\w*|_MSC_\w+|__INTEL\w*|__has_(?:feature|builtin|attribute|cpp_attribute)|__SANITIZE_\w+"
    r"|__cpp_\w+|__GLIBCXX__|_GLIBCXX_\w+|_LIBCPP_\w+)\b"
)

THIRD_PARTY = ("boost/system/", "boost/assert/")
OPERATING_SYSTEM = ("arpa/", "linux/", "mach/", "net/", "netinet/", "sys/")
# Opt-in headers, and what they may include besides.
OPT_IN = {
    "coroutine/fiber.hpp": ("boost/context/", "sanitizer/"),
    "coroutine/spawn.hpp": ("boost/context/",),
    "engine/request/lent_memory.hpp": ("sanitizer/",),
}

# These hang or are missing on some platform, or ThreadSanitizer does not understand them.
FORBIDDEN = re.compile(
    r"\bstd::(?:latch|barrier|counting_semaphore|binary_semaphore|jthread|v?format(?:_to(?:_n)?)?"
    r"|atomic_(?:thread_fence|signal_fence|wait|wait_explicit|notify_one|notify_all))\b"
    r"|<(?:latch|barrier|semaphore|format)>"
)
ATOMIC_NAME = re.compile(r"\batomic(?:_flag\b|\s*<[^;{}()]*>)\s*(\w+)")

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<string>R"(?P<mark>[^\s()\\]*)\(.*?\)(?P=mark)" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+')
      | \b\d(?:'?[\w.])*""",
    re.VERBOSE | re.DOTALL,
)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


class Source:
    """A file's text; the same without comments; the same without strings too. A position means the same in each."""

    def __init__(self, root, path):
        self.path = path
        self.name = path.relative_to(root).as_posix()
        self.text = path.read_text()
        self.statements = TOKEN.sub(lambda m: blank(m[0]) if m["comment"] else m[0], self.text)
        self.code = TOKEN.sub(lambda m: blank(m[0]) if m["comment"] or m["string"] else m[0], self.text)

    def line(self, position):
        return self.text.count("\n", 0, position) + 1

    def includes(self):
        """Yields (position, what stands behind #include)."""
        for m in re.finditer(r"^[ \t]*#[ \t]*include[ \t]*(.*?)[ \t]*$", self.statements, re.MULTILINE):
            yield m.start(1), m[1]


def rank_of(name):
    """The layer of a file named as in include/rill/; None if its folder has none."""
    if name in EXCEPTIONS:
        return EXCEPTIONS[name]
    if BENEATH_CORE.fullmatch(name):
        return 0
    if "/" not in name:
        return TOP
    folder = name.rpartition("/")[0]
    while folder not in RANKS and "/" in folder:
        folder = folder.rpartition("/")[0]
    return RANKS.get(folder)


def include_macros(library):
    """The macros of core/platform.hpp that name a file or a folder, which on each platform may be another:
    RILL_KERNEL -> [engine/system/gnu_linux/, engine/system/bsd/]."""
    platform = library / "core/platform.hpp"
    text = platform.read_text() if platform.exists() else ""
    found = {}
    for name, path in re.findall(r"#define (RILL_\w+)(?:\(\w+\))? <rill/(.*?)(?:file)?>", text):
        found.setdefault(name, []).append(path)
    return found


def resolve(what, macros):
    """The files, named as in include/rill/, that an #include of the library may mean; none for other includes."""
    if m := re.fullmatch(r"<rill/(.*)>", what):
        return [m[1]]
    m = re.fullmatch(r"(RILL_\w+)(?:\((.*)\))?", what)
    if m and m[1] in macros:
        return [path + (m[2] or "") for path in macros[m[1]]]
    return []


def check_layers(source, macros):
    rank = rank_of(source.name)
    if rank is None:
        yield 0, "the folder has no layer; LAYERS in layers.py lists them"
        return
    for position, what in source.includes():
        ranks = [rank_of(target) for target in resolve(what, macros) if not target.endswith("/forward.hpp") or rank == 0]
        if any(target_rank is None or target_rank > rank for target_rank in ranks):
            yield position, f"includes {what}, which is in a higher layer"


def check_includes(source, macros):
    for position, what in source.includes():
        if what.startswith('"'):
            yield position, "include with <> and the path from include/"
        elif what.startswith("<"):
            file = what.strip("<>")
            allowed = ("rill/", *THIRD_PARTY, *OPERATING_SYSTEM, *OPT_IN.get(source.name, ()))
            if ("/" in file or file.endswith(".hpp")) and not file.startswith(allowed):
                yield position, f"{what} is neither the standard's, nor the system's, nor Boost.System"
        elif not what.startswith("RILL_BODY(") and not resolve(what, macros):
            yield position, f"{what} is not a macro of core/platform.hpp that names a header"


def check_conditions(source):
    homes = [(PLATFORM_MACRO, "core/platform.hpp", "platform"), (COMPILER_MACRO, "core/config.hpp", "compiler")]
    for m in re.finditer(r"^[ \t]*#[ \t]*(?:el)?if(?:n?def)?\b(?:.*\\\n)*.*", source.code, re.MULTILINE):
        for macro, home, kind in homes:
            if source.name != home and (found := macro.search(m[0])):
                yield m.start() + found.start(), f"{found[0]}: only {home} asks for the {kind}"


def check_namespaces(source):
    depth = 0
    inside = False
    for m in re.finditer(r"[{}]|(?:\binline\s+)?\bnamespace\b[^{};=]*[{;=]|\brill\s*::", source.code):
        if m[0] == "}":
            depth -= 1
            inside = inside and depth > 0
        elif m[0].startswith("rill"):
            if inside:
                yield m.start(), "rill:: inside of the namespace"
        elif m[0].endswith("{"):
            if m[0] != "{" and (depth > 0 or not re.fullmatch(r"namespace rill(?:::\w+)* \{", m[0])):
                yield m.start(), "a namespace opens only at the top, as 'namespace rill {' or 'namespace rill::x {'"
            depth += 1
            inside = inside or m[0] != "{"


def check_macros(source):
    if source.name in SYSTEM_SWITCHES:
        return
    for m in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(?!RILL_)(\w+)", source.code, re.MULTILINE):
        yield m.start(1), f"macro {m[1]} does not begin with RILL_"
    for m in re.finditer(r"\bNDEBUG\b", source.code):
        yield m.start(), "nothing hangs on NDEBUG; RILL_CHECKED makes a checked build"


def check_frame(source):
    if not re.match(r"// SPDX-License-Identifier: BSL-1\.0\n", source.text):
        yield 0, "the first line is not '// SPDX-License-Identifier: BSL-1.0'"
    if not re.search(r"^#pragma once$", source.code, re.MULTILINE):
        yield 0, "no #pragma once"
    for position, what in source.includes():
        if what.startswith("RILL_BODY(") and source.code[position + len(what) :].strip():
            yield position, "something stands behind the #include of the body"


def check_words(source):
    for m in re.finditer(r"\b(?:TODO|FIXME)\b", source.text):
        yield m.start(), f"{m[0]}: do it or file it as an issue"
    for m in FORBIDDEN.finditer(source.code):
        yield m.start(), f"{m[0]} is not used here: it hangs or is missing on some platform, or misleads a sanitizer"
    for name in set(ATOMIC_NAME.findall(source.code)):
        for m in re.finditer(rf"\b{name}\s*(?:\.|->)\s*(?:wait|notify_one|notify_all)\s*\(", source.code):
            yield m.start(), f"{m[0]}): waiting on an atomic hangs on some platform"


def check_bodies(library, macros):
    included = {"engine/bodies.hpp"}
    found = list(included)
    while found:
        path = library / found.pop()
        for _, what in Source(library, path).includes() if path.exists() else ():
            new = set(resolve(what, macros)) - included
            included |= new
            found += [file for file in new if file.endswith(".ipp")]
    for path in sorted(library.rglob("*.ipp")):
        if path.relative_to(library).as_posix() not in included:
            yield path, 1, "is not included by engine/bodies.hpp"


def check(root):
    """Yields (path, line, what is wrong)."""
    library = root / "include/rill"
    macros = include_macros(library)
    for path in sorted(library.rglob("*.?pp")):
        source = Source(library, path)
        rules = (check_conditions, check_namespaces, check_macros, check_frame, check_words)
        found = [*check_layers(source, macros), *check_includes(source, macros)]
        found += [problem for rule in rules for problem in rule(source)]
        yield from ((path, source.line(position), message) for position, message in found)
    yield from check_bodies(library, macros)
    for folder in ("tests", "examples", "bench"):
        for path in sorted((root / folder).rglob("*.?pp")):
            source = Source(root, path)
            yield from ((path, source.line(position), message) for position, message in check_words(source))


HEAD = "// SPDX-License-Identifier: BSL-1.0\n#pragma once\n"

GOOD = {
    "core/platform.hpp": HEAD + "#if defined(__linux__)\n#define RILL_SYSTEM(file) <rill/engine/system/posix/file>\n"
    "#define RILL_DRIVERS <rill/engine/driver/linux_drivers.hpp>\n"
    "#define RILL_KERNEL(file) <rill/core/linux/file>\n#else\n#define RILL_KERNEL(file) <rill/io/file>\n#endif\n",
    "core/config.hpp": HEAD + "#if defined(__clang__)\n#define RILL_CLANG 1\n#endif\n",
    "core/error.hpp": HEAD + "#include RILL_SYSTEM(error_numbers.hpp)\n#include <boost/system/error_code.hpp>\n"
    "namespace rill::error {\n// rill::error is TODAY's name\nconst char* name = \"rill::{\";\nint x = 1'000 + '{';\n}\n"
    "template <>\nstruct std::hash<rill::error::e> { rill::error::e e; };\n#include RILL_BODY(error.ipp)\n",
    "core/error.ipp": HEAD + "#include <rill/core/error.hpp>\nnamespace rill {\n}  // namespace rill\n",
    "engine/bodies.hpp": HEAD + "#include <rill/core/error.ipp>\n#include RILL_SYSTEM(socket.ipp)\n",
    "engine/system/posix/error_numbers.hpp": HEAD + "#include <cerrno>\n",
    "engine/system/posix/socket.ipp": HEAD + "#include <sys/socket.h>\n",
    "context/io_context.hpp": HEAD + "#include <rill/io/forward.hpp>\n#include RILL_DRIVERS\n"
    "namespace rill {\nstd::condition_variable wake;\nvoid f() { wake.wait(lock); using namespace std::literals; }\n}\n",
    "ip/tcp.hpp": HEAD + "#include <rill/ip/forward.hpp>\n#include <rill/io/socket.hpp>\n",
    "rill.hpp": HEAD + "#include <rill/ip/tcp.hpp>\nnamespace rill {\nnamespace experimental = x;\n}\n",
}

# File, text, line and beginning of the one message that is due.
BROKEN = [
    ("io/a.hpp", HEAD + "#include <rill/ip/tcp.hpp>\n", 3, "includes <rill/ip/tcp.hpp>, which is in a higher"),
    ("io/a.hpp", HEAD + "#include <rill/rill.hpp>\n", 3, "includes <rill/rill.hpp>, which is in a higher"),
    ("engine/request/a.hpp", HEAD + "#include RILL_DRIVERS\n", 3, "includes RILL_DRIVERS, which is in a higher"),
    ("engine/driver/a.hpp", HEAD + "#include <rill/execution/a.hpp>\n", 3, "includes <rill/execution/a.hpp>, which"),
    ("core/a.hpp", HEAD + "#include <rill/io/forward.hpp>\n", 3, "includes <rill/io/forward.hpp>, which"),
    ("core/a.hpp", HEAD + "#include RILL_SYSTEM(socket.hpp)\n", 3, "includes RILL_SYSTEM(socket.hpp), which"),
    ("core/a.hpp", HEAD + "#include RILL_KERNEL(a.hpp)\n", 3, "includes RILL_KERNEL(a.hpp), which"),
    ("token/a.hpp", HEAD + "#include <rill/operation/a.hpp>\n", 3, "includes <rill/operation/a.hpp>, which"),
    ("detail/a.hpp", HEAD, 1, "the folder has no layer"),
    ("io/a.hpp", HEAD + '#include "b.hpp"\n', 3, "include with <>"),
    ("io/a.hpp", HEAD + "#include <boost/asio/post.hpp>\n", 3, "<boost/asio/post.hpp> is neither"),
    ("io/a.hpp", HEAD + "#include <openssl/ssl.h>\n", 3, "<openssl/ssl.h> is neither"),
    ("io/a.hpp", HEAD + "#include SOME_HEADER\n", 3, "SOME_HEADER is not a macro"),
    ("io/a.hpp", HEAD + "\n#ifdef __linux__\n#endif\n", 4, "__linux__: only core/platform.hpp"),
    ("io/a.hpp", HEAD + "#if 1\n#elif X || \\\n  defined(_WIN32)\n#endif\n", 5, "_WIN32: only core/platform.hpp"),
    ("io/a.hpp", HEAD + "#if RILL_PLATFORM_LINUX\n#endif\n", 3, "RILL_PLATFORM_LINUX: only core/platform.hpp"),
    ("core/config.hpp", HEAD + "#ifndef __APPLE__\n#endif\n", 3, "__APPLE__: only core/platform.hpp"),
    ("core/platform.hpp", GOOD["core/platform.hpp"] + "#ifdef _MSC_VER\n#endif\n", 10, "_MSC_VER: only core/config.hpp"),
    ("io/a.hpp", HEAD + "#if __has_feature(thread_sanitizer)\n#endif\n", 3, "__has_feature: only core/config.hpp"),
    ("io/a.hpp", HEAD + "#ifdef __SANITIZE_THREAD__\n#endif\n", 3, "__SANITIZE_THREAD__: only core/config.hpp"),
    ("io/a.hpp", HEAD + "namespace other {\n}\n", 3, "a namespace opens only"),
    ("io/a.hpp", HEAD + "namespace rill {\nnamespace detail {\n}\n}\n", 4, "a namespace opens only"),
    ("io/a.hpp", HEAD + "inline namespace rill {\n}\n", 3, "a namespace opens only"),
    ("io/a.hpp", HEAD + "namespace {\n}\n", 3, "a namespace opens only"),
    ("io/a.hpp", HEAD + "namespace rill::x {\nvoid f() {}\nrill::error_code e;\n}\n", 5, "rill:: inside"),
    ("io/a.hpp", HEAD + "#define ASSERT(x) x\n", 3, "macro ASSERT does not begin"),
    ("io/a.hpp", HEAD + "#ifndef NDEBUG\n#endif\n", 3, "nothing hangs on NDEBUG"),
    ("io/a.hpp", "#pragma once\n", 1, "the first line is not"),
    ("io/a.hpp", "// SPDX-License-Identifier: BSL-1.0\n", 1, "no #pragma once"),
    ("io/a.hpp", HEAD + "#include RILL_BODY(a.ipp)\nint x;\n", 3, "something stands behind"),
    ("io/a.ipp", HEAD, 1, "is not included by engine/bodies.hpp"),
    ("io/a.hpp", HEAD + "// TODO: later\n", 3, "TODO: do it"),
    ("io/a.hpp", HEAD + "/*\n FIXME */\n", 4, "FIXME: do it"),
    ("io/a.hpp", HEAD + "std::latch l(1);\n", 3, "std::latch is not used"),
    ("io/a.hpp", HEAD + "#include <semaphore>\n", 3, "<semaphore> is not used"),
    ("io/a.hpp", HEAD + "auto s = std::format(x);\n", 3, "std::format is not used"),
    ("io/a.hpp", HEAD + "void f() { std::atomic_thread_fence(m); }\n", 3, "std::atomic_thread_fence is not used"),
    ("io/a.hpp", HEAD + "std::atomic<int> head_{0};\nvoid f() { head_.wait(0); }\n", 4, "head_.wait(): waiting"),
    ("../../tests/a.cpp", "void f() {\n    std::jthread t;\n}\n", 2, "std::jthread is not used"),
]


def self_test():
    """Each rule fires on the one line that breaks it, and on nothing else."""
    failures = 0
    for name, text, line, message in [("io/a.hpp", HEAD, 0, ""), *BROKEN]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for file, content in {**GOOD, name: text}.items():
                path = root / "include/rill" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            found = [(found_line, found_message) for _, found_line, found_message in check(root)]
        expected = [(line, message)] if message else []
        matches = len(found) == len(expected) and all(
            f[0] == e[0] and f[1].startswith(e[1]) for f, e in zip(found, expected)
        )
        if not matches:
            failures += 1
            print(f"{__file__}:1: the self-test of {name} with {text!r}: expected {expected}, found {found}")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    problems = list(check(ROOT))
    for path, line, message in problems:
        print(f"{path.relative_to(ROOT)}:{line}: {message}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
