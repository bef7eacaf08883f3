"""Exercise 6.6: a log, and writers that interrupt each other."""

from dataclasses import replace

from grader.explore.logmodel import Record, inside, orders
from grader.explore.logs import READ, WRITE, LogScene, flags_for
from grader.explore.scene import HIGH
from grader.explore.sweep import Event, given, go_to, sweep, trace
from grader.verdict import WRONG, Fail

NMI_SIZE = 8            # bytes that an NMI writes
TURNS = 128             # records that go through, one at a time
INNER, SAMPLES = 2, 12  # places of the first NMI, and for each of the second in it
GIVEN = 5               # boundaries of a path in given code: all the same to the lab
DEADLOCK = ("the handler waits for what it has interrupted, which goes on when the handler is "
            "done: a deadlock.")


def ready(cell, room, taken):
    """A log that was in use, with so many records in it."""
    scene = LogScene(cell)
    scene.ready()
    scene.find_kind()
    scene.new(room, scene.random.getrandbits(32))
    turned = scene.random.randrange(room)
    scene.play(0, [step for _ in range(turned) for step in ((WRITE, scene.record(0)), (READ,))]
               + [(WRITE, scene.record(0)) for _ in range(taken)])
    return scene


def begin(scene, function, *args):
    """CPU 0 is about to enter a function; gives the snapshot."""
    scene.m.start(0, function, *args, flags=flags_for(scene.random.choice((0, 2, HIGH)), False))
    scene.run_to(function, "the grader's own code")
    return scene.m.snapshot()


def traced(scene, start, name, expected):
    """CPU 0's path from the snapshot to the end of its call: the lab's own places, some others."""
    path = trace(scene, name, [scene.m.elf.address("probe_returned")], expected, nmis=True)
    scene.m.restore(start)
    return fewer(scene, path)


def fewer(scene, path, most=1000):
    """The same path with at most so many of the lab's boundaries, and a few in given code."""
    own = [each for each in path.boundaries if not given(scene, each.pc)]
    rest = [each for each in path.boundaries if given(scene, each.pc)]
    kept = (scene.random.sample(own, min(most, len(own)))
            + scene.random.sample(rest, min(GIVEN, len(rest))))
    return replace(path, boundaries=sorted(kept, key=lambda each: each.index))


def write(scene, name):
    """CPU 0 is about to write a record; (the record, the snapshot, the path)."""
    mine = scene.record(0)
    start = begin(scene, "probe_log_write", mine.number, mine.size)
    return mine, start, traced(scene, start, name,
                               "logring_reserve() and logring_commit() come back")


def nmi_records(scene, count, depth=1):
    """What the next NMIs write, `count` records one after the other."""
    first = scene.record(0).number
    return [Record(0, first + NMI_SIZE * n, NMI_SIZE, depth) for n in range(count)]


def check_said(scene, log, mine, *nmis):
    """Fails unless those had no room of whom this order of things says it."""
    scene.check_room(log, mine, mine not in log.refused, bool(scene.m.result(0) & 0xFF))
    room = sum(each not in log.refused for each in nmis)
    seen = scene.nmis().records
    if nmis and seen != room:
        raise Fail(WRONG, expected=f"room for {room} of the {len(nmis)} records from NMIs",
                   seen=f"for {seen}")


def finish(scene, before, mine, nmis, times):
    """CPU 0 goes on to its end; every record is there, whole and once, or had to give way.

    `nmis`: the records of NMIs, a list for each, an inner one behind the one it interrupted.
    """
    scene.back(0, "logring_reserve() and logring_commit() come back in an NMI's handler, and where "
               "it came", cause=DEADLOCK)
    scene.check_nmis(times)
    every = [record for each in nmis for record in each]
    logs = list(orders(before, [[mine], *nmis]))
    said = []
    for log in logs:
        try:
            check_said(scene, log, mine, *every)
            said.append(log)
        except Fail as fail:
            said.append(replace(log, failed=fail))
    scene.settle(said)


def test_nmi(cell):
    """Before each instruction of a writer an NMI writes too; and another one in that."""
    for room, taken, name in ((4, 0, "an empty log"), (4, 3, "one place left"),
                              (4, 4, "a full log"), (2, 1, "one place of two left")):
        scene = ready(cell, room, taken)
        its = nmi_records(scene, 1)
        scene.order(logring=its[0].number)
        scene.forget()
        before = scene.log
        mine, start, path = write(scene, name)
        sweep(scene, start, path, scene.event,
              lambda: finish(scene, before, mine, [its], 1))
        cell.park()
    for room, taken, name in ((2, 1, "two NMIs, one place of two left"),
                              (4, 4, "two NMIs, a full log")):
        nested(cell, room, taken, name)


def nested(cell, room, taken, name):
    """An NMI comes in a writer, and in the NMI's own writing a second one, if lab 3 lets it in."""
    scene = ready(cell, room, taken)
    if scene.m.call(scene.witness, "nmi_nestable") & 0xFF:
        first, second = nmi_records(scene, 2)
        its = [[first], [replace(second, depth=2)]]
        scene.order(faults=1, logring=first.number)
        scene.forget()
        before = scene.log
        mine, start, path = write(scene, name)
        for outer in scene.random.sample(path.boundaries, min(INNER, len(path.boundaries))):
            go_to(scene, start, outer)
            scene.m.nmi(0)
            scene.run_to("probe_log_write", "the NMI comes, and writes")
            within = scene.m.snapshot()
            back = scene.m.ptr(scene.m.regs(0).sp)
            where = scene.m.elf.where(outer.pc)
            inner = trace(scene, f"{name}, the first before {where}", [back],
                          "logring_reserve() and logring_commit() come back in an NMI", nmis=True)
            scene.m.restore(within)
            sweep(scene, within, fewer(scene, inner, SAMPLES), scene.event,
                  lambda: finish(scene, before, mine, its, 2))
    cell.park()


# ---- a writer that stops ----

def test_stopped(cell):
    """A writer, or the reader, stands still while others write more than there is room for."""
    stopped_for_cpu(cell, 2, 2, much)
    stopped_for_cpu(cell, 4, 0, one_at_a_time)
    stopped_for_nmi(cell, 4, 1)
    reader_stopped(cell, 2, 2)
    holds(cell)


def much(scene, room):
    """CPU 1 writes more than there is room for, twice, and reads in between."""
    steps = [(READ,) for _ in range(scene.random.randrange(2))]
    steps += [(WRITE, scene.record(1)) for _ in range(room + 1)] + [(READ,)]
    return steps + [(WRITE, scene.record(1)) for _ in range(room)] + [(READ,)] * 2


def one_at_a_time(scene, room):
    """CPU 1 reads each record before it writes the next: the log is never full, however old what
    CPU 0 knows of it is."""
    return [step for _ in range(TURNS) for step in ((WRITE, scene.record(1)), (READ,))]


def stopped_for_cpu(cell, room, taken, others):
    """CPU 0 stands before each instruction of its writing; CPU 1 does what `others` says."""
    scene = ready(cell, room, taken)
    before = scene.log
    name = f"{taken} of {room} places taken, CPU 1 writes {others.__name__.replace('_', ' ')}"
    mine, start, path = write(scene, name)
    steps = others(scene, room)
    seen = []

    def burst():
        seen[:] = scene.run_steps(1, steps, level=2, interrupts=False)

    def after(log):
        log = log.copy()
        try:
            for step, result in zip(steps, seen):
                scene.apply(log, step, result)
        except Fail as fail:
            log.failed = fail
        yield log

    def done():
        scene.back(0, "logring_reserve() and logring_commit() come back")
        scene.settle([_said(scene, log, mine) for log in inside(before, [mine], after)])

    sweep(scene, start, path, Event(burst, "burst of CPU 1", 0, masked=False), done)
    cell.park()


def _said(scene, log, mine):
    """The same log; it failed if its writer was told something else."""
    if not log.failed:
        try:
            check_said(scene, log, mine)
        except Fail as fail:
            log.failed = fail
    return log


def stopped_for_nmi(cell, room, taken):
    """CPU 0 is before each instruction of its writing; an NMI writes so much that it wraps."""
    scene = ready(cell, room, taken)
    before = scene.log
    its = nmi_records(scene, 2 * room + 1)
    scene.order(logring=its[0].number, logrings=len(its) - 1)
    scene.forget()
    mine, start, path = write(scene, f"{taken} of {room} places taken, an NMI writes much")
    sweep(scene, start, path, scene.event, lambda: finish(scene, before, mine, [its], 1))
    cell.park()


def reader_stopped(cell, room, taken):
    """CPU 0 reads, and before each of its instructions CPU 1 writes, or an NMI.

    Whether what it has half read gives way is the lab's choice; it must be whole, and be counted.
    """
    for nmi in (False, True):
        scene = ready(cell, room, taken)
        before = scene.log
        others = nmi_records(scene, room + 1) if nmi else \
            [scene.record(1) for _ in range(room + 1)]
        if nmi:
            scene.order(logring=others[0].number, logrings=room)
        scene.forget()
        start = begin(scene, "probe_log_read")
        path = traced(scene, start, "a reader; " + ("an NMI" if nmi else "CPU 1") + " writes",
                      "logring_read() comes back")
        event = scene.event if nmi else Event(
            lambda: scene.run_steps(1, [(WRITE, each) for each in others], level=2,
                                    interrupts=False), "burst of CPU 1", 0, masked=False)
        sweep(scene, start, path, event, lambda: reader_done(scene, before, others, nmi))
        cell.park()


def reader_done(scene, before, others, nmi):
    """CPU 0's read and all that comes after it: records that were written, once, and the count."""
    scene.back(0, "logring_read() comes back", cause=DEADLOCK if nmi else "")
    if nmi:
        scene.check_nmis(1)
    log = before.copy()
    log.tried += len(others)
    log.there += others
    first = scene.result_of_read()
    steps = scene.rest()[1:]
    *seen, dropped = scene.run_steps(1, steps)
    for each in [first] * (first is not None) + [each for each in seen if each is not None]:
        log.took_any(each)
    log.gone += log.there
    log.there = []
    log.counted(dropped)
    scene.check_sides()


def holds(cell):
    """Writers on two CPUs begin and end, one within the other on each; others write, one reads."""
    for room in (2, 4):
        scene = LogScene(cell)
        scene.find_kind()
        scene.new(room, scene.random.getrandbits(32))
        held = {0: [], 1: []}
        for _ in range(50):
            cpu = scene.random.randrange(2)
            match scene.random.choice("begin begin end write write read read".split()):
                case "begin" if len(held[cpu]) < 3:
                    hold(scene, cpu, held[cpu])
                case "end" if held[cpu]:
                    let_go(scene, cpu, held[cpu])
                case "write":
                    scene.play(cpu, [(WRITE, scene.record(cpu, depth=len(held[cpu])))
                                     for _ in range(scene.random.randrange(1, room + 2))])
                case "read":
                    scene.play(cpu, [(READ,)] * scene.random.randrange(1, 3))
        for cpu in (0, 1):
            while held[cpu]:
                let_go(scene, cpu, held[cpu])
        scene.settle([scene.log])
        cell.park()


def hold(scene, cpu, held):
    """A writer on this CPU, which interrupts those that are there, takes its room."""
    record = scene.record(cpu, depth=len(held))
    at = scene.reserve(cpu, record.size)
    scene.check_room(scene.log, record, scene.log.reserve(record), at != 0)
    if at:
        held.append((record, at))


def let_go(scene, cpu, held):
    """The last that began on this CPU fills its record, and it is whole."""
    record, at = held.pop()
    scene.commit(cpu, record, at)
    scene.log.commit(record)
