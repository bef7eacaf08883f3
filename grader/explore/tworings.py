"""Two programs, each with a ring of its own: what happens to the one is nothing to the other."""

from __future__ import annotations

from grader.explore.hostile import HostileScene
from grader.explore.rings import WORDS
from grader.explore.scene import DISPATCH, flags_for
from grader.explore.sweep import Event, at_accesses, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

SUBJECT, OTHER = 0, 1                   # CPUs
SLOTS, OTHERS = 4, 8                    # slots of the two
WAITING = 3                             # descriptors in each
AT_DISPATCH = flags_for(DISPATCH, True)


class SecondRing(HostileScene):
    """rings[1], of a program of its own; drained on CPU 1."""

    def __init__(self, cell):
        super().__init__(cell)
        self.cpu = OTHER
        self.ring += self.field["size"]

    def new(self, slots: int = OTHERS, first: int = 0) -> int:
        """As the given half makes one; what ring_map() gave."""
        self.owner, self.slots = self.thread(), slots
        self.m.write(self.ring, bytes(self.field["size"]))
        self.m.write(self.ring + self.field["used"], b"\1")
        self.m.write_ptr(self.ring + self.field["as"], self.pointer_of_space())
        self.m.write_u32(self.ring + self.field["slots"], slots)
        error = self.signed(self.m.call(0, "ring_map", self.ring, first))
        if error == 0:
            self.user, self.kernel, self.data = map(self.pointer, ("user", "kernel", "data"))
        return error

    def made(self, slots: int = OTHERS, first: int = 0) -> None:
        error = self.new(slots, first)
        if error:
            raise Fail(WRONG, expected="a second program has a ring, too", seen=str(error))

    def start_drain(self, budget: int) -> None:
        self.m.start(self.cpu, "ring_drain", self.ring, budget, flags=AT_DISPATCH)


def wait_in(scene: HostileScene) -> list:
    """WAITING good descriptors are in a ring; what has to come out, in order."""
    peer = scene.peer
    for ahead in range(WAITING):
        peer.put(peer.next + ahead, scene.descriptor())
    peer.publish(peer.next + WAITING)
    scene.show()
    return peer.drain(WAITING)[1]


def check_two(cell) -> None:
    """Before each access of a drain of one ring another CPU drains the other one."""
    one, two = HostileScene(cell), SecondRing(cell)
    m, random = one.m, cell.random
    one.ready(SLOTS, WORDS - 2, [(512, 40)])
    two.ready(OTHERS, random.getrandbits(32), [(64, 16), (3000, 200)])
    wanted = [wait_in(one), wait_in(two)]
    one.start_drain(WAITING)
    start = m.snapshot()
    path = trace(one, "a drain, while another CPU drains another program's ring",
                 [m.elf.address("probe_returned")], "ring_drain() comes back")
    path = at_accesses(one, labs_own(one, path))
    over = [False]

    def drains():
        two.start_drain(WAITING)
        over[0] = two.comes_back(OTHER)

    def finish():
        one.run_to("probe_returned", "ring_drain() comes back", budget=one.limit(WAITING))
        if not over[0]:
            two.run_to("probe_returned", "ring_drain() of another ring comes back")
        both(one, two, wanted)

    m.restore(start)
    sweep(one, start, path, Event(drains, "another ring's drain", 0, masked=False, noun="drains"),
          finish)
    cell.park()


def both(one: HostileScene, two: HostileScene, wanted: list[list]) -> None:
    """Each ring gave its own, in its order, and says so."""
    came = one.sunk()
    for scene, its, words in ((one, wanted[0], "the ring"), (two, wanted[1], "another program's ring")):
        mine = [each for each in came if each.cookie in {every.cookie for every in its}]
        seen = scene.signed(scene.m.result(scene.cpu))
        if seen != WAITING or mine != its:
            raise Fail(WRONG, expected=f"{WAITING} descriptors come out of {words}, as they were put in",
                       seen=f"ring_drain() gives {seen}, and " + ("they are" if mine == its else
                                                                  "other bytes or cookies come"),
                       cause="two rings are drained on two CPUs at the same time: each has its area.")
        scene.check_published()
    if len(came) != 2 * WAITING:
        raise Fail(WRONG, expected=f"{2 * WAITING} descriptors of two rings", seen=str(len(came)))
