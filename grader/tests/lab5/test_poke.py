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


def other_code(scene):
    """The jump for probe_other_site."""
    site, target = map(scene.m.elf.address, ("probe_other_site", "probe_other_target"))
    return b"\xe9" + (target - site - 5).to_bytes(4, "little", signed=True)


def two_write(scene):
    """CPUs 0 and 1 are to write an instruction each; CPU 2 executes the one, CPU 3 the other."""
    scene.forget()
    scene.m.start(2, "probe_poked_round", 1 << 30, flags=ON)
    scene.m.start(3, "probe_other_round", 1 << 30, flags=ON)
    scene.code(scene.jump())
    scene.m.write("probe_other_bytes", other_code(scene))
    scene.then_rest(0, "probe_poke")
    scene.then_rest(1, "probe_poke_other")


def both_written(scene, turn, rounds):
    results = scene.rested(0, 1, turn=turn, rounds=rounds)
    if [result & 0xFF for result in results] != [1, 1]:
        raise Fail(WRONG, expected="both calls are done", seen=f"{results}")
    check_written(scene, scene.jump())
    seen = scene.m.read("probe_other_site", 5)
    if seen != other_code(scene):
        raise Fail(WRONG, expected="the other CPU's instruction is written too", seen=seen.hex(" "))
    for cpu in (2, 3):
        scene.settle(cpu)
        if not sum(scene.check_seen(POKED, NAMES, cpu)):
            raise Fail(WRONG, expected=f"CPU {cpu} goes on", seen="it does not")


def test_two(cell):
    """Two CPUs write two instructions, one of them while the other's INT3 is there; two execute."""
    cell.use(4)
    for first, second, site in ((0, 1, "probe_poke_site"), (1, 0, "probe_other_site")):
        scene = Turns(cell)
        two_write(scene)
        for _ in range(400):
            if scene.m.u8(site) == 0xCC:
                break
            scene.give(first, turn=8)
        for cpu in (second, 2, 3, second, 2, 3):
            scene.give(cpu, turn=400)
        both_written(scene, lambda: 400, 400)
        cell.park()
    for _ in range(4):
        scene = Turns(cell)
        two_write(scene)
        both_written(scene, lambda: cell.random.randrange(10, 500), 2000)
        cell.park()
