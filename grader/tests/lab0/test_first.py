"""Exercises 0.1 to 0.6: a number, and what five frames say.

The truth is not in a file: the machine makes the fault, and what it pushed is compared.
"""

from __future__ import annotations

import struct

from grader.errors import GraderError
from grader.verdict import WRONG, Fail, Stack, StackRow

ANSWER = struct.Struct("<6Q")
FIELDS = ("vector", "pushed", "error", "cs", "offset", "address")
WITH_ERROR_CODE = (8, 10, 11, 12, 13, 14, 17, 21)      # SDM 3A 6.3.1
PAGE_FAULT = 14
BUDGET = 10_000
NAMES = ("SS", "RSP", "RFLAGS", "CS", "RIP", "error code", "vector")
FIELD_OF = {"RIP": "offset", "CS": "cs", "error code": "error", "vector": "vector"}
WHERE = {"vector": "the lowest word at trap_common", "error": "the second word at trap_common",
         "pushed": "where the CPU pushes no error code the stub pushes a 0: vectors.S says for which "
                   "vectors",
         "cs": "the fourth word at trap_common", "offset": "the third word at trap_common is the "
         "saved RIP; gdb's info symbol shows it as a place and a number",
         "address": "CR2 means something for a page fault only; for the others write 0"}


def test_number(cell):
    """It must be the same each time, or the faults would not be."""
    first, second = cell.machine.call(0, "my_number"), cell.machine.call(0, "my_number")
    if first & 0xFFFFFFFF != second & 0xFFFFFFFF:
        raise Fail(WRONG, expected="my_number() gives the same number each time",
                   seen=f"{first & 0xFFFFFFFF}, then {second & 0xFFFFFFFF}")
    if not 1 <= first & 0xFFFFFFFF <= 999_999:
        raise Fail(WRONG, expected="a number from 1 to 999999", seen=str(first & 0xFFFFFFFF))


def answered(cell, number: int) -> dict[str, int]:
    """What answer_N() says."""
    m = cell.machine
    room = m.elf.address("line_room")
    before = m.read(room, ANSWER.size)
    m.write(room, bytes(ANSWER.size))
    m.call(0, f"answer_{number}", room)
    said = dict(zip(FIELDS, ANSWER.unpack(m.read(room, ANSWER.size))))
    m.write(room, before)
    return said


def pushed(cell, number: int) -> dict[str, int]:
    """What the CPU and the stub pushed; the machine stays at trap_common."""
    m = cell.machine
    place = m.call(0, "fault_place", number)
    m.start(0, "fault_make", number)
    stop = m.run(0, "trap_common", BUDGET)
    if stop.reason != "address":
        raise GraderError(f"fault {number} was not made: {stop}")
    vector, error, ip, cs = (m.ptr(m.regs(0).sp + at * m.word) for at in range(4))
    return {"vector": vector, "pushed": int(vector in WITH_ERROR_CODE), "error": error, "cs": cs,
            "offset": ip - place, "address": m.regs(0).cr2 if vector == PAGE_FAULT else 0}


def check(cell, number: int) -> None:
    """Says which field is wrong, and never what is right: the frame is there to be read."""
    said = answered(cell, number)
    true = pushed(cell, number)
    wrong = [name for name in FIELDS if said[name] != true[name]]
    if not wrong:
        return
    name = wrong[0]
    word = cell.machine.word
    rows = [StackRow(f"+{(len(NAMES) - 1 - at) * word}", title, "?",
                     f"your {FIELD_OF[title]}: wrong" if FIELD_OF.get(title) in wrong else "")
            for at, title in enumerate(NAMES)]
    more = f"; also wrong: {', '.join(wrong[1:])}" if wrong[1:] else ""
    raise Fail(WRONG, expected=f"answer->{name} as the frame of fault {number} says",
               seen=f"you say {said[name]:#x}{more}", cause=f"{WHERE[name]}.",
               stack=Stack("the frame at trap_common; the stack pointer is at the lowest word", rows))


def test_frame_1(cell):
    """The frame of fault 1, as the machine made it."""
    check(cell, 1)


def test_frame_2(cell):
    """The frame of fault 2."""
    check(cell, 2)


def test_frame_3(cell):
    """The frame of fault 3."""
    check(cell, 3)


def test_frame_4(cell):
    """The frame of fault 4."""
    check(cell, 4)


def test_frame_5(cell):
    """The frame of fault 5."""
    check(cell, 5)
