"""What an item costs by each way into the kernel: the instructions of ring 3 and of the kernel.

The program is kernel/probe/user/bench.c, which runs on CPU 0 alone; nothing else happens there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from grader.errors import GraderError
from grader.explore.registers import IF, USER_CS, USER_DS
from grader.explore.rings import DATA
from grader.explore.scene import Scene
from grader.verdict import WRONG, Fail

NOTHING, CALLS, ONE_CALL, PENDING, RING = range(5)      # enum way
NAMES = {CALLS: "a system call each", ONE_CALL: "one call for all",
         PENDING: "a pended request each", RING: "the ring"}
BATCHES = tuple(1 << n for n in range(13))              # 1 to 4096
ALIKE = 64              # more pended requests than this cost the same each, and take long
ARRAY, SENT_SIZE = 0x2000_0000, 16
PAGE = 4096
STACK_TOP = {64: 0x7FFF_FFFF_F000, 32: 0xBFFF_F000}     # USER_STACK_TOP
SETTING_UP = 200_000    # instructions, at most
EACH = 20_000           # for one item
NOISE = 1.05            # one measurement may be so much above another that it should not exceed


@dataclass
class Curve:
    """One way: instructions for each item, by the size of the batch."""

    way: int
    costs: list[float]

    @property
    def name(self) -> str:
        return NAMES[self.way]

    def below(self, other: Curve) -> int | None:
        """The smallest batch from which on it costs less than the other, or None."""
        found = None
        for batch, mine, its in zip(BATCHES, self.costs, other.costs):
            if mine >= its:
                found = None
            elif found is None:
                found = batch
        return found


class Bench:
    """The program in ring 3, waiting for orders."""

    def __init__(self, scene: Scene):
        self.scene, self.m = scene, scene.m
        at = scene.checker.address
        self.ready, self.done, self.order = at("bench_ready"), at("bench_done"), at("bench_order")
        self.sum_of = at("bench_seen")
        self.length = int.from_bytes(scene.checker.read(at("bench_length"), 4), "little")
        scene.tss()
        thread = scene.present()
        for page in range(ARRAY, ARRAY + SENT_SIZE * BATCHES[-1], PAGE):
            if not self.m.call(scene.cpu, "probe_map", thread, page):
                raise GraderError("there is no memory for the array of SYS_SEND_MANY")
        self.m.write_u32("probe_quiet", 1)
        scene.enter(scene.honest | {
            "ip": at("bench_main"), "sp": STACK_TOP[self.m.width] - 64 - scene.layout.word,
            "flags": 2 | IF, "cs": USER_CS[self.m.width], "ss": USER_DS, "ds": USER_DS,
            "es": USER_DS})
        scene.run_to(self.ready, "ring 3 back from ring_map()", budget=SETTING_UP)
        error = self.m.u32(at("bench_error"))
        if error:
            raise Fail(WRONG, expected="SYS_RING_MAP gives a ring of 64 slots",
                       seen=str(error - (error >> 31 << 32)))
        self.bytes = scene.random.randbytes(PAGE)
        self.m.write(DATA, self.bytes)

    def measure(self, way: int, items: int) -> int:
        """How many instructions so many items take, all of which the kernel must have seen."""
        before = self._seen()
        self.m.write(self.order, struct.pack("<2I", way, items))
        stop = self.m.run(self.scene.cpu, self.done, SETTING_UP + EACH * items)
        if stop.reason != "address":
            raise self.scene.failed(stop, f"{items} items sent by {NAMES[way]}")
        self.scene.run_to(self.ready, "ring 3 back from SYS_RING_SEEN")
        seen = [(now - then) % (1 << 32) for now, then in zip(self._seen(), before)]
        sent = 0 if way == NOTHING else items
        total = sum(sum(self.bytes[at:at + self.length])
                    for at in (item * self.length % PAGE for item in range(sent)))
        expected = [sent, sent * self.length, total, 0]
        if seen != expected:
            raise Fail(WRONG, expected=self._say(expected), seen=self._say(seen),
                       cause="SYS_RING_SEEN says what the sink was given, by each of the ways.")
        return stop.steps

    def _seen(self) -> tuple[int, ...]:
        """What the program was told last."""
        return struct.unpack("<4I", self.m.read(self.sum_of, 16))

    @staticmethod
    def _say(seen) -> str:
        return "{} items of {} bytes, which add up to {}; {} refused".format(*seen)

    def curve(self, way: int) -> Curve:
        """All sizes of a batch, less what the program does around it."""
        costs = []
        for batch in BATCHES:
            items = min(batch, ALIKE) if way == PENDING else batch
            costs.append((self.measure(way, items) - self.around) / items)
        return Curve(way, costs)

    def curves(self) -> dict[int, Curve]:
        """Every way.  The first round of each is not counted: it takes faults, maybe."""
        self.around = self.measure(NOTHING, 0)
        for way in NAMES:
            self.measure(way, 1)
        return {way: self.curve(way) for way in NAMES}


def crossings(curves: dict[int, Curve]) -> list[str]:
    """From which batch on the ring, and one call for many, are the cheaper way."""
    return [f"{NAMES[way]} costs less than " + "; ".join(
                f"{NAMES[other]}: {_when(curves[way].below(curves[other]))}" for other in others)
            for way, others in ((RING, (CALLS, ONE_CALL, PENDING)), (ONE_CALL, (CALLS,)))]


def _when(batch: int | None) -> str:
    if batch is None:
        return "never"
    return f"from {batch} items on" if batch > 1 else "always"


def check_shape(curves: dict[int, Curve]) -> None:
    """No number is right or wrong, but a larger batch never makes an item dearer."""
    for curve in curves.values():
        for batch, cost, before in zip(BATCHES[1:], curve.costs[1:], curve.costs):
            if cost > before * NOISE:
                raise Fail(WRONG, expected=f"{curve.name}: an item in a batch of {batch} costs no "
                           f"more than in one of {batch // 2}, {before:.0f} instructions",
                           seen=f"{cost:.0f} instructions")
