"""Exercises 6.2 and 6.6: what goes in at one CPU comes out at another, whoever is faster."""

from grader.explore.explore import explore
from grader.explore.logregion import log_region
from grader.explore.ringregion import traffic_region
from grader.explore.rings import RingScene
from grader.explore.scene import Scene

MOST = 40           # bounded schedules of a region


def test_in_and_out(cell):
    """CPU 0 puts descriptors in, CPU 1 takes them out; the ring is empty, or full, or nearly."""
    scene = RingScene(cell)
    first = traffic_region(scene, "a ring of two slots", 2, 3, ("probe_drain", 2, 2))
    explore(first, most=MOST, pct=6, walks=6)
    cell.park()
    scene = RingScene(cell)
    least = 1 if scene.form.room(1) else 2
    explore(traffic_region(scene, "a ring with one place", least, 2, ("probe_drain", 1, 2),
                           waiting=1), most=MOST, pct=6, walks=6, like=first)
    cell.park()
    scene = RingScene(cell)
    explore(traffic_region(scene, "a ring of four slots", 4, 2, ("probe_drain", 4, 2),
                           waiting=scene.form.room(4) - 1), most=MOST, pct=6, walks=6, like=first)


def test_writers(cell):
    """Two CPUs write into one log, or one writes and one reads; it has room, or it is full."""
    first = None
    for name, records, old, reads in (
            ("two writers", 4, (), 0),
            ("two writers, one place", 2, (0,), 0),
            ("two writers, a full log", 2, (0, 0, 1, 1), 0),
            ("a writer and a reader, a full log", 2, (0, 0, 1, 1), 2)):
        region = log_region(Scene(cell), name, records, old, reads)
        explore(region, most=MOST, pct=6, walks=6, like=None if reads else first)
        first = first or region
        cell.park()
