"""Exercise 4.4: a queue."""

from grader.explore.locks import PATIENCE, Locks, alone, order, steps, waits
from grader.verdict import WRONG, Fail

NODE = 64


def dirty(cell):
    """Nodes with anything in them, as an old stack has."""
    m = cell.machine
    m.write("probe_node", cell.random.randbytes(2 * NODE * m.cpus))


def test_alone(cell):
    for which in (0, 1):
        dirty(cell)
        alone(cell, "probe_queued_round", which)
        cell.park()


def test_waits(cell):
    waits(cell, "probe_queued_round", 0)


def test_order(cell):
    order(cell, "probe_queued_round", 1)


def test_nested(cell):
    """One CPU has both locks; the other waits for one of them; then it is the other way round."""
    for first, second in ((0, 1), (1, 0)):
        for which in (0, 1):
            dirty(cell)
            locks = Locks(cell)
            locks.start(first, "probe_queued_nested")
            locks.inside(first)
            locks.start(second, "probe_queued_round", which)
            locks.waits(second)
            locks.finish(first)
            locks.inside(second)
            locks.start(first, "probe_queued_nested")
            locks.waits(first)
            locks.finish(second)
            locks.inside(first)
            locks.finish(first)
            locks.wanted = 3
            locks.check_shared()
            cell.park()


def test_between(cell):
    """The lock is given back while another CPU has executed n instructions on its way to it."""
    locks = Locks(cell)
    m = locks.m
    dirty(cell)
    locks.start(0, "probe_queued_round", 0)
    locks.inside(0)
    locks.start(1, "probe_queued_round", 0)
    locks.to(1, "queued_acquire", "queued_acquire() called")
    start = m.snapshot()
    count = 0
    while count < PATIENCE // 10:
        m.restore(start)
        steps(locks, 1, count)
        place = m.pc(1)
        stop = m.run(0, "probe_returned", PATIENCE)
        if stop.reason == "budget":                         # it has to wait for CPU 1's next steps
            locks.waits(1)
            locks.finish(0)
        elif stop.reason != "address":
            raise locks.failed(stop, "CPU 0 gives the lock back")
        locks.inside(1)
        locks.finish(1)
        if m.u32("probe_shared") != 2:
            raise Fail(WRONG, expected="both have been inside", seen="an update was lost",
                       at=m.place(place))
        locks.start(0, "probe_queued_round", 0)             # and it is free afterwards
        locks.inside(0)
        count += 1
