"""What a path reads of a few bytes: each instruction that does, with its address and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from grader.disassembler import capstone, x86
from grader.elf import LONGEST_INSTRUCTION, Elf
from grader.explore.access import NO_ACCESS, STRING

# The operand in memory is written and not read, if it is the first one of these.
ONLY_WRITES = ("mov", "set", "pop", "stos", "movnti")
DIRECTION = 1 << 10             # DF
REPEATS = (0xF2, 0xF3)


@dataclass(frozen=True)
class Read:
    """Bytes that one instruction of a path reads."""

    index: int                  # instructions of the path before it
    pc: int
    address: int
    size: int

    def part(self, start: int, size: int) -> range:
        """Which of `size` bytes from `start` it reads, as numbers from 0."""
        return range(max(self.address - start, 0), min(self.address + self.size - start, size))


@lru_cache(maxsize=2)
def _decoder(width: int) -> capstone.Cs:
    decoder = capstone.Cs(capstone.CS_ARCH_X86,
                          capstone.CS_MODE_64 if width == 64 else capstone.CS_MODE_32)
    decoder.detail = True
    return decoder


@lru_cache(maxsize=4096)
def _insn(elf: Elf, pc: int):
    data = elf.code(pc, LONGEST_INSTRUCTION)
    return next(_decoder(elf.width).disasm(data, pc, 1), None)


def may_read(elf: Elf, pc: int) -> bool:
    """Whether an instruction reads memory that an operand names."""
    insn = _insn(elf, pc)
    return insn is not None and bool(_sources(insn))


def repeats(elf: Elf, pc: int) -> bool:
    """Whether it is a string instruction with REP: a step may be a part of it."""
    insn = _insn(elf, pc)
    return insn is not None and _is_string(insn) and insn.prefix[0] in REPEATS


def reads(elf: Elf, index: int, pc: int, registers: Mapping[str, int]) -> list[Read]:
    """What it is about to read, with these registers."""
    insn = _insn(elf, pc)
    if insn is None:
        return []
    found = []
    for operand in _sources(insn):
        start = _where(insn, operand.mem, registers, elf.width)
        size = operand.size
        if repeats(elf, pc):
            size *= registers["rcx" if elf.width == 64 else "ecx"]
            if registers["rflags" if elf.width == 64 else "eflags"] & DIRECTION:
                start -= size - operand.size
        found.append(Read(index, pc, start, size))
    return [each for each in found if each.size]


def _is_string(insn) -> bool:
    name = insn.mnemonic.split()[-1]
    return name.startswith(STRING) and not name.startswith(("movsx", "movsxd")) \
        and all(operand.type != x86.X86_OP_IMM for operand in insn.operands)


def _sources(insn) -> list:
    """The operands in memory that it reads."""
    name = insn.mnemonic.split()[-1]
    memory = [(n, op) for n, op in enumerate(insn.operands) if op.type == x86.X86_OP_MEM]
    if name.startswith(NO_ACCESS):
        return []
    if name.startswith(ONLY_WRITES) and not name.startswith(("movs", "movz", "cmov")) or (
            _is_string(insn) and name.startswith("movs")):
        memory = [(n, op) for n, op in memory if n > 0]
    return [op for _, op in memory]


def _where(insn, memory, registers: Mapping[str, int], width: int) -> int:
    value = memory.disp
    if memory.base:
        name = insn.reg_name(memory.base)
        value += insn.address + insn.size if name in ("rip", "eip") else _register(name, registers)
    if memory.index:
        value += _register(insn.reg_name(memory.index), registers) * memory.scale
    if memory.segment == x86.X86_REG_GS:
        value += registers["gs_base"]
    return value & (1 << width) - 1


def _register(name: str, registers: Mapping[str, int]) -> int:
    """Also the lower half of one, as in an address of 32 bits."""
    if name in registers:
        return registers[name]
    if name.startswith("e") and "r" + name[1:] in registers:
        return registers["r" + name[1:]] & 0xFFFFFFFF
    if name.endswith("d") and name[:-1] in registers:
        return registers[name[:-1]] & 0xFFFFFFFF
    return 0                    # riz and the like


@lru_cache(maxsize=4096)
def _fetches(elf: Elf, pc: int) -> bool:
    """Whether it may be a read of the lab's, or of what it calls to copy, and not the sink's."""
    line = elf.line(pc)
    own = line is None or not line.file.startswith(("kernel/probe/", "kernel/sys/"))
    return own and may_read(elf, pc)


def path_reads(scene, start, steps, pages: range) -> list[Read]:
    """All reads of these addresses on a path from a snapshot, which a walk has traced.

    The machine goes along once more, and stops where an instruction may read.
    """
    elf, cpu = scene.m.elf, scene.cpu
    scene.m.restore(start)
    found: list[Read] = []
    at, last = 0, None
    for index, step in enumerate(steps):
        again = step.pc == last and repeats(elf, step.pc)   # the rest of the same instruction
        last = step.pc
        if again or not _fetches(elf, step.pc):
            continue
        if index > at:
            scene.m.step(cpu, index - at)
            at = index
        for each in reads(elf, index, step.pc, scene.m.regs(cpu).values):
            if each.address < pages.stop and each.address + each.size > pages.start:
                found.append(each)
    return found
