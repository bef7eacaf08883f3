"""The sweep: an interrupt before every instruction of a path, one at a time, each time from the
same state, and a look at what came out.

A path is traced once.  A boundary is known by its instruction, its ring and whether interrupts are
on there: a second one with the same three is not run again.  The boundaries of code that is given are swept on one path only, that of an interrupt of ring 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grader.explore.registers import IF
from grader.explore.scene import BUDGET, PATH_LIMIT, SUBJECT, Scene
from grader.verdict import CaseGone, Fail, Place, ReplayStop


@dataclass(frozen=True)
class Boundary:
    """The gap before one instruction of the path."""

    index: int          # how many instructions of the path came before it
    pc: int
    times: int          # how often the path was here before
    cpl: int

    def case(self, elf, path: str) -> dict:
        """What a replay needs: names, not addresses."""
        return {"path": path, "where": elf.where(self.pc), "insn": _text(elf, self.pc),
                "times": self.times}


@dataclass
class Path:
    """A traced way through the kernel, from the state of a snapshot to a last address."""

    name: str
    boundaries: list[Boundary]
    length: int             # instructions on it


@dataclass
class Outcome:
    """One boundary that failed."""

    boundary: Boundary
    fail: Fail


def _text(elf, pc: int) -> str:
    return elf.instruction(pc).text if elf.symbol_at(pc) else "outside the kernel"


def trace(scene: Scene, name: str, until: Iterable[int], expected: str) -> Path:
    """Steps CPU 0 to one of the addresses and names every boundary on the way.

    A path that never arrives, or is longer than PATH_LIMIT, is the student's failure.
    """
    steps, stop = scene.m.walk(SUBJECT, until, PATH_LIMIT)
    if stop.reason in ("budget", "steps"):
        raise Fail("hang", expected=f"{expected} within {PATH_LIMIT} instructions",
                   seen=f"more than {PATH_LIMIT} instructions, and still at "
                        f"{scene.m.elf.where(stop.pc)}", went_wrong=scene.m.place(stop.pc),
                   cause="a path this long cannot be swept: is there a delay or a loop in it?")
    if stop.reason != "address":
        raise scene.failed(stop, expected)
    seen: Counter[int] = Counter()
    boundaries, keys = [], set()
    for index, step in enumerate(steps):
        key = (step.pc, step.cpl, step.flags & IF)
        if key not in keys:
            boundaries.append(Boundary(index, step.pc, seen[step.pc], step.cpl))
        keys.add(key)
        seen[step.pc] += 1
    return Path(name, without_shadows(scene, boundaries, steps), len(steps))


def without_shadows(scene: Scene, boundaries: list[Boundary], steps) -> list[Boundary]:
    """Leaves out what is no boundary on hardware: after MOV SS, and in QEMU after STI."""
    kept = []
    for boundary in boundaries:
        before = _text(scene.m.elf, steps[boundary.index - 1].pc) if boundary.index else ""
        shadow = before.startswith(("mov", "pop")) and before.endswith("%ss")
        if not shadow and not (before.startswith("sti") and scene.cell.emu == "qemu"):
            kept.append(boundary)
    return kept


def given(scene: Scene, pc: int) -> bool:
    """Whether an instruction belongs to code that no student writes."""
    line = scene.m.elf.line(pc)
    return line is not None and line.file.startswith("kernel/")


def labs_own(scene: Scene, path: Path) -> Path:
    """Leaves out the given code, for a path whose given code another test sweeps."""
    kept = [b for b in path.boundaries if not given(scene, b.pc)]
    return Path(path.name, kept, path.length)


def go_to(scene: Scene, start, boundary: Boundary) -> None:
    """From the snapshot to the boundary."""
    scene.m.restore(start)
    if boundary.index == 0:
        return
    # run() does not stop where it starts, so a path that comes back there has one stop less.
    left = boundary.times + (scene.m.pc(SUBJECT) != boundary.pc)
    for _ in range(left):
        stop = scene.m.run(SUBJECT, boundary.pc, BUDGET)
        if stop.reason != "address":
            raise scene.failed(stop, "the same path as before")


def sweep(scene: Scene, start, path: Path, event: Callable[[], None],
          finish: Callable[[], None], event_name: str = "interrupt") -> None:
    """Every boundary of the path: restore, run to it, make the event, finish.

    `event` makes the interrupt pending; `finish` runs on and raises Fail if anything is wrong.
    In a replay, stops at the one boundary that the case names.
    """
    if scene.cell.replay is not None:
        _replay(scene, start, path, event)
        return
    failed: list[Outcome] = []
    for done, boundary in enumerate(path.boundaries):
        go_to(scene, start, boundary)
        event()
        try:
            finish()
        except Fail as fail:
            failed.append(Outcome(boundary, fail))
        scene.cell.progress(done + 1, len(path.boundaries))
    scene.cell.count("boundaries", path.length)
    scene.cell.count("cases", len(path.boundaries))
    if failed:
        raise report(scene, path, failed, event_name)
    if path.boundaries:
        scene.cell.case(path.boundaries[0].case(scene.m.elf, path.name),
                        f"{path.name}, the first of {len(path.boundaries)} places")


def report(scene: Scene, path: Path, failed: list[Outcome], event_name: str) -> Fail:
    """One failure for all places of one path, with the first in full."""
    first = failed[0]
    failure = first.fail.failure
    boundary = first.boundary
    place = scene.m.place(boundary.pc)
    at = Place(place.where, place.insn, place.line, "" if given(scene, boundary.pc) else
               "this line had not run yet", f"{event_name} came before")
    count = f"{len(failed)} of {len(path.boundaries)} places on the path {path.name}"
    cases = []
    for outcome in failed:
        where = scene.m.elf.where(outcome.boundary.pc)
        cases.append(outcome.boundary.case(scene.m.elf, path.name) | {"text": where})
    return Fail(failure.reason, expected=failure.expected, seen=failure.seen, at=at,
                went_wrong=failure.went_wrong, stack=failure.stack, extra=failure.extra,
                cause=failure.cause, count=count, case=cases)


def _replay(scene: Scene, start, path: Path, event: Callable[[], None]) -> None:
    wanted = scene.cell.replay
    if wanted.get("path") != path.name:
        return
    matching = [b for b in path.boundaries
                if scene.m.elf.where(b.pc) == wanted["where"] and b.times == wanted["times"]]
    if not matching:
        same = [b for b in path.boundaries
                if _text(scene.m.elf, b.pc) == wanted["insn"] and
                scene.m.elf.where(b.pc).split("+")[0] == wanted["where"].split("+")[0]]
        if not same:
            raise CaseGone(f"{wanted['where']} ({wanted['insn']}) is not on the path {path.name}")
        matching = same
    go_to(scene, start, matching[0])
    event()
    raise ReplayStop(f"the interrupt is pending before {scene.m.elf.where(matching[0].pc)}")
