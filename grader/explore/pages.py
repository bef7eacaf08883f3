"""Who takes pages from the kernel's allocator and who gives them back, seen from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from grader.explore.scene import Scene
from grader.verdict import WRONG, Fail

BUDGET = 400_000        # instructions from one page to the next, or to the end of the call
PATIENCE = 60_000       # of a CPU that may wait


@dataclass
class Pages:
    """What one call, or several, did with pages; by their physical addresses, in order."""

    taken: list[int] = field(default_factory=list)
    freed: list[int] = field(default_factory=list)
    refused: int = 0            # times that page_alloc() had none
    result: int = 0             # of the last call


def watched(scene: Scene, cpu: int, function: str, *args: int, pages: Pages | None = None,
            short: Callable[[int], bool] | None = None) -> Pages:
    """A call on a parked CPU, to its end.  `short` as in go_on()."""
    pages = pages or Pages()
    scene.m.start(cpu, function, *args)
    go_on(scene, cpu, f"{function}() returns", pages, short=short)
    pages.result = scene.m.result(cpu)
    return pages


def go_on(scene: Scene, cpu: int, expected: str, pages: Pages, until: str = "probe_returned",
          short: Callable[[int], bool] | None = None, may_wait: bool = False) -> bool:
    """Runs a CPU to a function and notes its pages on the way.  page_alloc() number n, from 0, gives
    0 if short(n).  False: it waits for something, and that is allowed."""
    m = scene.m
    alloc, free, end = map(m.elf.address, ("page_alloc", "page_free", until))
    number = 0
    while True:
        stop = m.run(cpu, (alloc, free, end), PATIENCE if may_wait else BUDGET, exact=False)
        if may_wait and stop.reason == "budget":
            return False
        if stop.reason != "address":
            raise scene.failed(stop, expected)
        if stop.pc == end:
            return True
        if stop.pc == free:
            pages.freed.append(scene.argument(0, cpu))
        else:
            _alloc(scene, cpu, pages, short is not None and short(number))
            number += 1


def _alloc(scene: Scene, cpu: int, pages: Pages, short: bool) -> None:
    """Lets page_alloc() return, with a page or with none."""
    m = scene.m
    ip, sp, result = ("rip", "rsp", "rax") if m.width == 64 else ("eip", "esp", "eax")
    now = m.regs(cpu)
    back = m.ptr(now.sp, cpu)
    if short:
        pages.refused += 1
        m.set_regs(cpu, **{ip: back, sp: now.sp + scene.layout.word, result: 0})
        return
    stop = m.run(cpu, back, BUDGET, exact=False)
    if stop.reason != "address":
        raise scene.failed(stop, "page_alloc() returns")
    pages.taken.append(getattr(m.regs(cpu), result))


def check_none_lost(pages: Pages, when: str, by: str = "ring_map()") -> None:
    """Fails unless each page that was taken was given back once."""
    taken, freed = Counter(pages.taken), Counter(pages.freed)
    twice = [page for page, times in freed.items() if times > max(1, taken[page])]
    if twice:
        raise Fail(WRONG, expected=f"each page given back once, {when}",
                   seen=f"page {twice[0]:#x}: {freed[twice[0]]} times",
                   cause="a page that is in the list of free pages twice is given to two owners.")
    lost = [page for page in taken if not freed[page]]
    if lost:
        raise Fail(WRONG, expected=f"each page that {by} took is free again, {when}",
                   seen=f"{len(lost)} of {len(taken)} are not",
                   cause="a program that tries again and again would use up all of memory.")
