"""A drain, and a program that changes what is in the ring before one of its instructions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from grader.explore.hostile import HostileScene, result_words
from grader.explore.region import lab_of
from grader.explore.rings import LIES, WORDS, Sunk
from grader.explore.sweep import Boundary, Event, Path, sweep, walk
from grader.verdict import WRONG, Fail

LAB = 6
HONEST = 3              # after each third case the next drain is an honest one


@dataclass
class Start:
    """What the host knows when a drain begins."""

    next: int
    before: bytes                       # RING_USER
    after: bytes                        # .. once it is changed
    descriptors: list[tuple]            # in the slots before, from the kernel's count on


class Drains(ABC):
    """The cases of a sweep: prepare, drain, change in between, look, and drain once more."""

    words = "the change"                # that comes before an instruction

    def __init__(self, scene: HostileScene, budget: int):
        self.scene, self.budget = scene, budget
        self.starts: dict[int, Start] = {}
        self.boundaries: list[Boundary] = []
        self.length = 0
        self.seed = scene.random.getrandbits(64)

    @abstractmethod
    def prepare(self) -> None:
        """Fills the model's page for the next drain."""

    @abstractmethod
    def change(self) -> None:
        """Changes it."""

    @abstractmethod
    def check(self, result: int, sunk: list[Sunk], descriptors: list[tuple]) -> None:
        """Fails if this could not come of either."""

    @property
    def start(self) -> Start:
        return self.starts[self.scene.turn]

    def again(self) -> None:
        """A drain is about to be called."""
        scene, peer = self.scene, self.scene.peer
        self._draw("again")
        peer.next = scene.consumed()    # was compared with what was taken
        self.prepare()
        before = bytes(peer.user)
        scene.show(whole=False)
        descriptors = [peer.descriptor(peer.next + ahead) for ahead in range(peer.slots)]
        self.change()
        scene.turn += 1
        self.starts[scene.turn] = Start(peer.next, before, bytes(peer.user), descriptors)
        scene.start_drain(self.budget)

    def _draw(self, part: str) -> None:
        """From here on what is drawn is this turn's: a chain of cases that failed is tried once more."""
        self.scene.random.seed(f"{self.seed} {self.scene.turn} {part}")

    def make(self) -> None:
        """The program writes; only what differs, so that nothing else is touched."""
        before, after = self.start.before, self.start.after
        differ = [at for at in range(len(before)) if before[at] != after[at]]
        if differ:
            first, end = differ[0], differ[-1] + 1
            self.scene.m.write(self.scene.user + first, after[first:end])

    def finish(self) -> None:
        """The drain ends; then an honest one."""
        scene, peer, start = self.scene, self.scene.peer, self.start
        self._draw("finish")
        scene.run_to("probe_returned", "ring_drain() comes back", budget=scene.limit(self.budget))
        result, sunk = scene.signed(scene.m.result(scene.cpu)), scene.sunk()
        taken = 0 if result == LIES else result
        if result < LIES or taken != len(sunk):
            raise Fail(WRONG, expected="ring_drain() gives the number of descriptors that it took, "
                       "or RING_LIES", seen=f"{result_words(result)}, and it took {len(sunk)}")
        self.check(result, sunk, start.descriptors)
        peer.next = (start.next + taken) % WORDS
        scene.check_published()
        if scene.turn % HONEST == 0:
            self.honest()

    def honest(self) -> None:
        """One more drain, of one descriptor, in which nothing changes."""
        scene, peer = self.scene, self.scene.peer
        peer.user = bytearray(self.start.after)
        peer.put(peer.next, scene.descriptor())
        peer.publish(peer.next + 1)
        scene.show(whole=False)
        scene.check_drain(self.budget, "this was the next drain, with an honest program")
        scene.check_canaries()

    def sweep(self, name: str) -> None:
        """Before each instruction of the lab's, from ring_drain() on."""
        scene = self.scene
        self.again()
        start = scene.m.snapshot()
        if not self.boundaries:
            steps = walk(scene, [scene.m.elf.address("probe_returned")], "ring_drain() comes back")
            self.boundaries, self.length = self._boundaries(steps), len(steps)
        scene.m.restore(start)
        path = Path(name, self.boundaries, self.length)
        sweep(scene, start, path, Event(self.make, self.words, 0, masked=False, noun="changes"),
              self.finish, self.again)
        scene.check_kept()

    def _boundaries(self, steps) -> list[Boundary]:
        """Each instruction once: what changes while the first descriptor is taken is there for the
        second one."""
        found: dict[int, Boundary] = {}
        for index, step in enumerate(steps):
            if step.pc not in found:
                found[step.pc] = Boundary(index, step.pc, 0, step.cpl)
        return [each for each in found.values() if lab_of(self.scene.m.elf, each.pc) == LAB]
