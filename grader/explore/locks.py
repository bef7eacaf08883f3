"""Regions around a lock: who is inside, who waited, and who may come next."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from grader.explore.region import Memory, Program, Region, Run, place_of
from grader.explore.scene import Scene, flags_for
from grader.explore.waiting import SETTLED
from grader.machine.types import ADDRESS
from grader.verdict import WRONG, Fail

LOCK_SIZE = 64
KINDS = {               # what the host calls, and what it shares
    "tas": ("probe_tas_round", "probe_tas"),
    "ticket": ("probe_ticket_round", "probe_ticket"),
    "queued": ("probe_queued_round", "probe_queued"),
    "spin": ("probe_spin_round", "probe_spin"),
}
TWO_INSIDE = "at most one CPU between taking the lock and giving it back"


def inside(run: Run) -> list[int]:
    """The CPUs that have the lock."""
    return run.notes.setdefault("inside", [])


def enters(run: Run, cpu: int) -> None:
    """A CPU has come to probe_inside()."""
    if cpu in inside(run):
        return              # a second lock, taken inside the first
    inside(run).append(cpu)
    if len(inside(run)) > 1:
        both = " and ".join(f"CPU {each}" for each in sorted(inside(run)))
        raise Fail(WRONG, expected=TWO_INSIDE, seen=f"{both} are both there")
    run.notes.setdefault("order", []).append(cpu)


def holders(run: Run, outside: int) -> list[int]:
    """For a report: those inside, and those about to give the lock back."""
    return [cpu for cpu in run.region.cpus if cpu in inside(run) or run.at[cpu] == outside]


def leaves(run: Run, cpu: int) -> None:
    """It is about to give the lock back."""
    if cpu in inside(run):
        inside(run).remove(cpu)


def in_order(run: Run, cpu: int) -> None:
    """enters(), for a lock that is given in the order in which CPUs ask.

    Only what nobody can doubt is held against it: one that was seen waiting before another had even
    begun must come first.
    """
    enters(run, cpu)
    first = _first_move(run, cpu)
    for other, since in run.notes.get("asked", {}).items():
        if other != cpu and other not in run.notes["order"] and first > since:
            raise Fail(WRONG, expected=f"CPU {other} first: it waited before CPU {cpu} began",
                       seen=f"CPU {cpu} has the lock",
                       cause="who asks first must get the lock first.")


def asked(run: Run, cpu: int) -> None:
    """A CPU was seen waiting."""
    run.notes.setdefault("asked", {}).setdefault(cpu, len(run.log))


def _first_move(run: Run, cpu: int) -> int:
    if cpu in run.notes.get("opened", ()):
        return -1
    return next((n for n, done in enumerate(run.log) if done.move.cpu == cpu), len(run.log))


def counted(run: Run, often: int = 1) -> None:
    """At the end: every CPU was inside so often, and its steps of the shared counter are there."""
    m, cpus = run.m, run.region.cpus
    rounds = len(cpus) * often
    came = run.notes.get("order", [])
    if sorted(came) != sorted(list(cpus) * often):
        raise Fail(WRONG, expected=f"each of {len(cpus)} CPUs between taking the lock and giving it "
                   f"back, {'once' if often == 1 else f'{often} times'}",
                   seen=", ".join(f"CPU {cpu}" for cpu in came) or "none of them")
    seen = m.u32("probe_shared")
    if seen != rounds:
        raise Fail(WRONG, expected=f"{rounds} steps of a counter that only the holder changes",
                   seen=f"{seen}", cause="two holders changed it at the same time, or one of them "
                   "did not see what the other had written.")


class Opened(Region):
    """A region that begins in the middle: CPU 0 is about to give the lock back, and of the others some
    wait for it.  Not for locks with levels: the host cannot set one."""

    def __init__(self, *args, waiting: Iterable[int], **kwargs):
        self.stops = {0: "probe_outside"} | {cpu: "probe_inside" for cpu in waiting}
        super().__init__(*args, begun=self.opening, **kwargs)

    def _start(self) -> None:
        super()._start()
        for cpu, until in self.stops.items():
            top = self.m.regs(cpu).sp
            stop = self.m.run(cpu, place_of(self.m.elf, until), SETTLED)
            if cpu == 0 and stop.reason != ADDRESS:
                raise self.scene.failed(stop, "CPU 0 takes a lock that is free")
            if cpu and stop.reason == ADDRESS:
                raise Fail(WRONG, expected=TWO_INSIDE, seen=f"CPU 0 and CPU {cpu} are both there")
            now = self.m.regs(cpu)
            self.registers[cpu] = {name: now.values[name] for name in self.general}
            self.frames[cpu] = now.sp, top - now.sp
        self.called = self.start = self.m.snapshot()

    def opening(self, run: Run) -> None:
        """What was seen until then."""
        run.notes["order"] = [0]
        run.notes["opened"] = list(self.stops)
        run.notes["asked"] = {cpu: -1 for cpu in self.stops if cpu}


def lock_region(scene: Scene, kind: str, cpus: Iterable[int], *, which: int = 0, fair: bool = False,
                levels: dict[int, int] | None = None, events=(), check=counted, after=None,
                function: str = "", name: str = "", memory: Iterable[Memory] = (),
                rounds: int = 1, waiting: list[int] | None = None) -> Region:
    """Each of the CPUs takes one lock and gives it back, at its level (DISPATCH unless told).

    `after` is called as after(run, cpu) when a CPU has given it back.  With `rounds` each does so more
    than once, in any order.  With `waiting` it begins where CPU 0 has the lock and these, if any, wait
    for it: see Opened.
    """
    m = scene.m
    call, symbol = KINDS[kind]
    call = function or call
    cpus = list(cpus)
    shared = [Memory("lock", m.elf.address(symbol) + which * LOCK_SIZE, LOCK_SIZE),
              Memory("counter", m.elf.address("probe_shared"), 4), *_nodes(m, kind, cpus)]
    levels = levels or {}
    args = (which,) if kind in ("queued", "spin") and not function else ()
    began = call
    if rounds > 1:
        began, args = "probe_rounds", (m.elf.address(call), rounds)
    programs = [Program(cpu, began, args, flags_for(levels.get(cpu, 2), True))
                for cpu in cpus]
    outside = place_of(m.elf, "probe_outside")
    number = {2: "two", 3: "three", 4: "four"}.get(len(cpus), str(len(cpus)))
    opened = waiting is not None
    make = partial(Opened, waiting=waiting) if opened else Region
    start = f"the lock is free, {number} CPUs are about to take it"
    if opened:
        others = "".join(f"CPU {cpu} waits, " for cpu in waiting)
        start = f"CPU 0 has the lock, {others}the others are about to take it"
        name = name or f"{number} CPUs, one of them about to give the lock back"
    if rounds > 1:
        name, check = name or f"{number} CPUs, one lock, {rounds} times", partial(check, often=rounds)
    return make(
        scene, name or f"{number} CPUs, one lock", programs, [*shared, *memory],
        functions=[call],
        marks={"probe_inside": in_order if fair else enters, "probe_outside": leaves}
        | ({"probe_after": after} if after else {}),
        noting=("probe_inside", "probe_outside"),
        words={"probe_inside": "has the lock", "probe_outside": "gives it back",
               "probe_after": "has given it back"},
        events=events, check=check, waited=asked if fair else None,
        columns={"in": lambda run: " ".join(map(str, holders(run, outside))) or "-"},
        start=start)


def _nodes(m, kind: str, cpus: list[int]) -> list[Memory]:
    symbol = {"queued": "probe_node", "spin": "probe_handle"}.get(kind)
    if symbol is None:
        return []
    word = {"probe_node": "node", "probe_handle": "handle"}[symbol]
    return [Memory(f"{word} {cpu}" + ("b" if n else ""),
                   m.elf.address(symbol) + (2 * cpu + n) * LOCK_SIZE, LOCK_SIZE)
            for cpu in cpus for n in (0, 1)]
