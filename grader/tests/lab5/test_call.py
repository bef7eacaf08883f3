"""Exercise 5.1: a function that all CPUs run between two barriers."""

from grader.explore.ipis import ON, Turns
from grader.explore.scene import BUDGET, flags_for
from grader.verdict import WRONG, Fail

DEVICE_BELOW = range(0x50, 0x80)        # vectors below IPI_LEVEL
STEPS = 400             # of a CPU that leaves a call
RUNS = 4                # where probe_got has how often the function ran


def called(cell, caller=0, alone=False):
    """A scene in which one CPU has just been asked to call, and the others rest, or are not there."""
    scene = Turns(cell)
    if alone:
        scene.without(*scene.others)
    scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
    scene.forget()
    words = scene.fresh_words()
    scene.m.start(caller, "probe_call", flags=ON)
    return scene, words


def test_all(cell):
    """Each CPU in turn is the one that calls."""
    for caller in range(cell.machine.cpus):
        scene, words = called(cell, caller)
        scene.returned(caller)
        scene.accepted(caller)
        scene.check_got(words, *scene.cpus)
        cell.park()


def slow_to_leave(cell, slow):
    """One CPU leaves a call slowly, an instruction at a time, while the others go on as far as they can,
    and the next call comes: no CPU begins that before this one has left the first and come again."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.forget()
    words = scene.fresh_words()
    scene.m.start(0, "probe_calls", 2, flags=ON)
    scene.together({slow: "ipi_interrupt"}, "an IPI comes")
    out = scene.m.ptr(scene.m.regs(slow).sp, slow)          # where ipi_interrupt() returns to
    for _ in range(2):
        scene.together({slow: "probe_phase"}, "the function begins, and ends")
    others = [cpu for cpu in scene.cpus if cpu != slow]
    for _ in range(STEPS):
        scene.settle(*others)
        begun = [cpu for cpu in others if scene.line("probe_got", cpu)[RUNS] > 1]
        if begun and scene.m.run(slow, [out, "probe_phase"], BUDGET).pc == out:
            raise Fail(WRONG, expected=f"no CPU begins the next call before CPU {slow} has come to it",
                       seen=f"CPU {begun[0]} has begun, and CPU {slow} is still on its way out of the "
                       "call before")
        if begun or scene.m.step(slow).pc == out:
            break
    scene.returned(0)
    scene.check_got(words, *scene.cpus)
    cell.park()


def test_arrive(cell):
    """One CPU is late in a second call: until it comes, no CPU begins."""
    for late in range(1, cell.machine.cpus):
        scene, _ = called(cell)
        scene.returned(0)
        scene.settle(*scene.others)
        scene.forget()
        words = scene.fresh_words()
        scene.m.start(0, "probe_call", flags=ON)
        for _ in range(4):
            for cpu in scene.cpus:
                if cpu != late and scene.give(cpu, "probe_phase"):
                    raise Fail(WRONG, expected=f"no CPU begins before CPU {late} has come",
                               seen=f"CPU {cpu} has begun, and CPU {late} still runs other code")
        scene.returned(0)
        scene.accepted(0)
        scene.check_got(words, *scene.cpus)
        cell.park()
    cell.use(3)
    for slow in (1, 2):
        slow_to_leave(cell, slow)


def test_interrupts_off(cell):
    """One CPU has interrupts off for a while: until they are on, no CPU begins."""
    for late in range(1, cell.machine.cpus):
        scene = Turns(cell)
        scene.rest(*(cpu for cpu in scene.others if cpu != late))
        scene.forget()
        words = scene.fresh_words()
        scene.m.start(late, "probe_normal", 300)
        scene.m.run(late, (), 100)
        scene.m.start(0, "probe_call", flags=ON)
        for _ in range(6):
            for cpu in scene.cpus:
                if cpu == late:
                    scene.m.run(cpu, "probe_returned", 100)
                elif scene.give(cpu, "probe_phase"):
                    steps = scene.line("probe_steps", late)[0]
                    raise Fail(WRONG, expected=f"no CPU begins before CPU {late}, whose interrupts "
                               "are off, has come",
                               seen=f"CPU {cpu} begins; CPU {late} is at step {steps} of 300")
        scene.run_until(late, "probe_returned", "normal code, interrupts off")
        scene.m.start(late, "probe_rest", flags=ON)
        scene.returned(0)
        scene.accepted(0)
        scene.check_got(words, *scene.cpus)
        cell.park()


def test_leave(cell):
    """One CPU is slow inside the function: until it is done, the call does not return."""
    for slow in range(1, cell.machine.cpus):
        scene, words = called(cell)
        scene.together({slow: "probe_phase"}, "the function begins")
        for _ in range(4):
            for cpu in scene.cpus:
                if cpu != slow and scene.give(cpu, "probe_returned" if cpu == 0 else ()):
                    raise Fail(WRONG, expected=f"the call returns when CPU {slow} is done too",
                               seen="it has returned before",
                               cause="the argument is on the caller's stack, and is gone then.")
        scene.returned(0)
        scene.check_got(words, *scene.cpus)
        cell.park()


def test_level(cell):
    """Inside the function a CPU is at IPI_LEVEL: what a device sends waits until it is done.  Afterwards
    the one that calls is at its own level again."""
    for cpu, alone in [*((cpu, False) for cpu in range(cell.machine.cpus)), (0, True)]:
        scene, _ = called(cell, alone=alone)
        scene.together({cpu: "probe_phase"}, "the function begins")
        vector = scene.vector(DEVICE_BELOW.start, DEVICE_BELOW.stop)
        scene.fresh_token()
        scene.m.interrupt(cpu, vector)
        scene.m.run(cpu, "probe_phase", BUDGET, exact=False)
        if scene.m.u32(scene.m.elf.address("probe_count") + 4 * vector):
            raise Fail(WRONG, expected="a device's interrupt waits until the function is done",
                       seen="its handler ran in the middle of it",
                       cause="the CPU was below IPI_LEVEL.")
        scene.returned(0)
        if cpu:
            scene.settle(cpu)
        else:
            scene.m.call(0, "probe_sled", flags=ON)
        scene.check_answered(vector)
        cell.park()
    scene = Turns(cell)
    scene.rest(*scene.others)
    for level in (0, 2, 11, 13):
        scene.m.start(0, "probe_call", flags=flags_for(level, True))
        scene.returned(0)
        scene.accepted(0)
        scene.check_level(0, level)
