"""struct regs as the kernel keeps it, and registers for ring 3 that no kernel can guess."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from grader.verdict import Stack, StackRow

USER_CS = {64: 0x2B, 32: 0x1B}
NARROW_CS = 0x1B            # 64 bits: ring 3's 32-bit code, which RETF to it reaches
USER_DS = 0x23
IF, DF, NT, AC, RF, TF = 0x200, 0x400, 0x4000, 0x40000, 0x10000, 0x100
FREE_FLAGS = 0x8D5 | DF | NT | AC | 0x200000     # CF PF AF ZF SF OF, DF, NT, AC, ID

GENERAL = {
    64: ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
         "rsi", "rdi"),
    32: ("edi", "esi", "ebp", "ebx", "edx", "ecx", "eax"),
}
SEGMENTS = {64: (), 32: ("gs", "fs", "es", "ds")}
STORED = {
    64: GENERAL[64] + ("vector", "error", "ip", "cs", "flags", "sp", "ss"),
    32: ("gs", "fs", "es", "ds", "edi", "esi", "ebp", "unused", "ebx", "edx", "ecx", "eax",
         "vector", "error", "ip", "cs", "flags", "sp", "ss"),
}


@dataclass(frozen=True)
class Layout:
    """struct regs of one width (kernel/include/regs.h)."""

    width: int

    @property
    def word(self) -> int:
        return self.width // 8

    @property
    def names(self) -> tuple[str, ...]:
        """Every field, lowest address first."""
        return STORED[self.width]

    @property
    def general(self) -> tuple[str, ...]:
        """The general registers but the stack pointer."""
        return GENERAL[self.width]

    @property
    def program(self) -> tuple[str, ...]:
        """The fields that belong to the interrupted program."""
        return GENERAL[self.width] + SEGMENTS[self.width] + ("ip", "cs", "flags", "sp", "ss")

    @property
    def size(self) -> int:
        return len(self.names) * self.word

    def pack(self, values: dict[str, int]) -> bytes:
        mask = (1 << self.width) - 1
        code = "Q" if self.width == 64 else "I"
        return struct.pack(f"<{len(self.names)}{code}",
                           *(values.get(name, 0) & mask for name in self.names))

    def unpack(self, data: bytes) -> dict[str, int]:
        code = "Q" if self.width == 64 else "I"
        return dict(zip(self.names, struct.unpack(f"<{len(self.names)}{code}", data)))

    def of_machine(self, regs) -> dict[str, int]:
        """The program's registers out of a machine's Regs."""
        special = {"ip": regs.pc, "sp": regs.sp, "flags": regs.flags & ~RF}
        return {name: special[name] if name in special else getattr(regs, name)
                for name in self.program}

    def random_program(self, rng: random.Random, ip: int, **fixed: int) -> dict[str, int]:
        """Registers of a ring-3 program at `ip`: every one that is free is random."""
        values = {name: rng.getrandbits(self.width) for name in GENERAL[self.width]}
        values |= {name: rng.choice((0, USER_DS)) for name in SEGMENTS[self.width]}
        values |= {"ip": ip, "cs": USER_CS[self.width], "ss": USER_DS,
                   "sp": rng.randrange(0x500000, 0xB0000000),
                   "flags": 2 | IF | rng.getrandbits(32) & FREE_FLAGS}
        return values | fixed

    def differences(self, expected: dict[str, int], seen: dict[str, int]) -> list[str]:
        """The names of the program's fields that are not as expected."""
        return [name for name in self.program
                if name in expected and (expected[name] ^ seen[name]) & self.mask(name)]

    def mask(self, name: str) -> int:
        """The bits of a field that mean something: a selector has 16, RF is nobody's."""
        if name in ("cs", "ss", "ds", "es", "fs", "gs"):
            return 0xFFFF
        return (1 << self.width) - 1 & ~(RF if name == "flags" else 0)

    def title(self, name: str) -> str:
        """A field's name in the manuals' words: RIP, ESP, R15."""
        wide = {"ip": "RIP", "sp": "RSP", "flags": "RFLAGS"}
        narrow = {"ip": "EIP", "sp": "ESP", "flags": "EFLAGS"}
        return (wide if self.width == 64 else narrow).get(name, name.upper())

    def hex(self, name: str, value: int) -> str:
        digits = 4 if name in ("cs", "ss", "ds", "es", "fs", "gs") else self.width // 4
        return f"{value & ((1 << 4 * digits) - 1):0{digits}x}"

    def drawing(self, title: str, seen: dict[str, int], expected: dict[str, int]) -> Stack:
        """The hardware's frame and every field that is wrong, the highest address first."""
        wrong = set(self.differences(expected, seen))
        frame = ("ss", "sp", "flags", "cs", "ip", "error", "vector")
        rows = []
        for index in reversed(range(len(self.names))):
            name = self.names[index]
            if name not in wrong and name not in frame:
                continue
            note = f"should be {self.hex(name, expected[name])}" if name in wrong else ""
            rows.append(StackRow(f"+{index * self.word}", self.title(name),
                                 self.hex(name, seen[name]), note))
        return Stack(title, rows)
