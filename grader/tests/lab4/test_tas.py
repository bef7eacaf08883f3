"""Exercise 4.1: test-and-test-and-set."""

from grader.explore.apart import check_apart
from grader.explore.explore import explore
from grader.explore.locks import lock_region
from grader.explore.scene import Scene
from grader.explore.waiting import check_waiting, keeps_its_level


def test_two(cell):
    """Two CPUs take the lock: every schedule with two preemptions, stores that are late included.  And it
    is one lock of several."""
    check_apart(cell, "tas")
    explore(lock_region(Scene(cell), "tas", (0, 1)))


def test_more(cell):
    """Three and four CPUs."""
    # Who has waited tries again, and a third CPU comes in between.
    explore(lock_region(Scene(cell), "tas", range(3), waiting=[1]), most=150, pct=4, walks=4)
    cell.park()
    for cpus in (3, 4):
        explore(lock_region(Scene(cell), "tas", range(cpus)),
                preemptions=5 - cpus, most=100, pct=6, walks=6)
        cell.park()


def test_waiting(cell):
    """A CPU that waits reads the lock and says PAUSE; it does not write until the lock seems free."""
    keeps_its_level(Scene(cell), "probe_tas_round")
    check_waiting(Scene(cell), "probe_tas_round")
