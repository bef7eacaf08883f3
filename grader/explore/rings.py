"""Rings for lab 6's tests: a program's pages, and what the kernel has to make of what is in them.

The lab chooses where its words are and how they count; struct ring_layout says so, and everything
here follows it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from grader.explore.scene import DISPATCH, PASSIVE, Scene, flags_for
from grader.verdict import WRONG, Fail

PAGE = 4096
USER, KERNEL, DATA = 0x1000_0000, 0x1000_1000, 0x1000_2000     # kernel/include/ring_abi.h
PAGES = {USER: "RING_USER", KERNEL: "RING_KERNEL", DATA: "RING_DATA"}
FREE_RUNNING, MASKED, SEQUENCE = range(3)                       # enum ring_kind
FULL, PUSHED, DOORBELL = range(3)                               # enum ring_pushed
SLOTS_MAX, BUFFERS, DATA_SIZE = 64, 8, 4096
LIES = -1
DESCRIPTOR = struct.Struct("<4I")       # handle, offset, length, cookie
DESCRIPTORS = 256                       # PROBE_DESCRIPTORS
SUNK = struct.Struct("<4I")             # kind, cookie, length, hash
SUNK_MAX = 256
FNV_START, FNV_PRIME = 2166136261, 16777619
WORDS = 1 << 32                         # counts are modulo this
FIELDS = ("used", "as", "slots", "user", "kernel", "data", "lab6", "size")
LAYOUT = ("kind", "produced", "slots", "slot_size", "descriptor", "sequence", "consumed", "armed")
PRESENT, WRITE, FOR_USER, NO_EXECUTE = 1, 2, 4, 1 << 63         # SDM 3A 4.5.5
ADDRESS = 0x000F_FFFF_FFFF_F000


def fnv(data: bytes, start: int = FNV_START) -> int:
    """probe_hash(): FNV-1a of 32 bits."""
    for byte in data:
        start = (start ^ byte) * FNV_PRIME % WORDS
    return start


@dataclass(frozen=True)
class Sunk:
    """What ring_sink() was given, or ring_refuse() (no bytes then)."""

    good: bool
    cookie: int
    length: int
    hash: int


@dataclass(frozen=True)
class Layout:
    """struct ring_layout: where the lab keeps what both sides look at."""

    kind: int
    produced: int
    slots: int
    slot_size: int
    descriptor: int
    sequence: int
    consumed: int
    armed: int

    @staticmethod
    def of(elf) -> Layout:
        """As it is in the kernel's file: not in memory, where the kernel could change it."""
        layout = Layout(*struct.unpack("<8I", elf.read(elf.address("ring_layout"), 32)))
        if layout.kind not in (FREE_RUNNING, MASKED, SEQUENCE):
            raise Fail(WRONG, expected="ring_layout.kind is one of enum ring_kind",
                       seen=str(layout.kind))
        return layout

    def room(self, slots: int) -> int:
        """How many descriptors a ring of so many slots holds."""
        return slots - 1 if self.kind == MASKED else slots

    def count(self, number: int, slots: int) -> int:
        """What a count says for descriptor `number` of all that ever were."""
        return number % (slots if self.kind == MASKED else WORDS)


class RingScene(Scene):
    """A ring of a program's, rings[0], which the host fills and drains."""

    def __init__(self, cell):
        super().__init__(cell)
        self.form = Layout.of(self.m.elf)
        self.ring = self.m.elf.address("rings")
        raw = self.m.elf.read(self.m.elf.address("probe_ring_fields"), 4 * len(FIELDS))
        self.field = dict(zip(FIELDS, struct.unpack(f"<{len(FIELDS)}I", raw)))
        self.owner = 0              # the program's thread
        self.slots = 0
        self.user = self.kernel = self.data = 0     # the pages as the kernel sees them

    # ---- making a ring ----

    def new(self, slots: int = 8, first: int = 0) -> int:
        """probe_ring_new() for a new program; what ring_map() gave, with its sign."""
        self.owner = self.thread()
        self.slots = slots
        error = self.signed(self.m.call(0, "probe_ring_new", self.owner, slots, first))
        if error == 0:
            self.user, self.kernel, self.data = (self.pointer(name)
                                                 for name in ("user", "kernel", "data"))
        return error

    def made(self, slots: int = 8, first: int = 0) -> None:
        """new(), which must work."""
        error = self.new(slots, first)
        if error:
            raise Fail(WRONG, expected=f"ring_map() makes a ring of {slots} slots", seen=str(error))
        self.m.call(0, "probe_producer_new")

    def signed(self, value: int) -> int:
        """A result of type int."""
        value %= WORDS
        return value - WORDS if value >> 31 else value

    def pointer(self, name: str) -> int:
        """A pointer in struct ring."""
        return self.m.ptr(self.ring + self.field[name])

    def grant(self, offset: int, length: int) -> int:
        """ring_grant(), with its sign."""
        return self.signed(self.m.call(0, "ring_grant", self.ring, offset, length))

    def revoke(self, handle: int) -> bool:
        return bool(self.m.call(0, "ring_revoke", self.ring, handle) & 0xFF)

    def fill(self) -> bytes:
        """Puts random bytes into RING_DATA; gives them."""
        data = self.random.randbytes(DATA_SIZE)
        self.m.write(self.data, data)
        return data

    def check_stays(self, function: str, *args: int, low: int = PASSIVE) -> int:
        """Calls a function of a ring at each level up to DISPATCH from `low` on, from one state: the
        level and IF stay as they are.  What it gave at the end."""
        start = self.m.snapshot()
        for level in range(low, DISPATCH + 1, DISPATCH):
            for interrupts in (True, False):
                self.m.restore(start)
                self.check_keeps(1, function, self.ring, *args, level=level, interrupts=interrupts)
        return self.m.result(1)

    # ---- both ends ----

    def describe(self, descriptors: list[tuple[int, int, int, int]], at: int = 0) -> None:
        """Writes what probe_push() will push from number `at` on: (handle, offset, length, cookie)."""
        self.m.write(self.m.elf.address("probe_descriptors") + DESCRIPTOR.size * at,
                     b"".join(DESCRIPTOR.pack(*each) for each in descriptors))

    def push(self, first: int = 0, count: int = 1, cpu: int = 0) -> int:
        """Pushes so many of them; how many are in."""
        return self.m.call(cpu, "probe_push", first, count) % WORDS

    def said(self, index: int) -> int:
        """What ring_push() said of descriptor `index`."""
        return self.m.u32(self.m.elf.address("probe_pushed") + 4 * index) - 1

    def drain(self, budget: int = SLOTS_MAX, cpu: int = 1, times: int = 1) -> int:
        """ring_drain() at DISPATCH, so often; what the last one gave."""
        return self.signed(self.m.call(cpu, "probe_drain", budget, times,
                                       flags=flags_for(DISPATCH, True)))

    def arm(self, cpu: int = 1) -> bool:
        """ring_arm() at DISPATCH."""
        return bool(self.m.call(cpu, "ring_arm", self.ring, flags=flags_for(DISPATCH, True)) & 0xFF)

    def forget(self) -> None:
        """Nothing was sunk so far."""
        self.m.write_u32("probe_sunk_count", 0)

    def sunk(self) -> list[Sunk]:
        """What came out of the ring since forget(), in order (the last SUNK_MAX of it)."""
        count = self.m.u32("probe_sunk_count")
        raw = self.m.read("probe_sunks", SUNK.size * min(count, SUNK_MAX)) if count else b""
        every = list(SUNK.iter_unpack(raw))
        kept = [every[number % SUNK_MAX] for number in range(max(0, count - SUNK_MAX), count)]
        return [Sunk(kind == 1, cookie, length, digest) for kind, cookie, length, digest in kept]

    def good(self, data: bytes, cookie: int) -> Sunk:
        """A descriptor that is as it should be, of these bytes."""
        return Sunk(True, cookie, len(data), fnv(data))

    def bad(self, cookie: int) -> Sunk:
        """One that had to be refused."""
        return Sunk(False, cookie, 0, FNV_START)

    def check_sunk(self, expected: list[Sunk], **details) -> None:
        """Fails unless exactly this came out, in this order."""
        seen = self.sunk()
        if seen == expected:
            return
        if len(seen) != len(expected):
            raise Fail(WRONG, expected=f"{len(expected)} descriptors come out of the ring",
                       seen=str(len(seen)), **details)
        number = next(n for n, (a, b) in enumerate(zip(seen, expected)) if a != b)
        raise Fail(WRONG, expected=f"descriptor {number}: {say(expected[number])}",
                   seen=say(seen[number]), **details)

    # ---- what is in the pages ----

    def slot(self, number: int) -> int:
        """Where the kernel sees the slot of descriptor `number`."""
        return self.user + self.form.slots + number % self.slots * self.form.slot_size

    def put(self, number: int, descriptor: tuple[int, int, int, int]) -> None:
        """Writes a slot as a program would; publish() says so."""
        self.m.write(self.slot(number) + self.form.descriptor, DESCRIPTOR.pack(*descriptor))

    def publish(self, number: int) -> None:
        """As the program: everything before descriptor `number` is in its slot."""
        form = self.form
        if form.kind == SEQUENCE:
            for each in range(max(number - self.slots, 0), number):
                self.m.write_u32(self.slot(each) + form.sequence, (each + 1) % WORDS)
        else:
            self.m.write_u32(self.user + form.produced, form.count(number, self.slots))

    def consumed(self) -> int:
        """The kernel's count."""
        return self.m.u32(self.kernel + self.form.consumed)

    def armed(self) -> bool:
        """Whether the kernel asks for a doorbell."""
        return self.m.u32(self.kernel + self.form.armed) != 0

    # ---- what ring 3 can see ----

    def entries(self, address: int) -> list[int]:
        """The page table entries on the way to an address of the program's, the top one first."""
        root = self.m.u64(self.pointer_of_space())
        shifts = (39, 30, 21, 12) if self.m.width == 64 else (30, 21, 12)
        found = []
        for shift in shifts:
            index = address >> shift & (511 if self.m.width == 64 or shift < 30 else 3)
            entry = int.from_bytes(self.m.read_physical(root + 8 * index, 8), "little")
            found.append(entry)
            if not entry & PRESENT:
                break
            root = entry & ADDRESS
        return found

    def pointer_of_space(self) -> int:
        """The program's struct address_space, which begins with its top table's address."""
        return self.m.ptr(self.owner + self.offset["thread_as"])

    def mapped(self, address: int) -> tuple[int, str] | None:
        """The physical page behind an address of the program's and what it may do: "rwx", or None."""
        entries = self.entries(address)
        if not entries[-1] & PRESENT:
            return None
        tables = entries if self.m.width == 64 else entries[1:]     # PAE's top one has no such bits
        if not all(entry & FOR_USER for entry in tables):
            return None
        write = all(entry & WRITE for entry in tables)
        execute = not any(entry & NO_EXECUTE for entry in entries)
        return entries[-1] & ADDRESS, "r" + "w" * write + "x" * execute


def say(sunk: Sunk) -> str:
    """One of them in words."""
    if not sunk.good:
        return f"refused, with the cookie {sunk.cookie:#x}"
    return f"{sunk.length} bytes (hash {sunk.hash:#x}) with the cookie {sunk.cookie:#x}"
