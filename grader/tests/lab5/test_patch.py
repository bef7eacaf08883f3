"""Exercise 5.4: code is written over while every CPU is held."""

from grader.explore.ipis import NEW_CODE, OLD_CODE, ON, Turns
from grader.verdict import WRONG, Fail

NAMES = ("the old four instructions", "the new four")
SIZE = len(NEW_CODE)
ABOVE = ((0x50, 0x70), (0xA0, 0xC0))    # vectors, the second above the first
TRIES = 12              # of text_patch(), with somebody inside
LONG = 20_000_000       # instructions between two of them, and an answer that pauses longer is a hang
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


def held_inside(cell, at, nested=0):
    """A CPU is interrupted before instruction `at` of the four, so many times on top of that, and then
    another one writes: CPU 0, or another one while CPU 0 is inside."""
    scene = Turns(cell)
    caller = at % 2
    victim = 0 if caller else cell.random.choice(list(scene.others))
    scene.rest(*(cpu for cpu in scene.cpus if cpu not in (caller, victim)))
    scene.forget()
    scene.then_rest(victim, "probe_patched_round", 1)
    scene.run_until(victim, scene.m.elf.address("probe_patch_site") + 2 * at, "the code to write")
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_phase"))
    for vectors in ABOVE[:nested]:
        scene.m.interrupt(victim, scene.vector(*vectors))
        scene.run_until(victim, "probe_from_interrupt", "a device's interrupt")
    scene.code(NEW_CODE)
    scene.m.start(caller, "probe_patch", flags=ON)
    return scene, caller, victim


def check_inside(cell, at, nested=0):
    """Nothing is written while it is inside; then all goes on."""
    held = held_inside(cell, at, nested)
    more = f", and {nested} more on top of that one" if nested else ""
    with held[0].told(f"CPU {held[2]} had been interrupted before byte {2 * at} of {SIZE}{more}"):
        written_at_last(*held)
    cell.park()


def written_at_last(scene, caller, victim):
    """text_patch() gets it done, and the CPU goes on with the old code or the new."""
    if scene.give(caller, "probe_returned"):
        raise Fail(WRONG, expected="nothing is written before every other CPU is held",
                   seen="text_patch() is over, and no other CPU has had a turn")
    scene.together({caller: "probe_returned", victim: "probe_rest"}, "text_patch() gets it done",
                   stay=False)
    scene.accepted(caller)
    check_written(scene, NEW_CODE)
    if sum(scene.check_seen(0, NAMES, victim)) != 1:
        raise Fail(WRONG, expected="the CPU that was held goes on", seen="it does not")


def test_inside(cell):
    """Each place inside the four instructions at which the IPI can find a CPU."""
    for at in range(5):
        check_inside(cell, at)


def test_nested(cell):
    """The same, but it is the handler of an interrupt that the IPI finds, or of one that has interrupted
    another one.  And it is tried again as often as the IPI finds it there."""
    for nested in (1, 2):
        for at in range(5):
            check_inside(cell, at, nested)
    for first, size, tries in ((0, SIZE, TRIES), (3, 3, 2), (1, 4, 2)):     # its second byte, its last one
        stays_inside(cell, first, size, tries)


def stays_inside(cell, first, size, tries):
    """The CPU is in a handler, which came between the second instruction and the third, and is still there
    when it is tried again, so many times.  These bytes are to be written."""
    scene, caller, victim = held_inside(cell, 2, nested=1)
    site = scene.m.elf.address("probe_patch_site")
    scene.code(NEW_CODE[first:])
    scene.m.start(caller, "text_patch", site + first, scene.m.elf.address("probe_new_bytes"), size, flags=ON)
    rest = [cpu for cpu in scene.cpus if cpu not in (caller, victim)]
    sends, ends = scene.m.elf.address("ipi_send"), ("ipi_send", "probe_returned")
    ahead = False               # it has come to the next try already: it was the last to leave this one
    for done in range(tries):
        again = sends if ahead else scene.run_until(caller, ends, "it is tried again", LONG).pc
        ahead = False
        written = scene.m.read(site, SIZE) != OLD_CODE
        if written or again != sends:
            raise Fail(WRONG, expected=f"CPU {victim} was interrupted before byte {4 - first} of {size}: "
                       "nothing is written as long as it is there, and it is tried again",
                       seen=f"after {done} tries {'it is written' if written else 'text_patch() gives up'}")
        scene.settle(caller, *rest)
        scene.run_until(victim, "ipi_interrupt", "an IPI comes")
        out = scene.m.ptr(scene.m.regs(victim).sp, victim)
        for _ in range(4):
            if scene.give(victim, out):
                break
            ahead = ahead or scene.give(caller, "ipi_send")
            scene.settle(*rest)
        else:
            raise scene.failed_on(scene.m.run(victim, (), 1), "the CPU that is inside is let go")
    scene.settle(victim)
    if not ahead:
        scene.run_until(caller, ends, "it is tried again", LONG)
    scene.together({caller: "probe_returned", victim: "probe_rest"}, "text_patch() gets it done", stay=False)
    scene.accepted(caller)
    check_written(scene, OLD_CODE[:first] + NEW_CODE[first:first + size] + OLD_CODE[first + size:])
    cell.park()


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


def two_write(cell, turn):
    """CPU 0 writes the first half of the code, and CPU 1 the second, at the same time."""
    scene = Turns(cell)
    scene.rest(*scene.others[1:])
    scene.code(NEW_CODE)
    site, bytes_ = map(scene.m.elf.address, ("probe_patch_site", "probe_new_bytes"))
    half, writing = SIZE // 2, {0, 1}
    for cpu in writing:
        scene.m.start(cpu, "text_patch", site + half * cpu, bytes_ + half * cpu, half, flags=ON)
    for _ in scene.by_turns(writing, turn):
        pass
    with scene.told("two CPUs write a half of it each"):
        scene.returned(*writing)
        check_written(scene, NEW_CODE)
    cell.park()


def test_loop(cell):
    """Three CPUs call it in a loop and from interrupts, in random turns, while CPU 0 writes.  And two that
    write at the same time."""
    for turn in (50, 200):
        two_write(cell, turn)
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
