"""Exercise 5.2: one CPU first, then all."""

from grader.explore.ipis import NEW_CODE, ON, Turns
from grader.verdict import WRONG, Fail


def called(cell, caller=0, code=b""):
    """A scene in which one CPU has just been asked to call."""
    scene = Turns(cell)
    scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
    scene.forget()
    scene.code(code)
    words = scene.fresh_words()
    scene.m.start(caller, "probe_two_phase", flags=ON)
    return scene, words


def somebody_in(scene, function):
    """Gives turns until a CPU is in the function; which one it is."""
    for _ in range(60):
        for cpu in scene.cpus:
            if scene.give(cpu, [function, "probe_all"]):
                if scene.m.pc(cpu) != scene.m.elf.address(function):
                    raise Fail(WRONG, expected="the first phase before the second",
                               seen=f"CPU {cpu} is in the second, and nobody was in the first")
                return cpu
    raise Fail(WRONG, expected="one CPU runs the first phase", seen="none does")


def test_once(cell):
    """Each CPU in turn is the one that calls: the first phase runs once, the second on each."""
    for caller in range(cell.machine.cpus):
        scene, words = called(cell, caller)
        scene.returned(caller)
        scene.accepted(caller)
        scene.check_got(words, *scene.cpus)
        one = scene.line("probe_one_got")
        if one[:4] != words or not 1 <= one[4] <= scene.m.cpus:
            raise Fail(WRONG, expected="the first phase runs on one CPU, with the argument",
                       seen="it did not")
        if one[5] != 1:
            raise Fail(WRONG, expected="the first phase runs once", seen=f"it ran {one[5]} times")
        cell.park()


def test_held(cell):
    """While one CPU is in the first phase, no other runs anything."""
    scene, words = called(cell)
    first = somebody_in(scene, "probe_one")
    for cpu in scene.cpus:
        symbol = scene.m.elf.symbol_at(scene.m.pc(cpu))
        if symbol and symbol.name == "probe_rest":
            raise Fail(WRONG, expected=f"CPU {cpu} is held before CPU {first} begins the first "
                       "phase", seen="it has not come yet")
    for _ in range(4):
        for cpu in scene.cpus:
            places = ["probe_one", "probe_all", "probe_rest", "probe_returned"]
            if cpu != first and scene.give(cpu, places):
                raise Fail(WRONG, expected=f"CPU {cpu} is held while CPU {first} is in the first "
                           "phase", seen=f"it is in {scene.m.elf.where(scene.m.pc(cpu))}")
    scene.returned(0)
    scene.check_got(words, *scene.cpus)


def test_overlap(cell):
    """All CPUs are in the second phase at the same time."""
    scene, words = called(cell)
    scene.together({cpu: "probe_all" for cpu in scene.cpus},
                   "every CPU is in the second phase while the others are there too")
    scene.returned(0)
    scene.check_got(words, *scene.cpus)


def test_new_code(cell):
    """The first phase writes code, the second executes it."""
    for caller in range(cell.machine.cpus):
        scene, _ = called(cell, caller, NEW_CODE)
        scene.returned(caller)
        old, new = scene.check_seen(0, ("the old code", "the new code"), *scene.cpus)
        if (old, new) != (0, scene.m.cpus) or scene.ran != set(scene.cpus):
            raise Fail(WRONG, expected="every CPU executes the new code in the second phase",
                       seen=f"{old} the old code, {new} the new code")
        cell.park()
