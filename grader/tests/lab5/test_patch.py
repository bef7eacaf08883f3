"""Exercise 5.4: code is written over while every CPU is held."""

from grader.explore.ipis import NEW_CODE, OLD_CODE, ON, Turns
from grader.verdict import WRONG, Fail

NAMES = ("the old four instructions", "the new four")
SIZE = len(NEW_CODE)
AROUND = 16             # bytes before and behind what is written


def check_written(scene, code):
    seen = scene.m.read("probe_patch_site", SIZE)
    if seen != code:
        raise Fail(WRONG, expected=f"the code is {code.hex(' ')}", seen=seen.hex(" "))


def patch(scene, code, caller=0):
    """One call of text_patch(), to its end."""
    scene.code(code)
    before = scene.m.read("probe_patch_site", SIZE)
    scene.m.start(caller, "probe_patch", flags=ON)
    for _ in range(2):
        if scene.give(caller, "probe_returned") or scene.m.read("probe_patch_site", SIZE) != before:
            raise Fail(WRONG, expected="nothing is written before every other CPU is held",
                       seen="it is written, and no other CPU has had a turn")
    scene.returned(caller)
    scene.accepted(caller)
    check_written(scene, code)


def test_patch(cell):
    """There and back, by each CPU; CR0 stays as it is."""
    for caller in range(cell.machine.cpus):
        scene = Turns(cell)
        scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
        before = [scene.m.regs(cpu).cr0 for cpu in scene.cpus]
        for code in (NEW_CODE, OLD_CODE, NEW_CODE):
            patch(scene, code, caller)
        after = [scene.m.regs(cpu).cr0 for cpu in scene.cpus]
        if before != after:
            raise Fail(WRONG, expected="CR0 as it was on each CPU",
                       seen=", ".join(f"{value:#x}" for value in after))
        sizes(scene, caller)
        cell.park()


def sizes(scene, caller):
    """So many bytes and no others; nobody executes what is there."""
    at = scene.m.elf.address("probe_patch_site") - AROUND
    for size in (1, 3, 5, 16):
        before = scene.m.read(at, AROUND + 16 + AROUND)
        new = bytes(byte ^ scene.random.randrange(1, 256) for byte in before[AROUND:AROUND + 16])
        scene.m.write("probe_new_bytes", new)
        scene.m.write_u32("probe_new_size", size)
        scene.m.start(caller, "probe_patch", flags=ON)
        scene.returned(caller)
        scene.accepted(caller)
        wanted = before[:AROUND] + new[:size] + before[AROUND + size:]
        seen = scene.m.read(at, len(before))
        if seen != wanted:
            wrong = next(i for i in range(len(seen)) if seen[i] != wanted[i]) - AROUND
            raise Fail(WRONG, expected=f"{size} bytes are written, and no others",
                       seen=f"byte {wrong} from the first is {seen[AROUND + wrong]:02x} and not "
                       f"{wanted[AROUND + wrong]:02x}")
        scene.m.write(at, before)


def held_inside(cell, at, nested):
    """A CPU is interrupted before instruction `at` of the four, and then another one writes."""
    scene = Turns(cell)
    victim = cell.random.choice(list(scene.others))
    scene.rest(*(cpu for cpu in scene.others if cpu != victim))
    scene.forget()
    scene.then_rest(victim, "probe_patched_round", 1)
    scene.run_until(victim, scene.m.elf.address("probe_patch_site") + 2 * at, "the code to write")
    if nested:
        scene.m.interrupt(victim, scene.vector(0xA0, 0xC0))
        scene.run_until(victim, "lapic_eoi", "a device's interrupt")
    scene.code(NEW_CODE)
    scene.m.start(0, "probe_patch", flags=ON)
    scene.together({0: "probe_returned", victim: "probe_rest"}, "text_patch() gets it done",
                   stay=False)
    scene.accepted(0)
    check_written(scene, NEW_CODE)
    if sum(scene.check_seen(0, NAMES, victim)) != 1:
        raise Fail(WRONG, expected="the CPU that was held goes on", seen="it does not")
    cell.park()


def test_inside(cell):
    """Each place inside the four instructions at which the IPI can find a CPU."""
    for at in range(5):
        held_inside(cell, at, nested=False)


def test_nested(cell):
    """The same, but it is the handler of an interrupt that the IPI finds."""
    for at in range(5):
        held_inside(cell, at, nested=True)


def timer_inside(cell, at, inner):
    """CPU 1 is interrupted at `at`; the handler calls the same function, and is at `inner` when the
    IPI finds it."""
    scene = Turns(cell)
    site = scene.m.elf.address("probe_patch_site")
    scene.forget()
    scene.then_rest(1, "probe_patched_round", 1)
    scene.run_until(1, site + 2 * at, "the code to write")
    scene.m.write_u32("probe_run_patched", 1)
    scene.m.interrupt(1, scene.vector(0xA0, 0xC0))
    scene.run_until(1, site + 2 * inner, "a handler that calls the same function")
    scene.code(NEW_CODE)
    scene.m.start(0, "probe_patch", flags=ON)
    scene.together({0: "probe_returned", 1: "probe_rest"}, "text_patch() gets it done", stay=False)
    scene.accepted(0)
    check_written(scene, NEW_CODE)
    if sum(scene.check_seen(0, NAMES, 1)) != 2:
        raise Fail(WRONG, expected="the handler and what it interrupted go on", seen="they do not")
    cell.park()


def test_timer(cell):
    """A function that a CPU and its timer's handler both call: each place for each of the two."""
    for at in range(5):
        for inner in range(5):
            timer_inside(cell, at, inner)


def test_loop(cell):
    """Three CPUs call it in a loop and from interrupts, in random turns, while CPU 0 writes."""
    cell.use(4)
    scene = Turns(cell)
    scene.forget()
    scene.m.write_u32("probe_run_patched", 1)
    for cpu in scene.others:
        scene.m.start(cpu, "probe_patched_round", 1 << 30, flags=ON)
    for code in (NEW_CODE, OLD_CODE, NEW_CODE):
        scene.code(code)
        before = scene.m.read("probe_patch_site", SIZE)
        scene.m.start(0, "probe_patch", flags=ON)
        if scene.give(0, "probe_returned") or scene.m.read("probe_patch_site", SIZE) != before:
            raise Fail(WRONG, expected="nothing is written before every other CPU is held",
                       seen="it is written, and no other CPU has had a turn")
        for _ in range(200):
            for cpu in scene.others:
                if not cell.random.randrange(4):
                    scene.m.interrupt(cpu, scene.vector(0x50, 0xC0))
                scene.give(cpu, turn=cell.random.randrange(1, 300))
            if scene.give(0, "probe_returned", 200):
                break
        else:
            scene.returned(0)
        scene.accepted(0)
        check_written(scene, code)
        for cpu in scene.others:
            scene.give(cpu, turn=100)
    old, new = scene.check_seen(0, NAMES, *scene.others)
    if not old or not new:
        raise Fail(WRONG, expected="each CPU goes on, first with the old code, then the new",
                   seen=f"{old} times the old, {new} times the new")
