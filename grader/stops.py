"""Turns the way a machine stopped into a failure in the student's terms.

A test that does not expect a stop lets the machine's exception through (it carries `.stop`); what
the kernel did is then the student's failure, and a dead emulator is the grader's.
"""

from __future__ import annotations

from typing import Any

from grader.verdict import HANG, PANIC, TRIPLE, WRONG, Failure, Place

WORDS = {
    "budget": (HANG, "it did not come back within its budget of instructions"),
    "halted": (HANG, "halted: every CPU waits and nothing is pending"),
    "panic": (PANIC, "the kernel panicked"),
    "triple fault": (TRIPLE, "triple fault: a fault within the delivery of a double fault"),
    "reset": (TRIPLE, "the machine was reset"),
    "power off": (HANG, "the kernel switched the machine off"),
    "output limit": (HANG, "the kernel flooded the serial port"),
    "steps": (HANG, "it did not come back within its number of steps"),
    "address": (HANG, "it stopped where nothing was expected"),
}


def failure_of(error: BaseException) -> Failure | None:
    """The failure behind an exception of the machine; None if it is not the student's."""
    stop = getattr(error, "stop", None)
    if stop is not None:
        return failure_of_stop(stop, str(error).partition(": CPU")[0])
    address, cpu = getattr(error, "address", None), getattr(error, "cpu", None)
    if isinstance(address, int) and isinstance(cpu, int):
        return Failure(reason=WRONG, headline=f"{address:#x} is not mapped any more on CPU {cpu}",
                       expected="the kernel's memory mapped as it was at the start",
                       seen=f"no page at {address:#x} in the page tables of CPU {cpu}")
    return None


def failure_of_stop(stop: Any, doing: str = "") -> Failure | None:
    """The failure for a stop; None if the emulator died, which is the grader's fault."""
    reason = str(getattr(stop, "reason", ""))
    if reason not in WORDS:
        return None
    kind, words = WORDS[reason]
    text = str(getattr(stop, "text", "") or "")
    if reason == "panic" and text:
        words = f"panic: {text}"
    elif text:
        words += f" ({text})"
    headline = f"{doing}: {words}" if doing and ":" not in doing else words
    return Failure(reason=kind, headline=headline, seen=words, went_wrong=place_of(stop))


def place_of(stop: Any) -> Place | None:
    """The instruction where the machine stood, if the stop knows it."""
    described = getattr(stop, "place", None)
    if isinstance(described, Place):
        return described
    pc = getattr(stop, "pc", None)
    return Place(where=f"{pc:#x}") if pc else None
