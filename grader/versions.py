"""What was tested with which version, and where a version changes what a test can show.

docs/emulators.rst has the same facts in words; `make doctor` prints the notes that apply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A fact about a program from one version on, up to but without another ("": no end)."""

    program: str
    since: str
    before: str
    text: str


NOTES = (
    Note("qemu-system-x86_64", "7.2", "7.3",
         "SYSRET to an address that is not canonical faults in ring 3, on Intel's processors in "
         "ring 0, and the flags that a fault saves have RF clear, in the manual set"),
    Note("qemu-system-x86_64", "10.0", "",
         "SYSRET to an address that is not canonical faults in ring 0 as on Intel's processors "
         "(7.2: in ring 3), and the flags that a fault or an NMI saves have RF set (7.2: clear)"),
    Note("qemu-system-x86_64", "7.3", "",
         "what makes a stop of the machine cheap is for QEMU 7.2: here a grade takes half as long again"),
    Note("bochs-bin", "3.0", "",
         "Bochs' debugger is there only if it is asked for: `bochs-bin -debugger` (2.7: always)"),
)


def notes_for(program: str, version: str) -> list[str]:
    """The notes that apply to this version of a program."""
    now = _numbers(version)
    return [note.text for note in NOTES if note.program == program and now
            and _numbers(note.since) <= now and (not note.before or now < _numbers(note.before))]


def was_tested(version: str, tested: tuple[str, ...]) -> bool:
    """Whether the version is one of those that were tested, or has more digits of one."""
    now = _numbers(version)
    return any(now[:len(numbers)] == numbers for numbers in map(_numbers, tested))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
