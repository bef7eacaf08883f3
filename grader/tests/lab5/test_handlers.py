"""Exercises 5.3, 5.4 and 5.5: the handler of an interrupt calls."""

from grader.explore.ipis import NEW_CODE, OLD_CODE, ON, Turns
from grader.explore.region import lab_of
from grader.verdict import WRONG, Fail

LAB = 5
WALKED = 400            # instructions of a call that are looked at
DEVICE = (0x50, 0xC0)   # vectors below IPI_LEVEL
NAMES = ("the old code", "the new code")
LEVEL = ("irql_raise", "irql_lower", "irql_get", "set")     # given, and called by the lab's code


def boundaries(scene, cpu, until=()):
    """How many instructions it is to each instruction of the lab that the CPU comes to, once each."""
    elf = scene.m.elf
    found = {}
    steps, _ = scene.m.walk(cpu, until, WALKED)
    for number, step in enumerate(steps):
        symbol = elf.symbol_at(step.pc)
        if symbol and (symbol.name in LEVEL or lab_of(elf, step.pc) == LAB):
            found.setdefault(step.pc, number)
    return list(found.items())


def interrupted(scene, place, *callers):
    """CPU 0 gets a device's interrupt, whose handler calls; then all calls are done."""
    scene.m.interrupt(0, scene.vector(*DEVICE))
    try:
        scene.rested(*callers)
    except Fail as fail:
        fail.failure.expected += f"; an interrupt came to CPU 0 at {scene.m.elf.where(place)}"
        raise
    then = scene.line("probe_then", 0)
    if (then[0] & 0xFF, then[1], then[2] & 0xFF, then[3]) != (1, 1, 1, 1):
        raise Fail(WRONG, expected="the call and the one of the interrupt's handler are done",
                   seen=f"results {then[0] & 0xFF} and {then[2] & 0xFF}", at=scene.m.place(place))


def test_calls(cell):
    """The interrupt comes at each instruction of a call of the same CPU, while no other one calls."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.forget()
    words = scene.argument()
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_call"))
    scene.then_rest(0, "probe_call")
    scene.run_until(0, "probe_call", "its function")
    for _ in range(2):          # up to where it waits, and on from there
        start = scene.m.snapshot()
        places = boundaries(scene, 0, "probe_rest")
        for place, steps in places:
            scene.m.restore(start)
            if steps:
                scene.m.step(0, steps)
            interrupted(scene, place, 0)
            scene.check_got(words, *scene.cpus)
        scene.m.restore(start)
        scene.give(0, "probe_rest")
        for cpu in scene.others:
            scene.give(cpu)


def test_waits(cell):
    """CPU 0 waits for its turn while CPU 1 calls; the interrupt comes at each instruction of that."""
    scene = Turns(cell)
    scene.rest(*scene.others[1:])
    scene.forget()
    words = scene.argument()
    scene.then_rest(1, "probe_call")
    scene.run_until(1, "ipi_send", "CPU 1 asks CPU 0")
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_call"))
    scene.then_rest(0, "probe_call")
    scene.run_until(0, "probe_call", "its function")
    start = scene.m.snapshot()
    for place, steps in boundaries(scene, 0):
        scene.m.restore(start)
        if steps:
            scene.m.step(0, steps)
        interrupted(scene, place, 0, 1)
        scene.check_got(words, *scene.cpus)


def patches_from_handler(cell, at, nested):
    """CPU 0 is interrupted before instruction `at` of the four; the handler itself patches them."""
    scene = Turns(cell)
    site = scene.m.elf.address("probe_patch_site")
    scene.rest(*scene.others)
    scene.forget()
    scene.then_rest(0, "probe_patched_round", 1)
    scene.run_until(0, site + 2 * at, "the code to write")
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_patch"))
    scene.code(NEW_CODE)
    scene.m.interrupt(0, scene.vector(0x50, 0x70))
    if nested:
        scene.run_until(0, "probe_from_interrupt", "a device's interrupt")
        scene.m.interrupt(0, scene.vector(0xA0, 0xC0))
    scene.rested(0)
    inside = 0 < at < 4
    result, times = scene.line("probe_then", 0)[2:4]
    if times != 1 + nested or bool(result & 0xFF) == inside:
        raise Fail(WRONG, expected=f"text_patch() is {'refused' if inside else 'done'} in the handler of "
                   f"an interrupt that came {'inside' if inside else 'outside'} the range",
                   seen="it is not",
                   cause="what this CPU interrupted goes on when the handler returns, not before.")
    written = scene.m.read("probe_patch_site", len(NEW_CODE))
    if written != (OLD_CODE if inside else NEW_CODE):
        raise Fail(WRONG, expected=f"the {'old' if inside else 'new'} code is there",
                   seen=written.hex(" "))
    if sum(scene.check_seen(0, NAMES, 0)) != 1:
        raise Fail(WRONG, expected="the CPU that was interrupted goes on", seen="it does not")
    cell.park()


def test_patches(cell):
    """At each of the instructions, with one handler and with two."""
    for at in range(5):
        for nested in (False, True):
            patches_from_handler(cell, at, nested)
