"""Exercises 5.3, 5.4 and 5.5: the handler of an interrupt calls."""

from itertools import cycle

from grader.explore.ipis import LAB, NEW_CODE, OLD_CODE, ON, WALKED, Turns
from grader.explore.region import lab_of
from grader.explore.registers import IF
from grader.verdict import WRONG, Fail

DEVICE = (0x50, 0xC0)   # vectors below IPI_LEVEL
NAMES = ("the old code", "the new code")
TURNS = 20              # of all CPUs, more than a handler's call needs
LEVEL = ("irql_raise", "irql_lower", "irql_get", "set")     # given, and called by the lab's code


def boundaries(scene, cpu, until=()):
    """Each instruction of the lab that the CPU comes to, in order."""
    elf = scene.m.elf
    steps, _ = scene.m.walk(cpu, until, WALKED)
    found = dict.fromkeys(step.pc for step in steps)
    return [pc for pc in found if (symbol := elf.symbol_at(pc))
            and (symbol.name in LEVEL or lab_of(elf, pc) == LAB)]


def interrupted(scene, cpu, place, ends, then=None):
    """The CPU gets a device's interrupt, whose handler calls; then all get to their ends.  If it came at once,
    and is over, then() gives another CPU one."""
    callers, where = [cpu], scene.m.elf.where
    scene.m.interrupt(cpu, scene.vector(*DEVICE))
    with scene.told(came := f"an interrupt came to CPU {cpu} at {where(place)}"):
        also = then() if then and back(scene, cpu, place) else None
    if also is not None:
        callers.append(also)
        came += f"; when its handler was over, one came to CPU {also}, whose handler was at " \
                f"{where(scene.m.pc(also))} when CPU {cpu} went on"
    with scene.told(came):
        scene.together(ends, "the call returns", stay=False)
    for caller in callers:
        result, times = scene.line("probe_then", caller)[2:4]
        if (result & 0xFF, times) != (1, 1):
            raise Fail(WRONG, expected=f"the call of the interrupt's handler on CPU {caller} is done",
                       seen="it was refused" if times else "there was none", at=scene.m.place(place))


def back(scene, cpu, place):
    """If the interrupt comes at once: the others have their turns until its handler is over, and the CPU is
    where it was.  Whether that is so."""
    before = scene.m.regs(cpu)
    if not before.flags & IF or before.cr8 >= DEVICE[0] >> 4:
        return False
    for where, sp in ("probe_from_interrupt", None), (place, before.sp):
        for _ in range(TURNS):
            if scene.give(cpu, where) and sp in (None, scene.m.regs(cpu).sp):
                break
            scene.settle(*scene.others)
        else:
            return False
    return True


def another(scene):
    """A function by which CPU 1, if it rests, gets such an interrupt too, and comes to an access to memory: each
    time to the next one of the handler's call.  Gives the CPU, or None."""
    here = scene.m.snapshot()

    def handler():
        scene.m.interrupt(1, scene.vector(*DEVICE))
        scene.run_until(1, "probe_from_interrupt", "a device's interrupt comes")

    handler()
    places = cycle(scene.labs_accesses(1) or [scene.resting])
    scene.m.restore(here)

    def begins():
        scene.settle(1)
        if scene.m.pc(1) != scene.resting:
            return None
        handler()
        scene.give(1, next(places))
        return 1
    return begins


def at_each(scene, cpu, words, ends, callers, until=(), before=None, then=None):
    """From here the interrupt comes at each instruction of the lab; each call is done."""
    for place in scene.at_each(cpu, lambda: boundaries(scene, cpu, until)):
        if before:
            before()
        interrupted(scene, cpu, place, ends, then)
        results(scene, *callers)
        scene.check_got(words, *scene.cpus)


def results(scene, *cpus):
    """Fails unless the calls of these CPUs were done, once each."""
    for cpu in cpus:
        result, times = scene.line("probe_then", cpu)[:2]
        if (result & 0xFF, times) != (1, 1):
            raise Fail(WRONG, expected=f"CPU {cpu}'s call is done", seen="it is not")


def test_calls(cell):
    """The interrupt comes at each instruction of a call of the same CPU.  Where that is at once, one comes to
    another CPU when its handler is over."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.forget()
    words = scene.fresh_words()
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_call"))
    scene.then_rest(0, "probe_call")
    scene.run_until(0, "probe_call", "its function")
    begins = another(scene)
    for _ in range(2):          # up to where it waits, and on from there
        at_each(scene, 0, words, dict.fromkeys((0, 1), "probe_rest"), (0,), until="probe_rest",
                then=begins)
        scene.give(0, "probe_rest")
        scene.settle(*scene.others)


def test_waits(cell):
    """CPU 0 waits for its turn while CPU 1 calls; the interrupt comes at each instruction."""
    scene = Turns(cell)
    scene.rest(*scene.others[1:])
    scene.forget()
    words = scene.fresh_words()
    scene.then_rest(1, "probe_call")
    scene.run_until(1, "ipi_send", "CPU 1 asks CPU 0")
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_call"))
    scene.then_rest(0, "probe_call")
    scene.run_until(0, "probe_call", "its function")
    at_each(scene, 0, words, dict.fromkeys((0, 1), "probe_rest"), (0, 1))


def test_polls(cell):
    """CPU 1 polls, asked but not sent to; the interrupt comes at each instruction of ipi_poll()."""
    scene = Turns(cell)
    scene.rest(*scene.others[1:])
    scene.forget()
    words = scene.fresh_words()
    scene.m.write_u32("probe_go", 0)
    scene.m.start(1, "probe_spin_wait", flags=ON)
    scene.settle(1)
    scene.run_until(1, "ipi_poll", "CPU 1 polls")
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_call"))
    scene.then_rest(0, "probe_call")
    scene.run_until(0, "ipi_send", "CPU 0 asks CPU 1")
    at_each(scene, 1, words, {0: "probe_rest", 1: "probe_returned"}, (0,),
            before=lambda: scene.m.write_u32("probe_go", 1))


def held(scene):
    """As long as the others have no turn, nothing is written."""
    for _ in range(2):
        scene.give(0)
    if scene.m.read("probe_patch_site", len(OLD_CODE)) != OLD_CODE:
        raise Fail(WRONG, expected="nothing is written before every other CPU is held",
                   seen="it is written, and no other CPU has had a turn")


def patches_from_handler(cell, at, nested):
    """CPU 0 is interrupted before instruction `at` of the four; the handler itself patches them."""
    inside = 0 < at < 4
    scene = Turns(cell)
    site = scene.m.elf.address("probe_patch_site")
    scene.rest(*scene.others)
    scene.forget()
    scene.then_rest(0, "probe_patched_round", 1)
    scene.run_until(0, site + 2 * at, "the code to write")
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_patch"))
    scene.code(NEW_CODE)
    vector = scene.vector(0x50, 0x70)
    scene.m.interrupt(0, vector)
    if nested:
        scene.run_until(0, "probe_from_interrupt", "a device's interrupt")
        scene.m.interrupt(0, scene.vector(0xA0, 0xC0))
    if not inside:
        held(scene)
    scene.rested(0)
    result, times = scene.line("probe_then", 0)[2:4]
    if times != 1 + nested or bool(result & 0xFF) == inside:
        raise Fail(WRONG, expected=f"text_patch() is {'refused' if inside else 'done'} in the "
                   f"handler of an interrupt that came {'inside' if inside else 'outside'} the range",
                   seen="it is not",
                   cause="what this CPU interrupted goes on when the handler returns, not before.")
    scene.check_level(0, vector >> 4)
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
