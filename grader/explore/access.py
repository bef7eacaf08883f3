"""What one instruction does to memory, in the words of x86-TSO: where, how wide, and how late.

A plain store goes into the CPU's store buffer and may reach the others late.  A read-modify-write
without LOCK is a load and such a store.  LOCK, XCHG with memory, fences and serialising instructions
empty the buffer first (SDM 3A 9.2.2, 9.3, 12.10; Owens, Sarkar and Sewell 2009).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from grader.disassembler import capstone, x86
from grader.elf import LONGEST_INSTRUCTION, Elf

LOAD, STORE, RMW, LOCKED, DRAIN = "load", "store", "read-modify-write", "locked", "drain"
LOCK_PREFIX = 0xF0
NO_ACCESS = ("lea", "nop", "prefetch", "endbr")
READS = ("cmp", "test", "bt", "push", "call", "jmp", "cvt", "movz", "movs", "cmov", "imul")
MODIFIES = ("add", "sub", "and", "or", "xor", "inc", "dec", "neg", "not", "adc", "sbb", "xadd", "shl",
            "shr", "sar", "rol", "ror", "bts", "btr", "btc", "cmpxchg", "xchg")
FENCE_BY_LOCK = re.compile(r"lock (?:or|add|sub|xor)[bwlq]? \$(?:0x)?0,")     # as compilers write one
# MOV to these registers serialises, MOV to CR8 does not.
SERIALISED_BY_MOV = (*(f"cr{n}" for n in (0, 2, 3, 4)),
                     *(f"{name}{n}" for name in ("dr", "db") for n in range(8)))
SERIALISING = ("cpuid", "iret", "iretd", "iretq", "serialize", "rsm", "invlpg", "invd", "wbinvd",
               "wrmsr", "lgdt", "lidt", "lldt", "ltr")
# What empties the store buffer besides LOCK (SDM 3A 9.3); while a CPU halts there is time for that.
FENCES = (*SERIALISING, "mfence", "in", "out", "insb", "outsb", "hlt")
STACK = ("rsp", "esp", "rbp", "ebp")
STRING = ("movs", "stos", "lods", "scas", "cmps")


@dataclass(frozen=True)
class Site:
    """An instruction that touches memory, or empties the store buffer."""

    address: int
    kind: str                   # LOAD, STORE, RMW, LOCKED or DRAIN
    size: int                   # bytes of memory, 0 for a DRAIN
    text: str
    base: str                   # registers of the address; "" for none
    index: str
    scale: int
    offset: int
    segment: str                # "gs" if the address is relative to GS
    end: int                    # the next instruction, for addresses relative to RIP
    fills: str = ""             # the register that a load overwrites, whole

    @property
    def on_stack(self) -> bool:
        """Whether the address is relative to the stack or frame pointer."""
        return self.base in STACK

    @property
    def writes(self) -> bool:
        return self.kind in (STORE, RMW, LOCKED)

    @property
    def reads(self) -> bool:
        return self.kind in (LOAD, RMW, LOCKED)

    @property
    def whole(self) -> bool:
        """Whether where() and `size` are all that it touches: not of a string instruction."""
        return not self.text.startswith(("rep", *STRING))

    @property
    def late(self) -> bool:
        """Whether what it writes may reach the other CPUs late."""
        return self.kind in (STORE, RMW)

    @property
    def drains(self) -> bool:
        return self.kind in (LOCKED, DRAIN)

    @property
    def fences(self) -> bool:
        """Whether it is there for that alone: what it touches is the CPU's own stack, and stays."""
        return self.kind == DRAIN or self.on_stack and bool(FENCE_BY_LOCK.match(self.text))

    def where(self, registers: Mapping[str, int], width: int) -> int:
        """The address that it touches, with these registers."""
        value = self.offset
        if self.base in ("rip", "eip"):
            value += self.end
        elif self.base:
            value += registers[self.base]
        if self.index:
            value += registers[self.index] * self.scale
        if self.segment == "gs":
            value += registers["gs_base"]
        return value & (1 << width) - 1


@lru_cache(maxsize=4)
def _decoder(width: int) -> capstone.Cs:
    mode = capstone.CS_MODE_64 if width == 64 else capstone.CS_MODE_32
    decoder = capstone.Cs(capstone.CS_ARCH_X86, mode)
    decoder.detail = True
    return decoder


def site_at(elf: Elf, address: int) -> Site | None:
    """The instruction at an address, if it touches memory or empties the store buffer."""
    data = elf.code(address, LONGEST_INSTRUCTION)
    for insn in _decoder(elf.width).disasm(data, address, 1):
        return _site(insn, elf)
    return None


def touches(elf: Elf, address: int) -> bool:
    """Whether the instruction reads or writes memory, other than the stack: elsewhere what another CPU or an
    NMI does comes to the same before the next access."""
    site = site_at(elf, address)
    return site is not None and not site.on_stack


def sites_of(elf: Elf, function: str) -> list[Site]:
    """The sites of a function, in order."""
    return [site for address in elf.boundaries(function) if (site := site_at(elf, address))]


def serialises(text: str) -> bool:
    """Whether an instruction, as Elf.instruction() writes it, is a serialising one (SDM 3A 9.3)."""
    name, _, operands = text.partition(" ")
    if name.startswith("mov") and operands.rpartition("%")[2] in SERIALISED_BY_MOV:
        return True
    return _is_one_of(SERIALISING, name)


def _is_one_of(names: tuple[str, ...], name: str) -> bool:
    """Whether it is one of these, with or without the letter of its operand's size."""
    return name in names or name[-1:] in tuple("wlq") and name[:-1] in names


def _site(insn, elf: Elf) -> Site | None:
    name = insn.mnemonic.split()[-1]
    memory = next((op for op in insn.operands if op.type == x86.X86_OP_MEM), None)
    text = elf.instruction(insn.address).text
    moves = name == "mov" and insn.operands and insn.operands[0].type == x86.X86_OP_REG \
        and insn.reg_name(insn.operands[0].reg) in SERIALISED_BY_MOV
    if _is_one_of(FENCES, name) or moves:
        return Site(insn.address, DRAIN, 0, text, "", "", 1, 0, "", insn.address + insn.size)
    if memory is None or name.startswith(NO_ACCESS):
        return None
    return Site(
        insn.address, _kind(insn, name, memory), memory.size, text,
        insn.reg_name(memory.mem.base) if memory.mem.base else "",
        insn.reg_name(memory.mem.index) if memory.mem.index else "",
        memory.mem.scale, memory.mem.disp,
        "gs" if memory.mem.segment == x86.X86_REG_GS else "", insn.address + insn.size,
        _filled(insn, name, memory, elf.width))


def _filled(insn, name: str, memory, width: int) -> str:
    """The register that a plain load overwrites, by its name in this width, or ""."""
    into = insn.operands[0]
    if not name.startswith("mov") or into.type != x86.X86_OP_REG or into.size < 4 \
            or into.reg in (memory.mem.base, memory.mem.index):
        return ""
    register = insn.reg_name(into.reg)
    if width == 64:
        register = "r" + register[1:] if register[0] == "e" else register.removesuffix("d")
    return register


def _kind(insn, name: str, memory) -> str:
    """By the mnemonic: capstone 4's own flags are wrong for a few instructions."""
    if name == "xchg" or insn.prefix[0] == LOCK_PREFIX:
        return LOCKED
    if name.startswith(STRING) and insn.operands[0].type == x86.X86_OP_MEM and not name.startswith(
            ("lods", "scas", "cmps", "movsx")):
        return STORE
    if name.startswith(MODIFIES) and insn.operands[0].type == x86.X86_OP_MEM:
        return RMW
    if name.startswith(READS) or insn.operands[0].type != x86.X86_OP_MEM:
        return LOAD
    return STORE
