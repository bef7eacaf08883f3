"""Exercise 2.3: what GS is not the reason for is a fault of the kernel, and ends it."""

from grader.explore import gs
from grader.explore.scene import Scene
from grader.verdict import HANG, WRONG, Fail

PANIC_BUDGET = 2_000_000         # a panic prints its callers; without optimisation that is long


def test_faults_stay(cell):
    """Three wrong pointers with the kernel's GS there, and in 32 bits with ring 3's: a panic."""
    scene = Scene(cell, 1)
    m, rng = scene.m, scene.random
    gs.check_self(scene)
    start = m.snapshot()
    low = rng.randrange(0, gs.NO_GS, 4)
    nowhere = rng.randrange(0x6000_0000, 0x6FFF_0000, 4)
    through = low - scene.block & (1 << m.width) - 1
    for fn, argument, words in (
            ("probe_read32", low, f"a read at {low:#x}"),
            ("probe_read32", nowhere, f"a read at {nowhere:#x}, of ring 3, not mapped"),
            ("probe_gs_read32", through, f"a read at %gs:{through:#x}, far beyond the block")):
        ends(scene, f"{words}, with the kernel's GS", fn, argument)
        m.restore(start)
    for each in gs.hostile(scene) if cell.width == 32 else ():
        ends(scene, f"a read at {low:#x}, with {each} in GS", "probe_with_gs", each.value,
             m.elf.address("probe_read32"), low)
        m.restore(start)


def ends(scene, words, fn, *arguments):
    """The call must end in a panic, soon."""
    m = scene.m
    m.start(scene.cpu, fn, *arguments)
    stop = m.run(scene.cpu, "probe_returned", PANIC_BUDGET)
    if stop.reason == "address":
        gs.check_no_page_0(scene)
        raise Fail(WRONG, expected=f"a panic: {words}", seen="it came back with a value")
    if stop.reason == "budget":
        raise Fail(HANG, expected=f"a panic: {words}",
                   seen=f"no end after {PANIC_BUDGET} instructions", went_wrong=stop.place,
                   cause="if a repair changes nothing, the instruction faults again, and again.")
    if stop.reason != "panic":
        raise scene.failed(stop, f"a panic: {words}")
    gs.check_no_page_0(scene)
