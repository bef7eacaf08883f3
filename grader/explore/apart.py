"""A lock beside others: it is a lock of its own, and lies in its room."""

from __future__ import annotations

from grader.explore.lockcalls import GRACE, ROUND
from grader.explore.locks import KINDS
from grader.explore.scene import DISPATCH, HIGH, PASSIVE, Scene
from grader.explore.waiting import FLAGS, SETTLED
from grader.machine.types import CallFailed
from grader.verdict import HANG, WRONG, Fail

LINE = 64
MAX_CPUS = 8
MANY = 4            # queued locks that a CPU has at a time
WANTED = {2: 1, 3: 2}       # which of them other CPUs wait for
STEPS = (("acquire", 3), ("release", 3), ("release", 1), ("acquire", 3), ("release", 2), ("release", 3),
         ("release", 0))    # of that CPU, which has the others by then
SPARE = 4 * LINE    # behind the nodes of CPUs 0 and 1, which are in use
WAITED = 50_000     # instructions for which a CPU is watched while it has to wait: many turns of a loop
HOW = ((PASSIVE, False), (DISPATCH, True), (HIGH, False))       # levels, and whether interrupts are on


class Apart:
    """CPU 0 has one lock; another one, and what is needed to take it, lies in memory that is fenced."""

    def __init__(self, cell, kind: str, rooms: int):
        self.scene, self.kind = Scene(cell), kind
        self.m = self.scene.m
        self.fence = [cell.random.randbytes(LINE) for _ in range(rooms + 1)]
        base = self.m.elf.address("probe_node") + SPARE
        self.rooms = [base + LINE * (2 * n + 1) for n in range(rooms)]
        self.parts = [(base + 2 * LINE * n, part) for n, part in enumerate(self.fence)]
        for address, part in self.parts:
            self.m.write(address, part)
        call, _ = KINDS[kind]
        self.m.start(0, call, 0)
        self.scene.run_cpu(0, "probe_inside", f"{kind}_acquire() takes a lock that is free")

    def round(self, level: int, interrupts: bool) -> None:
        """CPU 1 takes the other lock and gives it back; meanwhile CPU 2 wants it too."""
        lock, *node = self.rooms
        for name in ("acquire", "release"):
            function = f"{self.kind}_{name}"
            try:
                self.scene.check_keeps(1, function, lock, *node[:1], level=level, interrupts=interrupts)
            except Fail as fail:
                self.check_fences()
                if fail.failure.reason == HANG and name == "acquire":
                    fail.failure.cause = ("CPU 0 has another lock, which is not in the way of this one: "
                                          f"all that a lock knows lies in its room of {LINE} bytes.")
                raise
            if name == "acquire":
                self.waits(lock, *node[1:])
        self.scene.run_cpu(2, "probe_returned", "CPU 2 takes the lock that CPU 1 has given back")
        self.scene.check_keeps(2, f"{self.kind}_release", lock, *node[1:], level=PASSIVE, interrupts=False)

    def waits(self, *rooms: int) -> None:
        self.m.start(2, f"{self.kind}_acquire", *rooms)
        stop = self.m.run(2, "probe_returned", WAITED)
        if stop.reason not in ("address", "budget"):
            raise self.scene.failed(stop, "CPU 2 waits")
        if stop.reason == "address":
            raise Fail(WRONG, expected="CPU 2 waits, however long: CPU 1 has this lock", seen="both have it")

    def check_fences(self) -> None:
        for address, part in self.parts:
            if self.m.read(address, LINE) != part:
                raise Fail(WRONG, expected=f"what lies beside a room of {LINE} bytes stays as it was",
                           seen=f"{self.kind}_acquire() or {self.kind}_release() has written there",
                           cause=f"a lock has {LINE} bytes, LOCK_SIZE, and so has a node.")


def check_apart(cell, kind: str, rooms: int = 1) -> None:
    """Two locks are two locks, and keep to their rooms; level and IF stay as they were."""
    apart = Apart(cell, kind, rooms)
    for level, interrupts in HOW:
        apart.round(level, interrupts)
    apart.check_fences()
    cell.park()


def check_many(cell) -> None:
    """CPU 1 has several queued locks at a time, each with a node, gives them back in another order, and takes
    one again meanwhile; CPUs 2 and 3 wait for one each."""
    scene = Scene(cell)
    m, base = scene.m, scene.m.elf.address("probe_node")
    m.write("probe_node", bytes(LINE * (2 * MANY + len(WANTED))))
    pairs = [(base + 2 * n * LINE, base + (2 * n + 1) * LINE) for n in range(MANY)]
    for lock, node in pairs[:-1]:
        m.call(1, "queued_acquire", lock, node, flags=FLAGS)
    for line, (cpu, n) in enumerate(WANTED.items(), 2 * MANY):
        m.start(cpu, "queued_acquire", pairs[n][0], base + line * LINE, flags=FLAGS)
    waiting = dict(WANTED)
    for what, n in STEPS:
        said = f"CPU 1 {what}s lock {n}"
        try:
            m.call(1, f"queued_{what}", *pairs[n], flags=FLAGS, budget=GRACE)
        except CallFailed as failed:
            raise scene.failed(failed.stop, f"queued_{what}() returns: {said}, {MANY} of which it has taken, "
                               "each with a node") from None
        for cpu, wanted in list(waiting.items()):
            its_turn = (what, n) == ("release", wanted)
            stop = m.run(cpu, "probe_returned", ROUND if its_turn else SETTLED)
            if (stop.reason == "address") != its_turn:
                raise Fail(WRONG, expected=f"CPU {cpu} gets lock {wanted} when CPU 1 gives that one back; CPU 1 "
                           f"has taken {MANY} queued locks, each with a node",
                           seen=f"it {'does not get it' if its_turn else 'gets it'} when {said}")
            if its_turn:
                del waiting[cpu]
    cell.park()


def check_all_cpus(cell, kind: str) -> None:
    """As many CPUs as there may be want one lock, and get it in the order in which they ask."""
    cell.use(MAX_CPUS)
    scene, (call, _) = Scene(cell), KINDS[kind]
    for cpu in range(MAX_CPUS):
        scene.m.start(cpu, call, 0)
        _inside(scene, cpu, cpu == 0, f"CPU 0 has the lock, and {cpu} CPUs want it")
    for cpu in range(1, MAX_CPUS):
        scene.run_cpu(cpu - 1, "probe_returned", f"CPU {cpu - 1} gives the lock back")
        for other in range(MAX_CPUS - 1, cpu - 1, -1):
            _inside(scene, other, other == cpu, f"CPU {cpu} is the first that waits")
    cell.park()


def _inside(scene: Scene, cpu: int, wanted: bool, why: str) -> None:
    stop = scene.m.run(cpu, "probe_inside", ROUND if wanted else SETTLED)
    if stop.reason not in ("address", "budget"):
        raise scene.failed(stop, f"CPU {cpu} goes on")
    if (stop.reason == "address") != wanted:
        raise Fail(WRONG, expected=f"CPU {cpu} {'has the lock' if wanted else 'waits'}: {why}",
                   seen=f"it {'waits' if wanted else 'has the lock'}")
