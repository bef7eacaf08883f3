"""Exercise 5.3: several CPUs call at the same time."""

from grader.explore.ipis import ON, Turns
from grader.explore.scene import flags_for
from grader.verdict import WRONG, Fail


CALLERS = (0, 1)        # of three CPUs: the third only answers


def calls(cell, times, turn):
    """Two CPUs call so often; each of the calls is done."""
    scene = Turns(cell)
    scene.rest(2)
    scene.forget()
    words = scene.fresh_words()
    for cpu in CALLERS:
        scene.then_rest(cpu, "probe_calls", times)
    results = scene.rested(*CALLERS, turn=turn, rounds=3000)
    if results != [times] * len(results):
        raise Fail(WRONG, expected=f"{times} calls of each CPU are done", seen=f"{results}")
    scene.check_got(words, *scene.cpus)
    cell.park()


def waits_at_its_level(cell):
    """CPU 0 is at a device's level and waits for its turn: what that level keeps away does not come."""
    scene = Turns(cell)
    scene.rest(2)
    scene.forget()
    words = scene.fresh_words()
    scene.then_rest(1, "probe_call")
    scene.run_until(1, "ipi_send", "CPU 1 asks CPU 0")
    scene.m.start(0, "probe_call", flags=flags_for(11, True))
    scene.run_until(0, "probe_call", "its function")
    vector = scene.vector(0x50, 0xC0)
    scene.m.interrupt(0, vector)
    scene.returned(0)
    if scene.m.u32(scene.m.elf.address("probe_count") + 4 * vector):
        raise Fail(WRONG, expected=f"CPU 0 calls at level 11: vector {vector:#x} waits until that is "
                   "over", seen="its handler ran meanwhile",
                   cause="the CPU was below the level from which it calls.")
    scene.check_got(words, *scene.cpus)
    scene.check_level(0, 11)
    cell.park()


def test_turns(cell):
    """One call of each, begun at the same time, in long turns."""
    cell.use(3)
    waits_at_its_level(cell)
    for turn in (40, 100, 250, 600, 1500):
        calls(cell, 1, lambda: turn)


def test_two_kinds(cell):
    """One CPU calls in two phases, the other in one."""
    cell.use(3)
    for turn in (60, 180, 540):
        scene = Turns(cell)
        scene.rest(2)
        scene.forget()
        scene.code(b"")
        words = scene.fresh_words()
        for cpu in CALLERS:
            scene.then_rest(cpu, "probe_calls" if cpu else "probe_two_phase", 2)
        results = scene.rested(*CALLERS, turn=lambda: turn, rounds=3000)
        if [result & 0xFF for result in results] != [1, 2]:
            raise Fail(WRONG, expected="each call is done", seen=f"{results}")
        scene.check_got(words, *scene.cpus)
        if sum(scene.check_seen(0, ("old", "new"), *scene.cpus)) != scene.m.cpus:
            raise Fail(WRONG, expected="the second phase runs once on each CPU", seen="it does not")
        cell.park()
    calls_after(cell)


def calls_after(cell):
    """A call that has no first phase, after one that had: nothing of that is left."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.code(b"")
    scene.forget()
    for function in ("probe_two_phase", "probe_call"):
        words = scene.fresh_words()
        scene.m.start(0, function, flags=ON)
        scene.returned(0)
        scene.accepted(0)
        scene.check_got(words, *scene.cpus)
    times = scene.line("probe_one_got")[5]
    if times != 1:
        raise Fail(WRONG, expected="the first phase of the only call that has one runs once",
                   seen=f"it ran {times} times; the call after it has none")
    cell.park()
