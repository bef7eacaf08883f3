"""Exercise 7.4: the timeline in memory that a program reads."""

import struct

from grader.explore.pages import check_none_lost, watched
from grader.explore.rings import RingScene
from grader.explore.scene import DISPATCH, PASSIVE, flags_for
from grader.explore.sweep import labs_own, trace
from grader.explore.traces import (CLOCK, EVENT, FIRST_SLOT, KERNEL, LIES, SLOTS, USER, WORDS,
                                   Traced, TraceScene)
from grader.verdict import WRONG, Fail

ENOMEM = -12            # kernel/include/errno.h
MOST_PAGES = 16         # that a reader may ask for, its tables too


class Reader(TraceScene, RingScene):
    """A program that reads the timeline."""

    def __init__(self, cell):
        TraceScene.__init__(self, cell)
        self.free = self.m.call(0, "page_count_free")
        self.owner = self.thread()
        if self.map():
            raise Fail(WRONG, expected="trace_map() gives 0", seen="an error")
        self.page, self.word = self.pages()
        if self.page % 4096 or self.word % 4096 or not self.page or not self.word:
            raise Fail(WRONG, expected="trace_map() sets reader->user and reader->kernel to the pages",
                       seen=f"{self.word:#x} and {self.page:#x}")

    def another(self) -> None:
        """The program ends, and another one is there."""
        self.m.call(0, "trace_unmap", self.m.elf.address("trace_reader"))
        self.owner = self.thread()

    def again(self) -> None:
        """The program ends, and another one reads."""
        self.another()
        if self.map():
            raise Fail(WRONG, expected="trace_map() gives 0 to a second reader", seen="an error")
        self.page, self.word = self.pages()

    def map(self) -> int:
        return self.signed(self.m.call(0, "probe_trace_map", self.owner))

    def pages(self) -> tuple[int, int]:
        """RING_KERNEL's and RING_USER's counterparts as the kernel sees them."""
        at = self.m.elf.address("probe_trace_fields")
        user, kernel = struct.unpack("<2I", self.m.elf.read(at, 8))
        reader = self.m.elf.address("trace_reader")
        return self.m.ptr(reader + kernel), self.m.ptr(reader + user)

    def export(self, cpu: int = 0) -> int:
        return self.signed(self.m.call(cpu, "probe_trace_export", flags=flags_for(DISPATCH, True)))

    def produced(self) -> int:
        return self.m.u32(self.page)

    def slot(self, number: int) -> Traced:
        return Traced.of(self.m.read(self.page + FIRST_SLOT + number % SLOTS * EVENT.size, EVENT.size))

    def say_read(self, number: int) -> None:
        """The program has read everything before this one, it says."""
        self.m.write_u32(self.word, number % WORDS)


def test_pages(cell):
    """What is mapped and how; after the end the pages are free, and all can begin again."""
    for _ in range(2):
        scene = Reader(cell)
        for address, rights in ((USER, "rw"), (KERNEL, "r")):
            seen = scene.mapped(address)
            if seen is None or seen[1] != rights:
                raise Fail(WRONG, expected=f"the page at {address:#x} is mapped for ring 3: {rights}",
                           seen=seen[1] if seen else "it is not mapped")
        if scene.m.read(scene.page, 4096).strip(b"\0"):
            raise Fail(WRONG, expected="a new page of zeros in front of ring 3", seen="other bytes")
        scene.m.call(0, "trace_unmap", scene.m.elf.address("trace_reader"))
        scene.m.call(0, "as_destroy", scene.pointer_of_space(), budget=400_000)
        left = scene.m.call(0, "page_count_free")
        if left != scene.free:
            raise Fail(WRONG, expected=f"{scene.free} free pages, as before the program began",
                       seen=str(left))
        cell.park()
    second(cell)
    no_page(cell)
    stays(cell)


def second(cell):
    """Another program reads after the first one: it begins with the first slot, and with the events
    that the first has left."""
    scene = Reader(cell)
    values = [scene.value() for _ in range(SLOTS + 3)]
    for value in values[:5]:
        scene.hit(CLOCK, value)
    scene.export()
    for value in values[5:]:
        scene.hit(CLOCK, value)
    scene.again()
    if scene.m.read(scene.page, 4096).strip(b"\0"):
        raise Fail(WRONG, expected="a second reader begins with pages of zeros", seen="other bytes")
    moved, wanted = scene.export(), SLOTS - 2
    if (moved, scene.produced()) != (wanted, wanted):
        raise Fail(WRONG, expected=f"{wanted} events for a second reader, who has read none",
                   seen=f"{moved} moved, and its count is {scene.produced()}",
                   cause="all that the kernel counts for the first one has ended with it.")
    for number in range(wanted):
        scene.check(scene.slot(number), CLOCK, 0, values[5 + number])
    cell.park()


def stays(cell):
    """The level and IF stay as they are, at both ends of a reader's life."""
    scene = Reader(cell)
    reader = scene.m.elf.address("trace_reader")
    for level, interrupts in ((PASSIVE, True), (DISPATCH, False)):
        scene.check_keeps(0, "trace_unmap", reader, level=level, interrupts=interrupts)
        scene.owner = scene.thread()
        scene.check_keeps(0, "probe_trace_map", scene.owner, level=level, interrupts=interrupts)
    cell.park()


def no_page(cell):
    """There is no page left, from each of trace_map()'s calls of page_alloc() on; then there is."""
    scene = Reader(cell)
    scene.another()
    start = scene.m.snapshot()
    for number in range(MOST_PAGES):
        scene.m.restore(start)
        pages = watched(scene, 0, "probe_trace_map", scene.owner, short=lambda n: n >= number)
        if not pages.refused:
            break
        seen = scene.signed(pages.result)
        if seen != ENOMEM:
            raise Fail(WRONG, expected=f"{ENOMEM}, -ENOMEM: page_alloc() has no page left",
                       seen=str(seen))
        if scene.mapped(USER) or scene.mapped(KERNEL):
            raise Fail(WRONG, expected="nothing mapped, after -ENOMEM", seen="one of the pages")
        watched(scene, 0, "as_destroy", scene.pointer_of_space(), pages=pages)
        check_none_lost(pages, "after -ENOMEM and the end of the program", "trace_map()")
    if number == 0:
        raise Fail(WRONG, expected="the pages come from page_alloc()", seen="they do not")
    cell.park()


def test_through(cell):
    """Events come into the slots, whole and in order; a reader that is slow loses none."""
    scene = Reader(cell)
    made, read = [], 0
    for _ in range(6):
        for _ in range(scene.random.randrange(10, 30)):
            cpu, value = scene.random.randrange(2), scene.value()
            scene.hit(CLOCK, value, cpu)
            made.append((cpu, value))
        before = scene.produced()
        moved = scene.export(scene.random.randrange(2))
        room = SLOTS - (before - read)
        if moved > room or scene.produced() != before + moved:
            raise Fail(WRONG, expected=f"at most {room} events moved, and counted",
                       seen=f"{moved} moved, the count went up by {scene.produced() - before}")
        for number in range(read, scene.produced() - scene.random.randrange(2)):
            event = scene.slot(number)
            if (event.cpu, event.value) != made[number]:
                raise Fail(WRONG, expected=f"event {number} in its slot", seen="another one")
            read = number + 1
        scene.say_read(read)
    while scene.export() > 0:
        scene.say_read(scene.produced())
    scene.check_stays("probe_trace_export")
    if scene.produced() != len(made):
        raise Fail(WRONG, expected=f"{len(made)} events in all", seen=str(scene.produced()))


def test_full(cell):
    """A reader that reads nothing: its slots stay as they are, and no event is lost."""
    scene = Reader(cell)
    values = [scene.value() for _ in range(SLOTS + 20)]
    for value in values[:60]:
        scene.hit(CLOCK, value)
    scene.export()
    for value in values[60:]:
        scene.hit(CLOCK, value)
    scene.export()
    before = scene.m.read(scene.page, 4096)
    if scene.export() != 0 or scene.m.read(scene.page, 4096) != before:
        raise Fail(WRONG, expected="a full ring stays as it is", seen="it does not")
    for number in range(SLOTS):
        scene.check(scene.slot(number), CLOCK, 0, values[number])
    scene.say_read(7)
    if scene.export() != 7:
        raise Fail(WRONG, expected="room for 7 more events", seen="another number was moved")
    for number in range(7, SLOTS + 7):
        scene.check(scene.slot(number), CLOCK, 0, values[number])


def outside(scene) -> bytes:
    """What a lie must not change: the frames beside the page, but for the program's own page, and the
    page behind its slots."""
    end = FIRST_SLOT + SLOTS * EVENT.size
    beside = [page for page in (scene.page - 4096, scene.page + 4096) if page != scene.word]
    rest = scene.m.read(scene.page + end, 4096 - end)
    return b"".join(scene.m.read(page, 4096) for page in beside) + rest


def test_hostile(cell):
    """The program says that it has read whatever it likes: 600 counts, most of them impossible."""
    scene = Reader(cell)
    beside = outside(scene)
    for number in range(40):
        scene.hit(CLOCK, number)
    scene.export()
    made = 40
    edges = [0, -1, 1, 39, 40, 41, SLOTS, SLOTS + 40, 40 - SLOTS, 39 - SLOTS, 1 << 31, (1 << 31) + 40,
             40 - (1 << 16), 40 + (1 << 16), 40 - (1 << 8)]
    for turn in range(300):
        now = scene.produced()
        say = edges[turn] if turn < len(edges) else scene.random.choice(
            (scene.random.getrandbits(32), now + scene.random.randrange(-70, 5)))
        scene.say_read(say)
        unread = (now - say) % WORDS
        before = scene.m.read(scene.page, 4096)
        wanted = LIES if unread > SLOTS else None
        moved = scene.export()
        if wanted == LIES and (moved != LIES or scene.m.read(scene.page, 4096) != before):
            raise Fail(WRONG, expected=f"{now} events were put in; a program that says it has read "
                       f"{say % WORDS} lies, and nothing is moved", seen=f"{moved} events moved")
        if wanted is None:
            if moved < 0 or moved > SLOTS - unread:
                raise Fail(WRONG, expected=f"at most {SLOTS - unread} events moved", seen=str(moved))
            scene.hit(CLOCK, made)
            made += 1
        if outside(scene) != beside:
            raise Fail(WRONG, expected="nothing written outside the slots", seen="other bytes")
    cell.count("attempts", 300)
    scene.say_read(scene.produced())
    scene.export()
    scene.check(scene.slot(scene.produced() - 1), CLOCK, 0, made - 1)


def test_meanwhile(cell):
    """The program changes its count between any two instructions of trace_export()."""
    scene = Reader(cell)
    for number in range(SLOTS):
        scene.hit(CLOCK, number)
    scene.export()
    for number in range(6):
        scene.hit(CLOCK, SLOTS + number)
    scene.say_read(3)
    beside = outside(scene)
    scene.m.start(0, "probe_trace_export", flags=flags_for(DISPATCH, True))
    scene.run_to("probe_trace_export", "the grader's own code")
    start = scene.m.snapshot()
    path = labs_own(scene, trace(scene, "trace_export()",
                                 (scene.m.elf.address("probe_returned"),), "trace_export() returns"))
    for boundary in path.boundaries:
        for say in (64, 1 << 31):
            scene.m.restore(start)
            if boundary.index:
                scene.m.step(0, boundary.index)
            for number in range(SLOTS, scene.produced()):
                scene.check(scene.slot(number), CLOCK, 0, number, at=scene.m.place(boundary.pc),
                            cause="the count was published before the event was in its slot.")
            scene.say_read(say)
            scene.run_to("probe_returned", "trace_export() returns", at=scene.m.place(boundary.pc))
            moved = scene.signed(scene.m.result(0))
            # It believed 3, or what came then: room for all 6, or a lie, seen before or behind an
            # event if it looks again for each.
            if moved not in (range(3, 7) if say == 64 else (1, 2, 3, LIES)):
                raise Fail(WRONG, expected="room for 3 events, or what the new count says, or for a lie "
                           f"an error ({LIES})" if say > 64 else "room for 3 events, or for what the new "
                           "count says", seen=f"{moved} moved", at=scene.m.place(boundary.pc),
                           cause="the count that was checked is not the one that was used.")
            if scene.produced() != SLOTS + max(moved, 0):
                raise Fail(WRONG, expected=f"{moved} moved, and counted", at=scene.m.place(boundary.pc),
                           seen=f"the count went up by {scene.produced() - SLOTS}")
            if outside(scene) != beside:
                raise Fail(WRONG, expected="nothing written outside the slots", seen="other bytes",
                           at=scene.m.place(boundary.pc))
    cell.count("boundaries", len(path.boundaries))
