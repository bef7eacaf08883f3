"""Exercise 0.7: a line that is filled, with other bytes on both sides of it."""

from __future__ import annotations

from grader.verdict import WRONG, Fail, Stack, StackRow

LINE_SIZE, SIDE = 16, 16            # kernel/include/faults.h, kernel/standin/lab1/prompt.c
LENGTH = 4                          # bytes of line->length
TRIES = 20


def test_full(cell):
    """Characters are added until there is no room, and a few more; nothing else may change."""
    m = cell.machine
    room = m.elf.address("line_room")
    line, text = room + SIDE, room + SIDE + LENGTH
    above = text + LINE_SIZE
    sides = cell.random.randbytes(SIDE), cell.random.randbytes(SIDE)
    # No zero is there before: the NUL has to be written.
    m.write(room, sides[0] + bytes(LENGTH) + b"#" * LINE_SIZE + sides[1])
    kept = b""
    for _ in range(TRIES):
        letter = cell.random.choice(b"abcdefghijklmnopqrstuvwxyz")
        taken = m.call(0, "line_put", line, letter) & 0xFF
        if m.read(room, SIDE) != sides[0] or m.read(above, SIDE) != sides[1]:
            raise _outside(m, above, sides[1], len(kept) + 1)
        wanted = len(kept) < LINE_SIZE - 1
        if taken != wanted:
            raise Fail(WRONG, expected=f"line_put() gives {str(wanted).lower()} when the line has "
                       f"{len(kept)} of {LINE_SIZE - 1} characters", seen=str(bool(taken)).lower())
        kept += bytes([letter]) if taken else b""
        if m.u32(line) != len(kept) or m.read(text, len(kept) + 1) != kept + b"\0":
            raise Fail(WRONG, expected=f"length {len(kept)} and the text {kept.decode()!r}, ended by "
                       "a NUL", seen=f"length {m.u32(line)} and {m.read(text, LINE_SIZE)!r}")


def _outside(m, above: int, before: bytes, number: int) -> Fail:
    """The failure of a line that wrote beside itself."""
    now = m.read(above, SIDE)
    rows = [StackRow(f"+{at + LINE_SIZE}", "", f"{now[at]:02x}",
                     f"should be {before[at]:02x}" if now[at] != before[at] else "")
            for at in reversed(range(4))]
    rows += [StackRow(f"+{LINE_SIZE - 1}", "", f"{m.u8(above - 1):02x}", "the last byte of text[]")]
    return Fail(WRONG, expected=f"text[0] to text[{LINE_SIZE - 1}] written, nothing beside them",
                seen=f"a byte behind text[] changed when character {number} was added",
                stack=Stack("memory, as offsets from text[]", rows))
