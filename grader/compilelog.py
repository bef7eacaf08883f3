"""What the compiler, the assembler and the linker said, as the student's lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

MESSAGE = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?:(?P<column>\d+):)? "
                     r"(?P<kind>fatal error|[Ee]rror|[Ww]arning):? (?P<text>.*)$")
UNDEFINED = re.compile(r"undefined reference to [`']([^']+)'")
DUPLICATE = re.compile(r"multiple definition of [`']([^']+)'")
# Names of the compiler's own library, which it calls for what the machine has no instruction for.
HELPER = re.compile(r"__(?:(?:u?div|u?mod|u?divmod|u?cmp|mul|neg|abs|add|sub|ashl|ashr|lshr|popcount"
                    r"|parity|clz|ctz|ffs|clrsb|bswap|fix|fixuns|float|floatun|extend|trunc)"
                    r"(?:[sdtx][if]){1,2}\d?|atomic_\w+|sync_\w+_\d+)")
FAILED = re.compile(r"^make(?:\[\d+\])?: \*\*\* \[(?:.*: )?([^\]\s]+)\] ", re.MULTILINE)
FULL = "No space left on device"
LIMIT = re.compile(r"memory exhausted|out of memory|Cannot allocate|File size limit|CPU time limit|"
                   r"Killed|terminated signal", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """One error or warning with the lines that the compiler drew below it."""

    file: str
    line: int
    kind: str                 # "error" or "warning"
    text: str
    drawing: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def printable(text: str) -> str:
    """Without control characters: what a file of the student holds may reach a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def messages(log: str) -> list[Message]:
    """The errors and warnings of a log, each once, in order."""
    found: dict[tuple, Message] = {}
    lines = printable(log).splitlines()
    for index, line in enumerate(lines):
        match = MESSAGE.match(line)
        if not match:
            continue
        kind = "warning" if match["kind"].lower() == "warning" else "error"
        drawing = []
        for below in lines[index + 1:index + 4]:
            if not re.match(r"^\s+\d* *\|", below) and not re.match(r"^\s*[\^~]", below):
                break
            drawing.append(below[:100])
        message = Message(match["file"], int(match["line"]), kind, match["text"][:300],
                          tuple(drawing))
        found.setdefault((message.file, message.line, kind, message.text), message)
    return list(found.values())


def errors(log: str) -> list[Message]:
    return [m for m in messages(log) if m.kind == "error"]


def warnings(log: str) -> list[Message]:
    return [m for m in messages(log) if m.kind == "warning"]


def failed_targets(log: str) -> list[str]:
    """What make could not make."""
    return FAILED.findall(log)


def undefined(log: str) -> list[str]:
    """Names that the linker did not find."""
    return sorted(set(UNDEFINED.findall(log)))


def cause_of(name: str) -> str:
    """Why a name is not found that nobody has written; "" if nothing is known of it."""
    return "a helper of the compiler's library, which the kernel does not have" \
        if HELPER.fullmatch(name) else ""


def duplicates(log: str) -> list[str]:
    """Names that the linker found twice."""
    return sorted(set(DUPLICATE.findall(log)))
