"""Exercise 6.2: descriptors in at one end, out at the other."""

from grader.explore.ring3 import Ring3
from grader.explore.rings import (
    DESCRIPTOR, DOORBELL, FULL, KERNEL, PUSHED, SEQUENCE, SLOTS_MAX, USER, WORDS, RingScene)
from grader.explore.ringwords import check_kernel_page
from grader.explore.scene import flags_for
from grader.explore.tworings import check_two
from grader.verdict import WRONG, Fail

LONGEST = 64            # bytes that a descriptor names here
IN = (PUSHED, DOORBELL)
LEVEL = flags_for(2, True)
BUDGET = 100_000


class Queue:
    """A new ring, and what has to come out of it next."""

    def __init__(self, cell, slots, first=0):
        self.scene = RingScene(cell)
        self.scene.made(slots, first)
        self.slots = slots
        self.room = self.scene.form.room(slots)
        self.put = self.got = first             # numbers of the next descriptors
        self.data = self.scene.fill()
        self.handle = self.scene.grant(0, len(self.data))
        if self.handle < 0:
            raise Fail(WRONG, expected="a handle for all of RING_DATA", seen=str(self.handle))
        self.waiting = []                       # that the kernel has not taken

    def fresh(self):
        """A descriptor, and what the sink must get of it."""
        random = self.scene.random
        length = random.randrange(LONGEST + 1)
        offset = random.randrange(len(self.data) - length + 1)
        cookie = random.getrandbits(32)
        return ((self.handle, offset, length, cookie),
                self.scene.good(self.data[offset:offset + length], cookie))

    def words(self):
        """The ring in words, for a report."""
        return f"a ring of {self.slots} slots in which {len(self.waiting)} descriptors wait"

    def push(self, count):
        """Pushes so many: those in for which there is room, and at the first other one it is full."""
        scene, start = self.scene, self.words()
        new = [self.fresh() for _ in range(count)]
        scene.describe([descriptor for descriptor, _ in new])
        fits = min(count, self.room - len(self.waiting))
        seen = scene.push(0, count)
        if seen != fits:
            raise Fail(WRONG, expected=f"{start} has room for {fits} of {count} more", seen=str(seen))
        for index in range(fits):
            if scene.said(index) not in IN:
                raise Fail(WRONG, expected="RING_PUSHED or RING_DOORBELL",
                           seen=f"ring_push() gives {scene.said(index)}")
        if fits < count and scene.said(fits) != FULL:
            raise Fail(WRONG, expected="RING_FULL", seen=f"ring_push() gives {scene.said(fits)}")
        self.waiting += [sunk for _, sunk in new[:fits]]
        self.put += fits
        return [descriptor for descriptor, _ in new[:fits]]

    def drain(self, budget=SLOTS_MAX):
        """ring_drain() takes as many as there are, up to its budget, and the right ones."""
        start = self.words()
        wanted = min(budget, len(self.waiting))
        self.scene.forget()
        seen = self.scene.drain(budget)
        if seen != wanted:
            raise Fail(WRONG, expected=f"ring_drain() with a budget of {budget} takes {wanted} out of "
                       f"{start}", seen=str(seen))
        self.took(wanted)
        check_kernel_page(self.scene)

    def took(self, count):
        """So many have come out."""
        self.scene.check_sunk(self.waiting[:count])
        del self.waiting[:count]
        self.got += count
        seen, count = self.scene.consumed(), self.scene.form.count(self.got % WORDS, self.slots)
        if seen != count:
            raise Fail(WRONG, expected=f"the kernel's count is {count:#x} after ring_drain()",
                       seen=f"{seen:#x}")

    def check_slots(self, descriptors):
        """What was pushed last is where the table says."""
        scene, form = self.scene, self.scene.form
        for number, descriptor in enumerate(descriptors, self.put - len(descriptors)):
            at = scene.slot(number)
            seen = DESCRIPTOR.unpack(scene.m.read(at + form.descriptor, DESCRIPTOR.size))
            if seen != descriptor:
                raise Fail(WRONG, expected=f"descriptor {number} in the slot that ring_layout names",
                           seen="another one there")
            if form.kind == SEQUENCE and scene.m.u32(at + form.sequence) != (number + 1) % WORDS:
                raise Fail(WRONG, expected=f"slot of descriptor {number}: {number + 1}, its number "
                           "plus one", seen=str(scene.m.u32(at + form.sequence)))
        count = form.count(self.put % WORDS, self.slots)
        if form.kind != SEQUENCE and scene.m.u32(scene.user + form.produced) != count:
            raise Fail(WRONG, expected=f"the program's count is {count}",
                       seen=str(scene.m.u32(scene.user + form.produced)))


def test_through(cell):
    """Batches of any size come out whole and in order; the words are where the table says.  And so it
    is in two rings at the same time."""
    queue = Queue(cell, 8)
    for batch in (1, queue.room, 3, queue.room - 1, 2, queue.room):
        queue.check_slots(queue.push(batch))
        queue.drain()
    cell.park()
    check_two(cell)


def sizes(cell):
    """Sizes of rings that hold something."""
    form = RingScene(cell).form
    return [slots for slots in (1, 2, 4, 8, 64) if form.room(slots)]


def test_full(cell):
    """One less than it can hold, all, one more; from empty and from almost full."""
    for slots in sizes(cell):
        queue = Queue(cell, slots)
        room, random = queue.room, cell.random
        for count in (room - 1, 1, 1, 0):       # full, and once more
            queue.push(count)
        queue.drain(1)
        queue.push(2)                           # one place was free
        queue.drain()
        queue.drain()                           # it is empty
        for count in (room, room + 1):
            queue.push(count)
            queue.drain()
        for _ in range(4):
            queue.push(random.randrange(room + 2))
            queue.drain(random.randrange(room + 1))
        queue.push(room + 1)
        queue.drain(room + 1)
        cell.park()


def test_wrap(cell):
    """The counts go beyond 2^31, and beyond 2^32."""
    for slots in sizes(cell)[::2]:
        for end in (1 << 31, 1 << 32):
            queue = Queue(cell, slots, end - cell.random.randrange(1, slots + 1))
            for count in (1, queue.room, queue.room + 1, max(1, queue.room - 1)):
                queue.push(count)
                queue.drain(max(1, count // 2))
                queue.push(queue.room - len(queue.waiting) + 1)
                queue.drain()
            cell.park()


def test_budget(cell):
    """So many at the most, and the others later; with 0, none; and though more come meanwhile."""
    queue = Queue(cell, 64)
    queue.push(queue.room)
    for budget in (0, 5, 1, 0, queue.scene.random.randrange(2, 20), SLOTS_MAX):
        queue.drain(budget)
    for budget in (SLOTS_MAX + 1, 1 << 31, WORDS - 1):
        queue.push(7)
        queue.drain(budget)
    for waiting, budget in ((8, 4), (8, 16), (1, 2)):
        meanwhile(queue, waiting, budget)


def meanwhile(queue, waiting, budget):
    """While CPU 1 drains, the program puts in one more for each that comes out, and another."""
    scene, m = queue.scene, queue.scene.m
    queue.push(waiting)
    scene.forget()
    m.start(1, "probe_drain", budget, 1, flags=LEVEL)
    for out in range(2 * SLOTS_MAX):
        stop = m.run(1, ("probe_sunk", "probe_returned"), BUDGET)
        if stop.reason != "address":
            raise scene.failed(stop, "ring_drain() comes to its next descriptor, or returns")
        if stop.pc == m.elf.address("probe_returned"):
            break
        if out == budget:
            raise Fail(WRONG, expected=f"ring_drain() takes {budget} at the most",
                       seen=f"one more comes out: {waiting} were in, and others have come meanwhile",
                       went_wrong=m.place(stop.pc),
                       cause="a program that is fast enough would keep the kernel there for ever.")
        queue.push(2 if out < waiting else 1)
    taken = scene.signed(m.result(1))
    fewest = min(waiting, budget)
    if not fewest <= taken <= budget:
        raise Fail(WRONG, expected=f"ring_drain() with a budget of {budget} takes {fewest} at least",
                   seen=str(taken))
    queue.took(taken)
    while queue.waiting:
        queue.drain()


# ---- the program itself ----

def test_ring_3(cell):
    """Ring 3 calls its own copy of the lab's code; the kernel drains."""
    queue = Queue(cell, 8)
    scene = queue.scene
    program = Ring3(scene)
    program.enter()
    producer = program.variable(64)
    program.call("ring_producer_init", producer, USER, KERNEL, queue.slots)
    for count in (1, queue.room + 1, 3, queue.room):
        for _ in range(count):
            descriptor, sunk = queue.fresh()
            full = len(queue.waiting) == queue.room
            seen = program.call("ring_push", producer, program.variable(DESCRIPTOR.pack(*descriptor)))
            if seen not in ((FULL,) if full else IN):
                raise Fail(WRONG, expected="RING_FULL" if full else "RING_PUSHED or RING_DOORBELL",
                           seen=f"ring_push() of ring 3 gives {seen}, with "
                                f"{len(queue.waiting)} waiting")
            if not full:
                queue.waiting.append(sunk)
        queue.drain()
