"""Exercises 5.4 and 5.5: code that is executed while it is written, in every schedule."""

from grader.explore.corral import check_accepted, check_back, corral_region
from grader.explore.explore import explore
from grader.explore.ipis import NEW_CODE, Turns
from grader.explore.region import Memory
from grader.verdict import WRONG, Fail

PATCHED, POKED = 0, 3       # where probe_seen has the results of each
SITE = {"patch": ("probe_patch_site", range(0, 8, 2), PATCHED, ("the old code", "the new code")),
        "poke": ("probe_poke_site", range(1), POKED, ("the NOP", "the jump"))}


def region_of(cell, scene, kind, doing, events=(), name=""):
    """CPU 0 writes, others execute: what each of them sees is old or new, whole."""
    m = scene.m
    site, boundaries, first, names = SITE[kind]
    new = NEW_CODE if kind == "patch" else scene.jump()
    scene.code(new)
    start = m.elf.address(site)
    code = Memory("the code", m.call(0, "text_alias", start), len(new), executed=True)

    def nothing(run, cpu):
        pass

    def check(run):
        scene.check_seen(first, names, *run.region.cpus)
        seen = m.read(code.address, code.size)
        if seen != new:
            raise Fail(WRONG, expected=f"the code is {new.hex(' ')}", seen=seen.hex(" "))
        if all(done.before not in run.region.sends for done in run.log):
            raise Fail(WRONG, expected="the other CPU is told, so that it serialises",
                       seen="no IPI was sent")
        check_accepted(scene, [0])
        for cpu in doing:
            check_back(scene, cpu)      # what it called gives no result

    return corral_region(
        scene, name, doing, events=events, check=check, memory=[code],
        marks={start + boundary: nothing for boundary in boundaries},
        words={start + boundary: "executes the code" for boundary in boundaries},
        start="two CPUs with interrupts on; CPU 0 is about to write what CPU 1 is about to execute")


def test_patch(cell):
    """CPU 1 executes the code twice; the IPI comes before each of the instructions."""
    scene = Turns(cell)
    explore(region_of(cell, scene, "patch", {0: ("probe_patch", 0), 1: ("probe_patched_round", 2)},
                      name="text_patch() of code that CPU 1 executes"), most=100, pct=4, walks=4)


def test_patch_in_interrupt(cell):
    """A device interrupts CPU 1, and its handler executes the code too."""
    scene = Turns(cell)
    vector = scene.vector(0x50, 0x80)
    scene.m.write_u32("probe_run_patched", 1)
    events = [("a device interrupts CPU 1", 1, lambda: scene.m.interrupt(1, vector))]
    explore(region_of(cell, scene, "patch", {0: ("probe_patch", 0), 1: ("probe_patched_round", 1)},
                      events, name="text_patch() of code that an interrupt executes"),
            most=120, pct=4, walks=16)


def test_poke(cell):
    """CPU 1 executes the instruction twice, before, between and after the three steps."""
    scene = Turns(cell)
    explore(region_of(cell, scene, "poke", {0: ("probe_poke", 0), 1: ("probe_poked_round", 2)},
                      name="text_poke() of an instruction that CPU 1 executes"),
            most=100, pct=4, walks=4)
