"""A program that lies to its ring, and what the kernel has to make of it.

ring_drain() depends on what is in RING_USER, on the kernel's own count and on the buffers that are
granted, and on nothing else.  So the host knows its answer to anything that a program may write.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from grader.explore.rings import (DATA_SIZE, DESCRIPTOR, FNV_PRIME, FNV_START, LIES, MASKED, PAGE,
                                  SEQUENCE, SLOTS_MAX, SUNK, WORDS, Layout, RingScene, Sunk, fnv,
                                  say)
from grader.explore.ringwords import check_kernel_page
from grader.explore.scene import DISPATCH, Guarded, flags_for
from grader.machine.types import ADDRESS, BUDGET as OUT_OF_BUDGET, Unmapped
from grader.verdict import WRONG, Fail

WORD = struct.Struct("<I")
ROW = struct.Struct("<8I")              # struct probe_row
ROW_ASKED = struct.Struct("<3I")        # what the host writes of it
ANSWER = struct.Struct("<5I")           # what the kernel does
ASKED = ROW_ASKED.size
ROWS_MAX = 4096                         # PROBE_ROWS_MAX
NOT_RUN = b"\xA5" * ANSWER.size         # what stands in a row before the kernel comes to it
ROW_BUDGET, SINK_BUDGET = 2000, 4000    # instructions for a row, and for each descriptor of it
WAITS = 20_000                          # instructions of a CPU that may wait for another one
NAMED = 4                               # descriptors of a try that a report shows
WORDS_OF = ("handle", "offset", "length", "cookie")


@dataclass
class Peer:
    """The program's page, and what the kernel knows by itself."""

    form: Layout
    slots: int
    next: int                           # the number of the next descriptor, modulo 2^32
    user: bytearray                     # RING_USER
    data: bytes                         # RING_DATA
    buffers: dict[int, tuple[int, int]]             # handle: offset and length in RING_DATA
    hashes: dict[tuple[int, int], int] = field(default_factory=dict)

    # ---- what is in the page ----

    def word(self, offset: int) -> int:
        return WORD.unpack_from(self.user, offset)[0]

    def write(self, offset: int, value: int) -> None:
        WORD.pack_into(self.user, offset, value)

    def slot(self, number: int) -> int:
        """The offset of the slot of a descriptor."""
        return self.form.slots + number % self.slots * self.form.slot_size

    def put(self, number: int, descriptor: tuple[int, int, int, int]) -> None:
        """Writes a descriptor into its slot."""
        DESCRIPTOR.pack_into(self.user, self.slot(number) + self.form.descriptor, *descriptor)

    def descriptor(self, number: int) -> tuple[int, int, int, int]:
        """What is in its slot."""
        return DESCRIPTOR.unpack_from(self.user, self.slot(number) + self.form.descriptor)

    def publish(self, number: int) -> None:
        """Says that everything before descriptor `number` is in its slot, and nothing else."""
        if self.form.kind != SEQUENCE:
            self.write(self.form.produced, self.form.count(number, self.slots))
            return
        for ahead in range(self.slots):
            each = self.next + ahead
            there = each < self.next + (number - self.next) % WORDS
            self.write(self.slot(each) + self.form.sequence,
                       (each + 1 - (0 if there else self.slots)) % WORDS)

    @cached_property
    def known_bytes(self) -> set[int]:
        """The offsets that struct ring_layout names: the count, and what is in the slots."""
        form, found = self.form, set()
        if form.kind != SEQUENCE:
            found.update(range(form.produced, form.produced + 4))
        for number in range(self.slots):
            at = self.slot(number)
            found.update(range(at + form.descriptor, at + form.descriptor + DESCRIPTOR.size))
            if form.kind == SEQUENCE:
                found.update(range(at + form.sequence, at + form.sequence + 4))
        return found

    def where(self, offset: int) -> str:
        """A place in the page, in words."""
        form = self.form
        if form.kind != SEQUENCE and offset == form.produced:
            return "its count"
        number, rest = divmod(offset - form.slots, form.slot_size)
        if 0 <= number < self.slots:
            if form.kind == SEQUENCE and rest == form.sequence:
                return f"the number in slot {number}"
            if 0 <= rest - form.descriptor < DESCRIPTOR.size and (rest - form.descriptor) % 4 == 0:
                return f"the {WORDS_OF[(rest - form.descriptor) // 4]} in slot {number}"
        return f"offset {offset:#x} of RING_USER"

    # ---- what the kernel has to do ----

    def waiting(self) -> int | None:
        """How many descriptors wait; None: the program's count cannot be."""
        form = self.form
        if form.kind == SEQUENCE:
            number = self.next
            while self.word(self.slot(number) + form.sequence) == (number + 1) % WORDS:
                number += 1
            return number - self.next
        count = self.word(form.produced)
        if form.kind == MASKED:
            return (count - self.next) % self.slots if count < self.slots else None
        count = (count - self.next) % WORDS
        return count if count <= self.slots else None

    def judge(self, handle: int, offset: int, length: int, cookie: int) -> Sunk | None:
        """What comes of a descriptor.  None: no bytes behind the last one, which may be either."""
        start, size = self.buffers.get(handle, (0, -1))
        if size >= 0 and length == 0 and offset >= size:
            return None
        if offset + length > size:
            return Sunk(False, cookie, 0, FNV_START)
        key = start + offset, length
        if key not in self.hashes:
            self.hashes[key] = fnv(self.data[key[0]:key[0] + length])
        return Sunk(True, cookie, length, self.hashes[key])

    def drain(self, budget: int) -> tuple[int, list[Sunk | None]]:
        """What ring_drain() gives, and what it hands on."""
        count = self.waiting()
        if count is None:
            return LIES, []
        count = min(count, budget)
        sunk = [self.judge(*self.descriptor(self.next + ahead)) for ahead in range(count)]
        self.next = (self.next + count) % WORDS
        return count, sunk

    def arms(self) -> bool:
        """What ring_arm() says."""
        return not self.waiting()

    def state(self) -> str:
        """The two counts, for a report."""
        if self.form.kind == SEQUENCE:
            return f"the kernel has taken all before {self.next:#x}"
        count = self.form.count(self.next, self.slots)
        return (f"the program's count is {self.word(self.form.produced):#x}, the kernel's {count:#x}; "
                f"slots: {self.slots}")


def tally(sunk: list[Sunk]) -> int:
    """struct probe_row's hash."""
    value = 0
    for each in sunk:
        for byte in SUNK.pack(1 if each.good else 2, each.cookie, each.length, each.hash):
            value = (value ^ byte) * FNV_PRIME % WORDS
    return value


class HostileScene(RingScene):
    """A ring whose program writes what it likes."""

    def __init__(self, cell):
        super().__init__(cell)
        self.peer: Peer
        self.kept: list[tuple[str, int, bytes]] = []

    def ready(self, slots: int, first: int, buffers: list[tuple[int, int]] | None = None) -> Peer:
        """A ring with these buffers: all of RING_DATA, if nothing is said."""
        self.made(slots, first)
        data = self.fill()
        buffers = [(0, DATA_SIZE)] if buffers is None else buffers
        handles = {self.granted(*each): each for each in buffers}
        self.peer = Peer(self.form, slots, first, bytearray(self.m.read(self.user, PAGE)), data,
                         handles)
        self.keep()
        return self.peer

    def granted(self, offset: int, length: int) -> int:
        """grant(), which must work; the handle."""
        handle = self.grant(offset, length)
        if handle < 0:
            raise Fail(WRONG, expected=f"{length} bytes from {offset} of RING_DATA are granted",
                       seen=str(handle))
        return handle

    def sizes(self) -> list[int]:
        """Slots of rings that this kind can have."""
        return [slots for slots in (1, 2, 4, 8, 64) if self.form.room(slots)]

    def descriptor(self, longest: int = 16) -> tuple[int, int, int, int]:
        """One that is good."""
        handle = self.random.choice(list(self.peer.buffers))
        size = self.peer.buffers[handle][1]
        length = self.random.randrange(1, min(longest, size) + 1)
        return (handle, self.random.randrange(size - length + 1), length,
                self.random.getrandbits(32))

    def fresh(self, numbers=None) -> None:
        """Good descriptors in these slots, or in all, in the page and in the model of it."""
        peer = self.peer
        for number in range(peer.slots) if numbers is None else numbers:
            peer.put(number, self.descriptor())
        self.show()

    def show(self, whole: bool = True) -> None:
        """Writes the model's page where the kernel sees it; or only the count and the slots."""
        known = self.peer.known_bytes
        start, end = (0, PAGE) if whole else (min(known), max(known) + 1)
        self.m.write(self.user + start, bytes(self.peer.user[start:end]))

    # ---- what no program may reach ----

    def keep(self) -> None:
        """Notes what is around the ring: it must stay so."""
        canary = self.offset["canary_size"]
        lab = self.ring + self.field["lab6"]
        guarded = Guarded(lab, 0, [])
        self._canaries(guarded, 0, self.field["size"] - self.field["lab6"] - 2 * canary,
                       "the ring's area")
        self.canaries.append(guarded)
        pages = (self.user, self.kernel, self.data)
        frames = {page + side for page in pages for side in (-PAGE, PAGE)} - set(pages)
        self.kept = [("the next ring", self.ring + self.field["size"], b"")]
        self.kept += [(f"the page at {frame:#x}, beside the ring's", frame, b"") for frame in frames]
        self.kept += [(f"struct ring's {name}", self.ring + self.field[name], b"")
                      for name in ("as", "slots", "user", "kernel", "data")]
        self.kept = [(name, at, self._look(at, self._size(name))) for name, at, _ in self.kept]

    def _size(self, name: str) -> int:
        if name.startswith("struct"):
            return 4 if name.endswith("slots") else self.m.word
        return PAGE if name.startswith("the page") else self.field["size"]

    def _look(self, address: int, size: int) -> bytes:
        try:
            return self.m.read(address, size)
        except Unmapped:
            return b""

    def check_kept(self, **details) -> None:
        """Fails if the kernel wrote where nothing of this ring is, or anything else into its page."""
        check_kernel_page(self)
        self.check_canaries(cause="this is outside what the lab has of a ring.", **details)
        for name, at, before in self.kept:
            now = self._look(at, len(before))
            if now != before:
                first = next(i for i, (a, b) in enumerate(zip(now, before)) if a != b)
                raise Fail(WRONG, expected=f"{name} untouched", seen=f"byte {first} of it changed",
                           **details)

    # ---- a drain, and a table of them ----

    def run_drain(self, budget: int) -> int:
        """ring_drain() on CPU 0; what it gave."""
        self.start_drain(budget)
        self.run_to("probe_returned", "ring_drain() comes back", budget=self.limit(budget))
        return self.signed(self.m.result(self.cpu))

    def start_drain(self, budget: int) -> None:
        """CPU 0 is about to call it."""
        self.forget()
        self.m.start(self.cpu, "probe_drain", budget, 1, flags=flags_for(DISPATCH, True))

    def comes_back(self, cpu: int) -> bool:
        """Whether a CPU's call is over now; it may wait for another CPU that holds a lock."""
        stop = self.m.run(cpu, "probe_returned", WAITS, exact=False)
        if stop.reason not in (ADDRESS, OUT_OF_BUDGET):
            raise self.failed(stop, f"the call of CPU {cpu} comes back")
        return stop.reason == ADDRESS

    def limit(self, budget: int) -> int:
        """Instructions for a drain."""
        return ROW_BUDGET + SINK_BUDGET * (budget + 1)

    def check_drain(self, budget: int, words: str = "", **details) -> None:
        """Drains as the model does; anything else fails."""
        peer = self.peer
        before = [f"before it {line}" for line in (words, peer.state()) if line]
        waiting = [peer.descriptor(peer.next + ahead) for ahead in range(peer.slots)]
        wanted, sunk = peer.drain(budget)
        try:
            seen = self.run_drain(budget)
        except Fail as fail:
            fail.failure.extra += before + self._named(waiting, len(self.sunk()))
            raise
        came = self.sunk()
        if seen != wanted:
            raise Fail(WRONG, expected=f"ring_drain() gives {result_words(wanted)}",
                       seen=result_words(seen), extra=before, **details)
        if came != sunk:
            first = next((n for n, (a, b) in enumerate(zip(came, sunk)) if a != b), len(sunk))
            self.check_sunk(sunk, extra=before + self._named(waiting, first), **details)
        self.check_published(**details)

    def _named(self, waiting: list[tuple[int, int, int, int]], number: int) -> list[str]:
        """A descriptor that waited, and the buffer that it names."""
        if number >= len(waiting):
            return []
        handle, offset, length, _ = waiting[number]
        start, size = self.peer.buffers.get(handle, (0, -1))
        buffer = f"{size} bytes from {start} of RING_DATA" if size >= 0 else "no buffer"
        return [f"descriptor {number} says: handle {handle:#x} ({buffer}), offset {offset:#x}, "
                f"length {length:#x}"]

    def _taken(self, budget: int) -> list[str]:
        """_named() of the first descriptors that the next drain takes."""
        peer = self.peer
        count = min(peer.waiting() or 0, budget)
        waiting = [peer.descriptor(peer.next + ahead) for ahead in range(count)]
        return [line for number in range(min(count, NAMED)) for line in self._named(waiting, number)]

    def check_published(self, **details) -> None:
        """Fails unless the program is told what was taken."""
        wanted, seen = self.form.count(self.peer.next, self.peer.slots), self.consumed()
        if seen != wanted:
            raise Fail(WRONG, expected=f"the kernel's count in RING_KERNEL is {wanted:#x}",
                       seen=f"{seen:#x}", **details)

    def tries(self, next_row: Callable[[], tuple[int, int, int]], count: int, tried: int = 0,
              arms: bool = True) -> None:
        """So many tries: each row, (offset, value, budget), is written, drained and compared.

        next_row() is asked when the model stands where the ring will stand.  `arms`: what ring_arm()
        says is compared, too.
        """
        peer = self.peer
        start = peer.next, bytes(peer.user)
        rows, expected, unclear, descriptors = [], [], set(), 0
        for number in range(count):
            offset, value, budget = row = next_row()
            rows.append(row)
            peer.write(offset, value)
            result, sunk = peer.drain(budget)
            descriptors += len(sunk)
            if None in sunk:
                unclear.add(number)
                sunk = []
            good = sum(each.good for each in sunk)
            expected.append((result % WORDS, good, len(sunk) - good, tally(sunk),
                             int(peer.arms())))
        self._run(rows, descriptors, lambda number: self._before(start, rows, number))
        self._compare(rows, expected, unclear, arms, start, tried)

    def _run(self, part, descriptors: int, before) -> None:
        """Lets the kernel go through the table."""
        table = self.m.elf.address("probe_rows")
        self.m.write(table, b"".join(ROW_ASKED.pack(*row) + NOT_RUN for row in part))
        self.m.start(self.cpu, "probe_hostile", len(part), flags=flags_for(DISPATCH, True))
        budget = ROW_BUDGET * len(part) + SINK_BUDGET * (descriptors + SLOTS_MAX)
        stop = self.m.run(self.cpu, "probe_returned", budget, exact=False)
        if stop.reason == ADDRESS:
            return
        raw = self.m.read(table, ROW.size * len(part))
        done = next((n for n in range(len(part))
                     if raw[n * ROW.size + ASKED:(n + 1) * ROW.size] == NOT_RUN), len(part) - 1)
        fail = self.failed(stop, "ring_drain() and ring_arm() come back, whatever the program wrote")
        if isinstance(fail, Fail):
            fail.failure.extra += before(done)
        raise fail

    def _compare(self, part, expected, unclear, arms: bool, start, tried: int) -> None:
        raw = self.m.read("probe_rows", ROW.size * len(part))
        for number, wanted in enumerate(expected):
            seen = ANSWER.unpack_from(raw, number * ROW.size + ASKED)
            seen = (*seen[:4], seen[4] & 0xFF)
            if seen == wanted:
                continue
            if number in unclear:
                seen, wanted = (seen[0], *wanted[1:4], seen[4]), wanted
            if not arms:
                seen = (*seen[:4], wanted[4])
            if seen != wanted:
                self._wrong(f"try {tried + number + 1}: ", wanted, seen,
                            self._before(start, part, number), part[number][2])
        self.check_published()
        self.check_kept()

    def _before(self, start, part, number: int) -> list[str]:
        """What the program wrote before a try, and the state then."""
        peer = self.peer
        peer.next, peer.user = start[0], bytearray(start[1])
        for offset, value, budget in part[:number]:
            peer.write(offset, value)
            peer.drain(budget)
        offset, value, budget = part[number]
        peer.write(offset, value)
        return [f"The program writes {value:#x} into {peer.where(offset)}; the budget is {budget}.",
                f"Then {peer.state()}."]

    def _wrong(self, words: str, wanted, seen, state: list[str], budget: int) -> None:
        """The failure that a row is; the model stands before its drain."""
        if wanted[0] != seen[0]:
            raise Fail(WRONG, expected=f"{words}ring_drain() gives "
                       f"{result_words(self.signed(wanted[0]))}",
                       seen=result_words(self.signed(seen[0])), extra=state)
        if wanted[1:3] != seen[1:3]:
            raise Fail(WRONG, expected=f"{words}{wanted[1]} descriptors to ring_sink(), {wanted[2]} "
                       "to ring_refuse()", seen=f"{seen[1]} and {seen[2]}",
                       extra=state + self._taken(budget))
        if wanted[3] != seen[3]:
            state = state + self._taken(budget)
            sunk = self.peer.drain(budget)[1]
            raise Fail(WRONG, expected=words + "; ".join(say(each) for each in sunk[:NAMED]) +
                       (f"; and {len(sunk) - NAMED} more" if len(sunk) > NAMED else ""),
                       seen="other bytes, lengths or cookies, or another order", extra=state)
        raise Fail(WRONG, expected=f"{words}ring_arm() says {str(bool(wanted[4])).lower()}",
                   seen=str(bool(seen[4])).lower(), extra=state)


def result_words(result: int) -> str:
    """What ring_drain() gave."""
    return "RING_LIES" if result == LIES else str(result)
