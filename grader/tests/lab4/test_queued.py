"""Exercise 4.4: a queue."""

from grader.explore.apart import check_all_cpus, check_apart, check_many
from grader.explore.explore import explore
from grader.explore.locks import counted, lock_region
from grader.explore.scene import Scene
from grader.explore.waiting import check_local, keeps_its_level
from grader.verdict import WRONG, Fail

LINE = 64
NODES = 2 * LINE * 8


def test_two(cell):
    """Two CPUs take the lock, and nobody is lost in the queue."""
    explore(lock_region(Scene(cell), "queued", (0, 1), fair=True))


def test_order(cell):
    """Three and four CPUs get it in the order in which they ask."""
    # While one gives it back, another has just asked, and a third comes.
    explore(lock_region(Scene(cell), "queued", range(3), fair=True, waiting=[]),
            most=260, pct=4, walks=4)
    cell.park()
    for cpus in (3, 4):
        explore(lock_region(Scene(cell), "queued", range(cpus), fair=True),
                preemptions=5 - cpus, most=100, pct=6, walks=6)
        cell.park()
    check_all_cpus(cell, "queued")


def test_nodes(cell):
    """Nodes that hold anything at all when they are used for the first time."""
    for _ in range(3):
        scene = Scene(cell)
        scene.m.write("probe_node", cell.random.randbytes(NODES))
        explore(lock_region(scene, "queued", (0, 1), fair=True), preemptions=1, most=120, pct=4, walks=4)
        cell.park()
    explore(lock_region(Scene(cell), "queued", (0, 1), check=untouched,
                        after=lambda run, cpu: mine_again(run, cpu, cell.random.randbytes(LINE)),
                        name="two CPUs, and what becomes of a node"), most=300, pct=4, walks=4)


def mine_again(run, cpu, filling):
    """queued_release() has returned: the node is its caller's, who puts something else there."""
    run.buffers.drain(cpu)
    run.buffers.show_memory()
    run.m.write(node_of(run.m, cpu), filling)
    run.notes.setdefault("nodes", {})[cpu] = filling


def untouched(run):
    """At the end: nobody has written to a node that was given back."""
    counted(run)
    for cpu, filling in run.notes["nodes"].items():
        if run.m.read(node_of(run.m, cpu), LINE) != filling:
            raise Fail(WRONG, expected=f"the node of CPU {cpu} as it was after its queued_release()",
                       seen="another CPU has written to it since",
                       cause="after the hand-over the next one may be done at any time, and its "
                       "node something else.")


def node_of(m, cpu):
    return m.elf.address("probe_node") + 2 * cpu * LINE


def test_nested(cell):
    """One lock taken inside the other, with a node for each; given back in one order and the other.  And
    each in its room."""
    check_apart(cell, "queued", 3)
    check_many(cell)
    explore(lock_region(Scene(cell), "queued", (0, 1), function="probe_queued_nested",
                        name="two CPUs, one lock inside another"),
            preemptions=1, most=200)


def test_local(cell):
    """A CPU that waits looks at a line at which nobody else looks."""
    keeps_its_level(Scene(cell), "probe_queued_round", 0)
    check_local(Scene(cell), "probe_queued_round", "probe_queued")
