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
from grader.explore.scene import BUDGET, PATH_LIMIT, Scene
from grader.verdict import CaseGone, Fail, Place, ReplayStop


@dataclass(frozen=True)
class Boundary:
    """The gap before one instruction of the path."""

    index: int          # how many instructions of the path came before it
    pc: int
    times: int          # how often the path was here before
    cpl: int

    def case(self, scene: Scene, path: str) -> dict:
        """What a replay needs: names, not addresses."""
        return {"path": path, "where": elf_of(scene, self.pc).where(self.pc),
                "insn": _text(scene, self.pc), "times": self.times}


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


def elf_of(scene: Scene, pc: int):
    """The program that an address belongs to: the kernel, or else the checker."""
    return scene.m.elf if scene.m.elf.symbol_at(pc) else scene.checker


def _text(scene: Scene, pc: int) -> str:
    return elf_of(scene, pc).instruction(pc).text


def place(scene: Scene, pc: int, label: str) -> Place:
    """An instruction of the kernel or of ring 3, as the place where an interrupt came."""
    elf = elf_of(scene, pc)
    note = "ring 3" if elf is scene.checker else "" if given(scene, pc) else \
        "this line had not run yet"
    line = "" if elf is scene.checker else str(elf.line(pc) or "")
    return Place(elf.where(pc), elf.instruction(pc).text, line, note, label)


def trace(scene: Scene, name: str, until: Iterable[int], expected: str,
          ends: str = "address") -> Path:
    """Steps CPU 0 to one of the addresses, or to its next HLT, and names every boundary.

    A path that never arrives, or is longer than PATH_LIMIT, is the student's failure.
    """
    steps, stop = scene.m.walk(scene.cpu, until, PATH_LIMIT)
    if stop.reason in ("budget", "steps"):
        raise Fail("hang", expected=f"{expected} within {PATH_LIMIT} instructions",
                   seen=f"more than {PATH_LIMIT} instructions, and still at "
                        f"{elf_of(scene, stop.pc).where(stop.pc)}",
                   went_wrong=scene.m.place(stop.pc),
                   cause="a path this long cannot be swept: is there a delay or a loop in it?")
    if stop.reason != ends:
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
    """Leaves out the boundary after MOV SS and POP SS, where hardware takes no interrupt.

    The one after STI stays: a device's interrupt waits there for one instruction, in both
    emulators as on hardware, and that is what an idle loop stands on.
    """
    kept = []
    for boundary in boundaries:
        before = _text(scene, steps[boundary.index - 1].pc) if boundary.index else ""
        if not (before.startswith(("mov", "pop")) and before.endswith("%ss")):
            kept.append(boundary)
    return kept


def given(scene: Scene, pc: int) -> bool:
    """Whether an instruction belongs to code that no student writes."""
    line = scene.m.elf.line(pc)
    return line is None or line.file.startswith("kernel/")


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
    left = boundary.times + (scene.m.pc(scene.cpu) != boundary.pc)
    for _ in range(left):
        stop = scene.m.run(scene.cpu, boundary.pc, BUDGET)
        if stop.reason != "address":
            raise scene.failed(stop, "the same path as before")


def sweep(scene: Scene, start, path: Path, event: Callable[[], None], vector: int,
          finish: Callable[[], None]) -> None:
    """Every boundary of the path: restore, run to it, make the event, finish.

    `event` makes an interrupt of this vector pending; `finish` runs on and raises Fail if anything
    is wrong.  In a replay, stops at the one boundary that the case names.
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
            if scene.cell.quick:
                break
        scene.cell.progress(done + 1, len(path.boundaries))
    scene.cell.count("boundaries", path.length)
    scene.cell.count("cases", len(path.boundaries))
    if failed:
        raise report(scene, start, path, failed, event, vector)
    if path.boundaries:
        scene.cell.case(path.boundaries[0].case(scene, path.name),
                        f"{path.name}, the first of {len(path.boundaries)} places")


def taken_at(scene: Scene, start, boundary: Boundary, event: Callable[[], None],
             vector: int) -> int:
    """Where the CPU took the interrupt: with interrupts off it waits, and the place is later."""
    go_to(scene, start, boundary)
    event()
    stub = scene.m.ptr(scene.m.elf.address("vector_stubs") + vector * scene.layout.word)
    stop = scene.m.run(scene.cpu, stub, BUDGET)
    if stop.reason != "address":
        return boundary.pc
    return scene.m.ptr(scene.m.regs(scene.cpu).sp)


def report(scene: Scene, start, path: Path, failed: list[Outcome], event: Callable[[], None],
           vector: int) -> Fail:
    """One failure for all places of one path, with the first in full."""
    first = failed[0].fail.failure
    taken = taken_at(scene, start, failed[0].boundary, event, vector)
    cases = []
    for outcome in failed:
        pc = outcome.boundary.pc
        cases.append(outcome.boundary.case(scene, path.name) |
                     {"text": elf_of(scene, pc).where(pc)})
    return Fail(first.reason, expected=first.expected, seen=first.seen,
                at=place(scene, taken, "interrupt came before"), went_wrong=first.went_wrong,
                stack=first.stack, extra=first.extra, cause=first.cause, case=cases,
                count=f"{len(failed)} of {len(path.boundaries)} places on the path {path.name}")


def _replay(scene: Scene, start, path: Path, event: Callable[[], None]) -> None:
    wanted = scene.cell.replay
    if wanted.get("path") != path.name:
        return
    function = wanted["where"].split("+")[0]
    names = [(b, elf_of(scene, b.pc).where(b.pc)) for b in path.boundaries]
    matching = [b for b, name in names if name == wanted["where"] and b.times == wanted["times"]]
    # After a change of the function: the same instruction elsewhere in it.
    matching = matching or [b for b, name in names if name.split("+")[0] == function
                            and _text(scene, b.pc) == wanted["insn"]]
    if not matching:
        raise CaseGone(f"{wanted['where']} ({wanted['insn']}) is not on the path {path.name}")
    go_to(scene, start, matching[0])
    event()
    name = elf_of(scene, matching[0].pc).where(matching[0].pc)
    raise ReplayStop(f"the interrupt is pending before {name}")
