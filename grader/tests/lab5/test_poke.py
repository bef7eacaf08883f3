"""Exercise 5.5: an instruction is written over without holding anybody."""

from grader.explore.ipis import NOP, ON, Turns
from grader.verdict import WRONG, Fail

NAMES = ("the NOP", "the jump")
POKED = 3               # where probe_seen has its results


def check_written(scene, code):
    seen = scene.m.read("probe_poke_site", len(code))
    if seen != code:
        raise Fail(WRONG, expected=f"the instruction is {code.hex(' ')}", seen=seen.hex(" "))


def test_poke(cell):
    """There and back, by each CPU; then every CPU executes what is there."""
    for caller in range(cell.machine.cpus):
        scene = Turns(cell)
        scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
        for code in (scene.jump(), NOP, scene.jump()):
            scene.code(code)
            scene.m.start(caller, "probe_poke", flags=ON)
            scene.returned(caller)
            scene.accepted(caller)
            check_written(scene, code)
        cell.park()


def test_meanwhile(cell):
    """While it is written the others execute it: as the old or as the new instruction."""
    for turn in (30, 70, 150, 400):
        scene = Turns(cell)
        scene.forget()
        for cpu in scene.others:
            scene.m.start(cpu, "probe_poked_round", 1 << 30, flags=ON)
        for code in (scene.jump(), NOP):
            scene.code(code)
            scene.m.start(0, "probe_poke", flags=ON)
            scene.returned(0, turn=lambda: turn, rounds=3000)
            scene.accepted(0)
            check_written(scene, code)
        if not sum(scene.check_seen(POKED, NAMES, *scene.others)):
            raise Fail(WRONG, expected="the others go on", seen="they do not")
        cell.park()
