"""A region around a ring: one CPU puts in while another takes out."""

from __future__ import annotations

import struct

from grader.explore.region import Memory, Program, Region, Run
from grader.explore.rings import (DESCRIPTOR, DOORBELL, FULL, MASKED, PUSHED, SEQUENCE, WORDS,
                                  RingScene, Sunk, fnv, say)
from grader.explore.scene import DISPATCH, flags_for
from grader.machine.types import Unmapped
from grader.verdict import WRONG, Fail

PROGRAM, KERNEL = 0, 1                  # the CPU that puts in, and the one that takes out
AT_DISPATCH = flags_for(DISPATCH, True)
LONGEST = 12                            # bytes that a descriptor names, at most
FIELDS = ("handle", "offset", "length", "cookie")
CANARY, LAB6_AREA = 64, 512             # kernel/include/layout.h


class Traffic:
    """What one CPU puts into a ring while another takes out; follows both."""

    def __init__(self, scene: RingScene, slots: int, waiting: int, count: int, first: int,
                 armed: bool):
        """`waiting` descriptors are in the ring already, `count` will be put in."""
        self.scene, self.waiting, self.count, self.first = scene, waiting, count, first
        self.slots = slots
        self.room = scene.form.room(slots)
        scene.made(slots, first)
        data = scene.fill()
        handle = scene.grant(0, len(data))
        self.descriptors: list[tuple[int, int, int, int]] = []
        self.expected: list[Sunk] = []
        cookies = scene.random.sample(range(1, 1 << 16), waiting + count + 1)
        for cookie in cookies:
            length = scene.random.randrange(1, LONGEST + 1)
            offset = scene.random.randrange(len(data) - length)
            self.descriptors.append((handle, offset, length, cookie))
            self.expected.append(scene.good(data[offset:offset + length], cookie))
        scene.describe(self.descriptors)
        self.before = 0
        if not armed:               # one goes through: then nobody asks for a doorbell any more
            self._through(1)
        if scene.push(self.before, waiting) != waiting:
            raise Fail(WRONG, seen="it is full",
                       expected=f"a ring of {slots} slots has room for {waiting} descriptors")
        scene.forget()

    def _through(self, number: int) -> None:
        """Puts in the last of the descriptors, and takes it out again."""
        index = len(self.descriptors) - 1
        pushed, taken = self.scene.push(index, number), self.scene.drain()
        if (pushed, taken) != (number, number):
            raise Fail(WRONG, expected="one descriptor goes through the ring, which is empty",
                       seen=f"ring_push() put in {pushed}, ring_drain() gave {taken}")
        self.first = (self.first + number) % WORDS

    # ---- while it runs ----

    def begun(self, run: Run) -> None:
        run.notes["out"], run.notes["pushes"], run.notes["over"] = 0, 0, 0
        run.notes["may be full"] = []

    def pushes(self, run: Run, cpu: int) -> None:
        """The program is about to call ring_push(): could the ring be full, for all that it sees?

        The kernel's count only grows, so if it is not full now, it is not full later in this call.
        """
        run.buffers.show_memory()
        put = self.waiting + run.notes["pushes"]
        run.notes["pushes"] += 1
        wrap = self.slots if self.scene.form.kind == MASKED else WORDS
        inside = (self.first + put - self.scene.consumed()) % wrap
        run.notes["may be full"].append(inside >= self.room)

    def arms(self, run: Run, cpu: int) -> None:
        """The kernel is about to call ring_arm(): which calls of ring_push() are over by then?  The
        last one may not be."""
        run.notes["over"] = max(0, run.notes["pushes"] - 1)

    def sinks(self, run: Run, cpu: int) -> None:
        """The kernel gives a descriptor to its sink: is it the next one, and whole?"""
        number = run.notes["out"]
        run.notes["out"] += 1
        put = self.waiting + run.notes["pushes"]
        if number >= put:
            raise Fail(WRONG, expected=f"{put} descriptors come out: no more were put in",
                       seen="one more comes out")
        length, cookie = self.scene.argument(1, cpu) % WORDS, self.scene.argument(2, cpu) % WORDS
        wanted = self.expected[number]
        try:
            data = run.m.read(self.scene.argument(0, cpu), min(length, LONGEST), cpu)
        except Unmapped:
            data = b""
        self._compare(number, Sunk(True, cookie, length, fnv(data)), wanted)

    def refuses(self, run: Run, cpu: int) -> None:
        """The kernel refuses a descriptor: here each of them is good."""
        number = run.notes["out"]
        wanted = self.expected[min(number, len(self.expected) - 1)]
        self._compare(number, self.scene.bad(self.scene.argument(0, cpu) % WORDS), wanted)

    def _compare(self, number: int, seen: Sunk, wanted: Sunk) -> None:
        if seen == wanted:
            return
        others = [n for n, each in enumerate(self.expected) if each == seen]
        what = f"descriptor {others[0]} again" if others and others[0] < number \
            else f"descriptor {others[0]}" if others else say(seen)
        raise Fail(WRONG, expected="what comes out is what was put in; next is descriptor "
                   f"{number}: {say(wanted)}", seen=what)

    # ---- at the end ----

    def end(self, run: Run) -> tuple[int, int, list[int]]:
        """How many are in, how many came out, and what ring_push() said of each; fails if what is
        in the ring's pages is not what is left."""
        scene, form = self.scene, self.scene.form
        calls, out = run.notes["pushes"], run.notes["out"]
        raw = run.m.read(run.m.elf.address("probe_pushed") + 4 * self.waiting, 4 * calls)
        said = [word - 1 for (word,) in struct.iter_unpack("<I", raw)]
        for number, word in enumerate(said):
            if word not in (FULL, PUSHED, DOORBELL):
                raise Fail(WRONG, expected="ring_push() gives one of enum ring_pushed",
                           seen=f"{word}")
            if word == FULL and not run.notes["may be full"][number]:
                raise Fail(WRONG, expected=f"a ring with room for {self.room} descriptors takes "
                           "another one: there was room all the time", seen="RING_FULL")
        put = self.waiting + sum(word != FULL for word in said)
        if out > put:
            raise Fail(WRONG, expected=f"{put} descriptors come out: no more were put in",
                       seen=f"{out}")
        self._check_count("the kernel's count", scene.consumed(), out)
        if form.kind != SEQUENCE:
            self._check_count("the program's count", run.m.u32(scene.user + form.produced), put)
        for number in range(out, put):
            self._check_left(run, number)
        return put, out, said

    def _check_count(self, name: str, seen: int, number: int) -> None:
        wanted = self.scene.form.count(self.first + number, self.slots)
        if seen != wanted:
            raise Fail(WRONG, expected=f"{name} is {wanted:#x} at the end", seen=f"{seen:#x}")

    def _check_left(self, run: Run, number: int) -> None:
        """A descriptor that has not come out must lie in its slot."""
        form, at = self.scene.form, self.scene.slot(self.first + number)
        seen = DESCRIPTOR.unpack(run.m.read(at + form.descriptor, DESCRIPTOR.size))
        if seen != self.descriptors[number]:
            raise Fail(WRONG, expected=f"descriptor {number} has come out, or lies in its slot",
                       seen="neither")
        if form.kind == SEQUENCE:
            word, wanted = run.m.u32(at + form.sequence), (self.first + number + 1) % WORDS
            if word != wanted:
                raise Fail(WRONG, expected=f"descriptor {number} has come out, or its slot says "
                           f"{wanted:#x}", seen=f"it says {word:#x}")

    def whole(self, run: Run) -> None:
        """At the end: what is not out is in the ring."""
        self.end(run)

    def awake(self, run: Run) -> None:
        """At the end: nothing lies in the ring of which the kernel does not know."""
        put, out, said = self.end(run)
        if out == put:
            return
        if out < self.waiting:
            raise Fail(WRONG, expected="ring_arm() is true when nothing waits",
                       seen="it is, and a descriptor has waited from the start")
        left = out - self.waiting
        # One that came before rings as well, if it was told so when the kernel had armed: one
        # doorbell is enough to wake it.
        if DOORBELL in said[min(run.notes["over"], left):left + 1]:
            return
        raise Fail(WRONG, expected=f"the kernel takes descriptor {out}, or ring_push() says "
                   "RING_DOORBELL",
                   seen="it lies in the ring, ring_push() said RING_PUSHED, and ring_arm() let "
                   "the kernel go", cause="a lost wake-up: neither saw the other.")


def ring_memory(scene: RingScene) -> list[Memory]:
    """The words of both pages by their names, and what each side keeps for itself."""
    form, m = scene.form, scene.m
    found = []
    if form.kind != SEQUENCE:
        found.append(Memory("produced", scene.user + form.produced, 4))
    for number in range(scene.slots):
        at = scene.user + form.slots + number * form.slot_size
        if form.kind == SEQUENCE:
            found.append(Memory(f"slot {number}.sequence", at + form.sequence, 4))
        found += [Memory(f"slot {number}.{name}", at + form.descriptor + 4 * n, 4)
                  for n, name in enumerate(FIELDS)]
    found += [Memory("consumed", scene.kernel + form.consumed, 4),
              Memory("armed", scene.kernel + form.armed, 4),
              Memory("the kernel's own part", scene.ring + scene.field["lab6"] + CANARY,
                     LAB6_AREA)]
    return found + [Memory("the program's own part", m.elf.address("probe_producer"),
                           m.elf.size("probe_producer")),
                    Memory("probe_sunk_count", m.elf.address("probe_sunk_count"), 4)]


def traffic_region(scene: RingScene, name: str, slots: int, count: int, taker: tuple, *,
                   waiting: int = 0, armed: bool = True, doorbell: bool = False) -> Region:
    """CPU 0 puts in `count` descriptors, CPU 1 runs `taker`: a function of the probe's and its
    arguments.  With `doorbell` nothing may be left behind of which nobody knows."""
    first = WORDS - scene.random.randrange(1, 4)        # counts wrap
    traffic = Traffic(scene, slots, waiting, count, first, armed)
    function, *args = taker
    arms = {"ring_arm": traffic.arms} if doorbell else {}
    state = "it is empty" if not waiting else f"{waiting} of {traffic.room} are in"
    return Region(
        scene, name, [Program(PROGRAM, "probe_push", (waiting, count)),
                      Program(KERNEL, function, tuple(args), AT_DISPATCH)],
        ring_memory(scene),
        marks={"ring_push": traffic.pushes, "probe_sunk": traffic.sinks,
               "probe_refused": traffic.refuses, "memcpy": copies, **arms},
        words={"probe_push": "begins", "ring_push": "calls ring_push()",
               "ring_arm": "calls ring_arm()",
               "probe_sunk": "ring_sink() has it",
               "probe_refused": "ring_refuse() has it", "memcpy": "memcpy()"},
        begun=traffic.begun, check=traffic.awake if doorbell else traffic.whole,
        columns={"out": lambda run: str(run.notes["out"])},
        start=f"a ring of {slots} slots, {state}; CPU 0 is about to put in {count}, CPU 1 to take "
        "out" + f"; {'a' if armed else 'no'} doorbell is asked for" * doorbell)


def copies(run: Run, cpu: int) -> None:
    """A CPU is about to copy: another one may come first."""
