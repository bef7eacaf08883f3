"""Verdicts: what a test can say, as plain data that goes through JSON unchanged.

A test passes by returning.  It fails by raising Fail, says that it cannot tell by raising
Inconclusive, and stops a replay by raising ReplayStop.  Any other exception is the grader's fault.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

PASS, FAIL, INCONCLUSIVE, ERROR = "pass", "fail", "inconclusive", "grader error"
RESULTS = (PASS, FAIL, INCONCLUSIVE, ERROR)

WRONG = "wrong result"
HANG = "hang"
PANIC = "panic"
TRIPLE = "triple fault"
NOT_BUILT = "does not build"
NOT_WRITTEN = "not implemented"
REASONS = (WRONG, HANG, PANIC, TRIPLE, NOT_BUILT, NOT_WRITTEN)


@dataclass
class Place:
    """An instruction: where an event came, or where things went wrong."""

    where: str = ""   # "syscall_entry+0"
    insn: str = ""    # "swapgs"
    line: str = ""    # "labs/lab2-percpu-gs/entry64.S:22"
    note: str = ""    # "this line is right; it had not run yet"
    label: str = ""   # "NMI came before"; empty: the report's own word


@dataclass
class StackRow:
    """One word of a drawn stack."""

    offset: str = ""  # "+32"
    name: str = ""    # "SS"
    value: str = ""   # "0010"
    note: str = ""    # "still the stack of ring 3"


@dataclass
class Stack:
    """A drawing of a stack, highest address first."""

    title: str = ""
    rows: list[StackRow] = field(default_factory=list)


@dataclass
class Step:
    """One row of a schedule.  A switch between CPUs is a row too, with cpu = -1."""

    cpu: int = -1
    line: str = ""      # "tas.c:40"
    text: str = ""      # "reads lock = 0"; of a switch: why it matters
    shown: list[str] = field(default_factory=list)  # a value for each of the schedule's columns
    decides: bool = False


@dataclass
class Schedule:
    """Who did what in which order."""

    cpus: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)    # "lock", "in"
    steps: list[Step] = field(default_factory=list)


@dataclass
class Case:
    """One place or schedule that can be replayed; `text` names it in a list of its siblings."""

    data: dict[str, Any] = field(default_factory=dict)   # what the test needs to find it again
    text: str = ""


@dataclass
class Failure:
    """Why a test failed, in the student's terms.  Every field may be empty but the reason."""

    reason: str = WRONG
    headline: str = ""                       # one line that stands alone
    expected: str = ""
    seen: str = ""
    at: Place | None = None                  # where the interrupt came
    went_wrong: Place | None = None          # where the damage was done
    stack: Stack | None = None
    schedule: Schedule | None = None
    start: str = ""                          # the state in which a schedule begins
    extra: list[str] = field(default_factory=list)      # further lines, printed as they are
    cause: str = ""
    read: str = ""                           # a section of the handout
    count: str = ""                          # "7 of 418 places"
    cases: list[Case] = field(default_factory=list)     # the failing ones, this one first

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Failure:
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        for key in ("at", "went_wrong"):
            values[key] = Place(**values[key]) if values.get(key) else None
        if values.get("stack"):
            rows = [StackRow(**row) for row in values["stack"]["rows"]]
            values["stack"] = Stack(values["stack"]["title"], rows)
        if values.get("schedule"):
            steps = [Step(**step) for step in values["schedule"]["steps"]]
            values["schedule"] = Schedule(**values["schedule"] | {"steps": steps})
        values["cases"] = [Case(**case) for case in values.get("cases", [])]
        return cls(**values)


class Fail(Exception):
    """Raised by a test: the student's kernel is wrong.

    `stack` may be a Stack or a list of dicts (offset, name, value, note; title in the first).
    `case` is a dict or a list of dicts with what the test needs to find the case again; a key
    "text" names it.
    """

    def __init__(self, reason: str = WRONG, expected: str = "", seen: str = "", *,
                 headline: str = "", at: Place | None = None, went_wrong: Place | None = None,
                 stack: Stack | list[dict] | None = None, extra: list[str] | None = None,
                 cause: str = "", read: str = "", count: str = "",
                 case: dict | list[dict] | None = None):
        self.failure = Failure(
            reason=reason, headline=headline, expected=expected, seen=seen, at=_place(at),
            went_wrong=_place(went_wrong), stack=_stack(stack), extra=list(extra or []),
            cause=cause, read=read, count=count, cases=_cases(case))
        super().__init__(headline or seen or reason)


class Inconclusive(Exception):
    """Raised by a test that cannot tell; such a test carries no points."""


class CaseGone(Exception):
    """Raised in a replay when the case is not in this build any more; the text says what is."""


class ReplayStop(Exception):
    """Raised in a replay once the machine stands at the instruction asked for."""


def _place(value: Place | dict | None) -> Place | None:
    return Place(**value) if isinstance(value, dict) else value


def _stack(value: Stack | list[dict] | None) -> Stack | None:
    if not isinstance(value, list):
        return value
    title = next((row["title"] for row in value if row.get("title")), "")
    names = ("offset", "name", "value", "note")
    rows = [StackRow(**{key: str(row.get(key, "")) for key in names}) for row in value]
    return Stack(title, rows)


def _cases(value: dict | list[dict] | None) -> list[Case]:
    entries = [value] if isinstance(value, dict) else value or []
    return [Case({k: v for k, v in entry.items() if k != "text"}, str(entry.get("text", "")))
            for entry in entries]
