"""What a log must do by its contract: which records are in it, which gave way, which come next.

Where several things happen at once, more than one order of them is right.  Each is a model of its
own, and what was seen must fit one of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from grader.verdict import WRONG, Fail

DISCARD, OVERWRITE = range(2)           # enum logring_policy
BYTES = 40                              # LOGRING_BYTES
RECORD = struct.Struct(f"<2I{BYTES}s")  # struct log_record
SHOWN = 16                              # bytes of a record in a report


@dataclass(frozen=True)
class Seen:
    """struct log_record."""

    size: int
    cpu: int
    data: bytes

    def __str__(self) -> str:
        more = "…" if any(self.data[SHOWN:]) else ""
        return f"size {self.size}, CPU {self.cpu}, bytes {self.data[:SHOWN].hex(' ')}{more}"


@dataclass(frozen=True)
class Record:
    """One that somebody writes, or wanted to."""

    cpu: int
    number: int
    size: int
    depth: int = 0          # writers on this CPU that it interrupted: others than this one

    @property
    def writer(self) -> tuple[int, int]:
        return self.cpu, self.depth

    @property
    def seen(self) -> Seen:
        """As it must be read."""
        return Seen(self.size, self.cpu, payload(self.number, self.size).ljust(BYTES, b"\0"))


def payload(number: int, size: int) -> bytes:
    """The bytes that fill() in kernel/probe/rings.c writes."""
    words = b"".join(((number + at) % (1 << 32)).to_bytes(4, "little")
                     for at in range(0, size - 3, 4))
    return words + bytes((number + at) % 256 for at in range(len(words), size))


@dataclass
class Log:
    """A log and all that happened to it, in one order."""

    policy: int
    room: int
    own: bool                           # a log for each CPU
    there: list[Record] = field(default_factory=list)       # in it, the oldest first
    open: set[Record] = field(default_factory=set)          # of these, whose writer is not done
    read: list[Record] = field(default_factory=list)        # what came out
    gone: list[Record] = field(default_factory=list)        # dropped, or overwritten
    refused: list[Record] = field(default_factory=list)     # of these, that never had room
    found: dict[Record, int] = field(default_factory=dict)  # places that were taken when it came
    tried: int = 0
    failed: Fail | None = None          # this order of things cannot be: it was seen otherwise

    def copy(self) -> Log:
        return replace(self, there=[*self.there], open={*self.open}, read=[*self.read],
                       gone=[*self.gone], refused=[*self.refused], found={**self.found})

    # ---- writers ----

    def reserve(self, record: Record) -> bool:
        """Whether there is room; makes it if that is the policy."""
        self.tried += 1
        self.found[record] = len(self._with(record.cpu))
        if record.size > BYTES or not self.make_room(record):
            self.gone.append(record)
            self.refused.append(record)
            return False
        self.there.append(record)
        self.open.add(record)
        return True

    def make_room(self, record: Record) -> bool:
        """What reserve() begins with."""
        mine = self._with(record.cpu)
        if len(mine) < self.room:
            return True
        if self.policy == DISCARD or mine[0] in self.open:
            return False
        self.there.remove(mine[0])
        self.gone.append(mine[0])
        return True

    def commit(self, record: Record) -> None:
        self.open.discard(record)

    def write(self, record: Record) -> bool:
        """Both: whether there was room."""
        room = self.reserve(record)
        self.commit(record)
        return room

    def _with(self, cpu: int) -> list[Record]:
        """What shares its room with a record of this CPU."""
        return [each for each in self.there if not self.own or each.cpu == cpu]

    # ---- the reader ----

    def took(self, seen: Seen | None) -> None:
        """logring_read() gave this; raises Fail if it may not."""
        if seen is None:
            self._nothing()
            return
        for record in self._next():
            if record.seen == seen:
                self.there.remove(record)
                self.read.append(record)
                return
        self._wrong(seen)

    def took_any(self, seen: Seen) -> None:
        """As took(), if it is the reader's choice what gives way: of each writer a later one may
        come before the first, which then never comes."""
        for record in self.there:
            if record.seen == seen:
                before = self.there[:self.there.index(record)]
                for each in before:
                    if each.writer == record.writer:
                        self.there.remove(each)
                        self.gone.append(each)
                self.there.remove(record)
                self.read.append(record)
                return
        self._wrong(seen)

    def _next(self) -> list[Record]:
        """What may come next: of each writer's records the first, if it is whole."""
        firsts: dict[tuple[int, int], Record] = {}
        for each in self.there:
            firsts.setdefault(each.writer, each)
        return [each for each in firsts.values() if each not in self.open]

    def _nothing(self) -> None:
        heads = [self._with(cpu)[:1] for cpu in ({each.cpu for each in self.there}
                                                 if self.own else {0})]
        if not self.there or any(head and head[0] in self.open for head in heads):
            return
        raise Fail(WRONG, expected=f"the next record, {self._next()[0].seen}",
                   seen="logring_read() is false",
                   cause=f"{len(self.there)} of {self.tried} records are neither read nor counted "
                         "as dropped.")

    def _wrong(self, seen: Seen) -> None:
        """Says what is wrong with what came."""
        expected = "the next record, " + str(self._next()[0].seen) if self._next() else \
            "no record: there is none that is whole"
        if any((each.cpu, each.size) == (seen.cpu, seen.size) for each in self.open):
            cause = "whoever reserved this record has not committed it."
        elif any(each.seen == seen for each in self.read):
            cause = "this record was read before."
        elif any(each.seen == seen for each in self.gone):
            cause = "this record had to give way, or was dropped."
        elif any(each.seen == seen for each in self.there):
            cause = "another one of the same writer was there before this one."
        else:
            cause = self._torn(seen)
        raise Fail(WRONG, expected=expected, seen=str(seen), cause=cause)

    def _torn(self, seen: Seen) -> str:
        """No writer wrote this.  What is it?"""
        for each in (*self._next(), *self.there, *self.read, *self.gone):
            if each.size and each.seen.data[:each.size] == seen.data[:each.size]:
                if (seen.size, seen.cpu) != (each.size, each.cpu):
                    return f"its bytes are of a record of size {each.size} from CPU {each.cpu}."
                return "the bytes behind a record's size are not 0: what somebody else left there."
        return "nobody wrote such a record: it is of two, or not all of it is there."

    def counted(self, dropped: int) -> None:
        """logring_dropped() gave this, while nobody writes."""
        if dropped == len(self.gone):
            return
        raise Fail(WRONG, expected=f"{len(self.gone)} records dropped: of {self.tried}, "
                   f"{len(self.read)} were read, and {len(self.there)} are there",
                   seen=f"logring_dropped() = {dropped}")


def orders(log: Log, writers: list[list[Record]]) -> Iterator[Log]:
    """All that may come of it if the last of these writers interrupted the one before it, and so
    on, each anywhere.  A writer has one record, or writes several, one after the other.

    A log that overwrites may have taken the oldest record away before it is interrupted, and
    its own is not in yet; what it took is lost.
    """
    if not writers:
        yield log
        return
    records, rest = writers[0], writers[1:]
    yield from inside(log, records, lambda each: orders(each, rest))


def inside(log: Log, records: list[Record],
           others: Callable[[Log], Iterable[Log]]) -> Iterator[Log]:
    """All orders in which `others` comes once, somewhere in the writing of the records."""
    for at, record in enumerate(records):
        before = log.copy()
        for each in records[:at]:
            before.write(each)
        for when in ("reserved", "before", "room"):
            each = before.copy()
            if when == "room" and (log.policy == DISCARD or not each.make_room(record)):
                continue
            if when == "reserved":
                each.reserve(record)
            for after in others(each):
                after = after.copy()
                if when == "reserved":
                    after.commit(record)
                else:
                    after.write(record)
                for later in records[at + 1:]:
                    after.write(later)
                yield after
    done = log.copy()
    for each in records:
        done.write(each)
    yield from others(done)


def fits(logs: Iterable[Log], observe: Callable[[Log], None]) -> Log:
    """The first of these that what was seen fits; raises the failure of the first if none."""
    first: Fail | None = None
    for log in logs:
        try:
            if log.failed:
                raise log.failed
            observe(log)
            return log
        except Fail as fail:
            first = first or fail
    assert first is not None
    raise first
