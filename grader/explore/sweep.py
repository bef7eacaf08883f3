"""The sweep: an event before every instruction of a path, one at a time, each time from the same
state, and a look at what came out.

A path is traced once.  A boundary is known by its instruction, its ring, whether interrupts are on,
whose GS is there and which stack: a second one with the same five is not run again.  The boundaries
of code that is given are swept on one path only, that of an interrupt of ring 3.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from grader.errors import GraderError
from grader.explore.access import touches
from grader.explore.registers import IF
from grader.explore.scene import BUDGET, PATH_LIMIT, Scene
from grader.verdict import CaseGone, Fail, Place, ReplayStop, Stack

CHAIN = 24              # cases that follow one another before a snapshot is restored


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


@dataclass(frozen=True)
class Event:
    """What comes at a boundary."""

    make: Callable[[], None]        # makes it pending
    words: str                      # "interrupt", "NMI": for a report
    vector: int                     # where it enters the kernel
    masked: bool = True             # waits for IF
    pend: Callable[[], None] | None = None      # makes it pending and no more, if make() does more
    draw: Callable[[], Stack | None] | None = None  # what the hardware did, once it is pending
    noun: str = ""                  # what the report counts; else cases, or NMIs


@dataclass
class Outcome:
    """One boundary that failed."""

    boundary: Boundary
    fail: Fail


# ---- places ----

def elf_of(scene: Scene, pc: int):
    """The program that an address belongs to: the kernel, or else the checker."""
    return scene.m.elf if scene.m.elf.symbol_at(pc) else scene.checker


def _text(scene: Scene, pc: int) -> str:
    return elf_of(scene, pc).instruction(pc).text


def place(scene: Scene, pc: int, label: str) -> Place:
    """An instruction of the kernel or of ring 3, as the place where an event came."""
    elf = elf_of(scene, pc)
    note = "ring 3" if elf is scene.checker else "" if given(scene, pc) else \
        "this line had not run yet"
    line = "" if elf is scene.checker else str(elf.line(pc) or "")
    return Place(elf.where(pc), elf.instruction(pc).text, line, note, label)


def given(scene: Scene, pc: int) -> bool:
    """Whether an instruction belongs to code that no student writes."""
    line = scene.m.elf.line(pc)
    return line is None or line.file.startswith("kernel/")


# ---- the path ----

def trace(scene: Scene, name: str, until: Iterable[int], expected: str,
          ends: str = "address", nmis: bool = False, keys: set | None = None) -> Path:
    """Steps the subject to one of the addresses, or to its next HLT, and names every boundary.

    A path that never arrives, or is longer than PATH_LIMIT, is the student's failure.  `nmis`: the
    boundaries are those for an NMI.  `keys`: what a test has swept already on other paths.
    """
    return path_of(scene, name, walk(scene, until, expected, ends), nmis, keys)


def walk(scene: Scene, until: Iterable[int], expected: str, ends: str = "address") -> list:
    """The steps of a path; fails as trace() does."""
    steps, stop = scene.m.walk(scene.cpu, until, PATH_LIMIT)
    if stop.reason in ("budget", "steps"):
        raise Fail("hang", expected=f"{expected} within {PATH_LIMIT} instructions",
                   seen=f"more than {PATH_LIMIT} instructions, and still at "
                        f"{elf_of(scene, stop.pc).where(stop.pc)}",
                   went_wrong=scene.m.place(stop.pc),
                   cause="a path this long cannot be swept: is there a delay or a loop in it?")
    if stop.reason != ends:
        raise scene.failed(stop, expected)
    return steps


def path_of(scene: Scene, name: str, steps, nmis: bool = False, keys: set | None = None) -> Path:
    """The boundaries of a walk: equal ones once, and none where hardware takes no interrupt."""
    seen: Counter[int] = Counter()
    boundaries: list[Boundary] = []
    keys = set() if keys is None else keys
    for index, step in enumerate(steps):
        key = (step.pc, step.cpl, step.flags & IF, step.gs_base == scene.block,
               scene.stack_of(step.sp))
        if key not in keys:
            boundaries.append(Boundary(index, step.pc, seen[step.pc], step.cpl))
        keys.add(key)
        seen[step.pc] += 1
    kept = [b for b in boundaries
            if b.index == 0 or not _shadow(_text(scene, steps[b.index - 1].pc), nmis)]
    return Path(name, kept, len(steps))


def _shadow(before: str, nmis: bool) -> bool:
    """Whether nothing can come behind this instruction.

    MOV SS and POP SS: hardware takes no interrupt and no NMI there, and QEMU does.  STI: a device's
    interrupt waits for one instruction, in both emulators as on hardware, and an idle loop stands
    on that, so the boundary stays; whether an NMI waits is the implementation's choice (SDM 2B,
    STI), QEMU and Bochs differ, and no kernel can count on it.
    """
    if before.startswith(("mov", "pop")) and before.endswith("%ss"):
        return True
    return nmis and before.startswith("sti")


def labs_own(scene: Scene, path: Path) -> Path:
    """Leaves out the given code, for a path whose given code another test sweeps."""
    return replace(path, boundaries=[b for b in path.boundaries if not given(scene, b.pc)])


def at_accesses(scene: Scene, path: Path) -> Path:
    """Leaves out where no memory is touched, for what another CPU does meanwhile.  The end stays."""
    return replace(path, boundaries=[b for b in path.boundaries if b is path.boundaries[-1]
                                     or touches(scene.m.elf, b.pc)])


# ---- the cases ----

def _go(scene: Scene, boundary: Boundary) -> None:
    """From the start of the path to the boundary."""
    if boundary.index == 0:
        return
    # run() does not stop where it starts, so a path that comes back there has one stop less.
    left = boundary.times + (scene.m.pc(scene.cpu) != boundary.pc)
    for _ in range(left):
        stop = scene.m.run(scene.cpu, boundary.pc, BUDGET, exact=False)
        if stop.reason != "address":
            raise scene.failed(stop, "the same path as before")


def go_to(scene: Scene, start, boundary: Boundary) -> None:
    """From the snapshot to the boundary."""
    scene.m.restore(start)
    _go(scene, boundary)


class _Cases:
    """Runs the cases of one sweep."""

    def __init__(self, scene: Scene, start, event: Event, finish: Callable[[], None],
                 again: Callable[[], None] | None):
        self.scene, self.start, self.event, self.finish = scene, start, event, finish
        self.again = again
        self.token, self.turn = scene.token, scene.turn      # the snapshot's
        self.chain: list[Boundary] = []      # cases since the snapshot was restored

    def run(self, boundary: Boundary) -> Outcome | None:
        """One case: in a chain with the last ones if it can, else from the snapshot.  Gives the
        failure, of this boundary or of the one before it that is to blame."""
        if self.again is None or not 0 < len(self.chain) < CHAIN:
            fail = self._first(boundary)
            return fail and Outcome(boundary, fail)
        self.chain.append(boundary)
        fail = self._then(boundary)
        return fail and self._explain(boundary, fail)

    def _first(self, boundary: Boundary) -> Fail | None:
        """One case from the snapshot."""
        self.chain = [boundary]
        self.scene.token, self.scene.turn = self.token, self.turn
        go_to(self.scene, self.start, boundary)
        try:
            self._after(boundary)
            return None
        except Fail as fail:
            self.chain = []
            return fail

    def _rest(self, boundary: Boundary) -> None:
        _go(self.scene, boundary)
        self._after(boundary)

    def _after(self, boundary: Boundary) -> None:
        self.event.make()
        self.finish()

    def _explain(self, boundary: Boundary, fail: Fail) -> Outcome:
        """A case of a chain failed: by itself, from what one before it left, or from all of them."""
        chain, self.chain = self.chain, []
        if self.scene.m.dead:
            return Outcome(boundary, fail)
        if (alone := self._first(boundary)) is not None:
            return Outcome(boundary, alone)
        for earlier in reversed(chain[:-1]):
            found = self._first(earlier) or self._then(boundary)
            self.chain = []
            if found is not None:
                return Outcome(earlier, found)
        self._first(chain[0])
        self.chain = []
        for number, each in enumerate(chain[1:], start=2):
            if (found := self._then(each)) is not None:
                found.failure.extra.append(f"It takes {number} cases one after another: "
                                           "each leaves something behind, and it adds up.")
                return Outcome(each, found)
        raise GraderError(f"a case of the sweep failed, and not when it was tried again: {fail}")

    def _then(self, boundary: Boundary) -> Fail | None:
        """One more case after those before it."""
        try:
            self.again()
            self._rest(boundary)
            return None
        except Fail as fail:
            return fail


def sweep(scene: Scene, start, path: Path, event: Event, finish: Callable[[], None],
          again: Callable[[], None] | None = None) -> None:
    """Every boundary of the path: go there, make the event, finish.

    `finish` runs on and raises Fail if anything is wrong.  `again` takes the machine from the end
    of a case that passed to the start of the path, which is cheaper than the snapshot; what a case
    damaged without being seen shows in the next one and is traced back.  In a replay, stops at the
    one boundary that the case names.
    """
    if scene.cell.replay is not None:
        _replay(scene, start, path, event)
        return
    failed: list[Outcome] = []
    began = time.monotonic()
    cases = _Cases(scene, start, event, finish, again)
    for done, boundary in enumerate(path.boundaries):
        outcome = cases.run(boundary)
        if outcome is not None:
            failed.append(outcome)
            if scene.cell.quick or scene.m.dead:
                break
        scene.cell.progress(done + 1, len(path.boundaries))
    scene.cell.count("boundaries", path.length)
    what = event.noun or ("cases" if event.masked else "NMIs")
    scene.cell.count(what, len(path.boundaries))
    scene.cell.rate(what, len(path.boundaries), time.monotonic() - began)
    if failed:
        raise report(scene, start, path, failed, event, done + 1)
    if path.boundaries:
        scene.cell.case(path.boundaries[0].case(scene, path.name),
                        f"{path.name}, the first of {len(path.boundaries)} places")


# ---- the report ----

def taken_at(scene: Scene, start, boundary: Boundary, event: Event) -> int:
    """Where the CPU took the event: with interrupts off one that is masked waits."""
    if not event.masked:
        return boundary.pc
    go_to(scene, start, boundary)
    event.make()
    stub = scene.m.ptr(scene.m.elf.address("vector_stubs") + event.vector * scene.layout.word)
    stop = scene.m.run(scene.cpu, stub, BUDGET)
    if stop.reason != "address":
        return boundary.pc
    return scene.m.ptr(scene.m.regs(scene.cpu).sp)


def report(scene: Scene, start, path: Path, failed: list[Outcome], event: Event,
           tried: int) -> Fail:
    """One failure for all places of one path, with the first in full."""
    first = failed[0].fail.failure
    taken = taken_at(scene, start, failed[0].boundary, event)
    drawing = None
    if event.draw is not None and not scene.m.dead:
        go_to(scene, start, failed[0].boundary)
        (event.pend or event.make)()
        drawing = event.draw()
    cases = []
    for outcome in failed:
        pc = outcome.boundary.pc
        cases.append(outcome.boundary.case(scene, path.name) |
                     {"text": elf_of(scene, pc).where(pc)})
    return Fail(first.reason, expected=first.expected, seen=first.seen,
                at=place(scene, taken, f"{event.words} came before"), went_wrong=first.went_wrong,
                stack=drawing or first.stack, extra=first.extra, cause=first.cause, case=cases,
                count=f"{len(failed)} of {tried} places on the path {path.name}")


def _replay(scene: Scene, start, path: Path, event: Event) -> None:
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
    (event.pend or event.make)()
    name = elf_of(scene, matching[0].pc).where(matching[0].pc)
    raise ReplayStop(f"the {event.words} is pending before {name}")
