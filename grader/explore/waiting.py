"""What a CPU executes while it waits for a lock that another one has."""

from __future__ import annotations

from collections import Counter

from grader.explore.access import LOCKED, site_at
from grader.explore.region import lab_of
from grader.explore.registers import IF
from grader.explore.scene import Scene
from grader.machine.types import Regs
from grader.verdict import WRONG, Fail

HOLDER, WAITER = 0, 1
SETTLED = 400           # instructions after which a CPU has found out that it must wait
LOOKED_AT = 160         # instructions of its loop
LINE = 64
LAB = 4                 # whose instructions are looked at
SPIN = "probe_spin_round"       # the only lock with a level of its own
BUDGET = 20_000
FLAGS = 2 << 8 | 1      # DISPATCH_LEVEL, interrupts on


def wait_for(scene: Scene, function: str, *args: int, flags: int = FLAGS) -> list:
    """CPU 0 has the lock; gives what CPU 1 executes in its loop: see waits()."""
    m = scene.m
    m.start(HOLDER, function, *args, flags=flags)
    stop = m.run(HOLDER, "probe_inside", BUDGET)
    if stop.reason != "address":
        raise scene.failed(stop, f"{function}() takes a lock that is free")
    return waits(scene, WAITER, function, *args, flags=flags)


def waits(scene: Scene, cpu: int, function: str, *args: int, flags: int = FLAGS) -> list:
    """A CPU wants the lock too; gives what it executes in its loop: (site or None, text, registers)."""
    m = scene.m
    m.start(cpu, function, *args, flags=flags)
    stop = m.run(cpu, "probe_inside", SETTLED)
    if stop.reason == "address":
        raise Fail(WRONG, expected=f"CPU {cpu} waits: CPU 0 has the lock", seen="both have it")
    if stop.reason != "budget":
        raise scene.failed(stop, f"CPU {cpu} waits for the lock")
    seen = []
    for _ in range(LOOKED_AT):
        now = m.regs(cpu)
        if function != SPIN and lab_of(m.elf, now.pc) == LAB:
            _check_alone(scene, now, flags, "a CPU that waits")
        seen.append((site_at(m.elf, now.pc), m.elf.instruction(now.pc).text, now))
        m.step(cpu)
    return seen


def _check_alone(scene: Scene, now: Regs, flags: int, who: str) -> None:
    """Fails unless the level and IF are those with which a CPU was started."""
    if (bool(now.flags & IF), now.cr8) != (bool(flags & 1), flags >> 8):
        raise Fail(WRONG, expected=f"{who} leaves the level and IF alone: {flags >> 8} and {flags & 1}",
                   seen=f"level {now.cr8}, IF {int(bool(now.flags & IF))}",
                   went_wrong=scene.m.place(now.pc))


def keeps_its_level(scene: Scene, function: str, *args: int) -> None:
    """Fails if a CPU that had to wait has another level, or another IF, when it has the lock."""
    parked = scene.m.snapshot()
    for flags in (FLAGS, FLAGS & ~1):
        scene.m.restore(parked)
        wait_for(scene, function, *args, flags=flags)
        _check_end(scene)
        _check_alone(scene, scene.m.regs(WAITER), flags, "a CPU that has waited and has the lock")
    scene.m.restore(parked)


def check_waiting(scene: Scene, function: str, *args: int) -> None:
    """Fails if the loop writes to the lock, or has a turn without PAUSE."""
    seen = wait_for(scene, function, *args)
    for site, text, now in seen:
        if site and site.kind == LOCKED and lab_of(scene.m.elf, now.pc) == LAB:
            raise Fail(WRONG, expected="a CPU that waits reads the lock until it seems free",
                       seen=f"it executes {text} again and again", went_wrong=scene.m.place(now.pc),
                       cause="each such write takes the cache line away from the holder.")
    check_pauses(scene, seen)


def check_pauses(scene: Scene, seen: list) -> None:
    """Fails if the loop has a turn without PAUSE, or never ends."""
    _check_end(scene)
    pcs = [now.pc for _, _, now in seen]
    pauses = {now.pc for _, text, now in seen if text == "pause"}
    first, turns = _turns(pcs)
    if not turns:
        raise Fail(WRONG, expected="a loop that waits", seen=f"{LOOKED_AT} instructions without one",
                   went_wrong=scene.m.place(pcs[-1]))
    for start, end in zip(turns, turns[1:]):
        if not pauses & set(pcs[start:end]):
            raise Fail(WRONG, expected="PAUSE in each turn of a loop that waits",
                       seen=f"{end - start} instructions, none of them PAUSE",
                       went_wrong=scene.m.place(first),
                       cause="PAUSE tells the CPU, a second one in the same core and a hypervisor that "
                       "this CPU waits (SDM 2B, PAUSE).")


def _check_end(scene: Scene) -> None:
    """The holder gives the lock back, and the wait is over."""
    for cpu, where, expected in ((HOLDER, "probe_returned", "gives the lock back"),
                                 (WAITER, "probe_inside", "gets the lock, which is free again")):
        stop = scene.m.run(cpu, where, BUDGET)
        if stop.reason != "address":
            raise scene.failed(stop, f"CPU {cpu} {expected}")


def _turns(pcs: list[int]) -> tuple[int, list[int]]:
    """A place of the loop that each turn passes once, and where it is passed."""
    often = Counter(pcs)
    again = [pc for pc in often if often[pc] > 1]
    if not again:
        return 0, []
    first = min(again, key=lambda pc: (often[pc], pc))
    return first, [n for n, pc in enumerate(pcs) if pc == first]


def check_local(scene: Scene, function: str, lock: str) -> None:
    """Three CPUs wait.  Fails if one reads the lock's own line in its loop, or two read the same."""
    m = scene.m
    seen = {WAITER: wait_for(scene, function, 0)}
    seen |= {cpu: waits(scene, cpu, function, 0) for cpu in (2, 3)}
    lines = {m.elf.address(lock) // LINE: "the lock"}
    for cpu, loop in seen.items():
        _, turns = _turns([now.pc for _, _, now in loop])
        mine = {}
        for site, text, now in loop[turns[0]:] if turns else loop:
            if site and site.size and site.segment != "gs" and lab_of(m.elf, now.pc) == LAB:
                mine[site.where(now.values, m.width) // LINE] = text, now.pc
        for line, (text, pc) in mine.items():
            if line in lines:
                raise Fail(WRONG, expected="a CPU that waits reads a line of its own",
                           seen=f"{text} of CPU {cpu} reads {line * LINE:#x}, the line of {lines[line]}",
                           went_wrong=m.place(pc),
                           cause="if all wait on one line, each release is a message to all of them.")
        lines |= dict.fromkeys(mine, f"CPU {cpu}")
    check_pauses(scene, seen[WAITER])
