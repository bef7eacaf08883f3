"""How a CPU comes back to an instruction: what it executes before that, as far as the code tells.

QEMU cannot leave an instruction that has a breakpoint but by a step of its own, which costs as much as
the run to the next one.  Whoever knows what comes before can stop there instead.
"""

from __future__ import annotations

from functools import lru_cache

from grader.elf import Elf, Insn

JUMPS = ("j", "loop")
HALT = "hlt"
LEAVES = ("ret", "iret", "sysret", "sysexit", "ud2", HALT)
PATCHED = ".corral.trace"       # the table of the places at which code changes


@lru_cache(maxsize=16)
def ways_back(elf: Elf, functions: tuple[str, ...]) -> dict[int, frozenset[int]]:
    """By address, for each instruction of these functions of which it is known: those of which one is
    executed before a CPU comes there, unless an interrupt or exception returns to it.

    Not known is it of the first instruction of a function and of labels, which may be reached from
    anywhere; of a function with a jump through a register; where code is patched; and behind a call in a
    function that may be in itself, which returns there once for each time that it is.  HLT is left out, since
    a step alone tells soon that nothing wakes the CPU.
    """
    labels = {symbol.address for symbol in elf.symbols.values()}
    patched = _words(elf)
    found: dict[int, set[int]] = {}
    bodies = [body for name in functions if (body := elf.function(name))]
    known = [body for body in bodies if not any(_indirect(insn) for insn in body)
             and not any(body[0].address <= word <= body[-1].address for word in patched)]
    again = _recursive(bodies)
    for body in known:
        for before, insn in zip(body, body[1:]):
            if insn.address not in labels and insn.text != HALT \
                    and not (_calls(before) and body[0].address in again):
                found[insn.address] = set() if _ends(before) else {before.address}
    for body in bodies:
        for insn in body:
            target = _target(insn)
            if target in found:
                found[target].add(insn.address)
    return {address: frozenset(ways) for address, ways in found.items() if address not in ways}


@lru_cache(maxsize=16)
def entered_anywhere(elf: Elf, functions: tuple[str, ...]) -> frozenset[int]:
    """The addresses of those among these functions that a CPU may enter elsewhere than at their first
    instruction, as far as the code tells.

    Functions of C alone are sure, without labels for the linker inside, into which no other code jumps;
    but not the part of one that the compiler moved away.
    """
    found: set[int] = set()
    for name in functions:
        body = elf.function(name)
        starts = {symbol.address for insn in body if (symbol := elf.symbol_at(insn.address))}
        line = elf.line(body[0].address) if body else None
        if len(starts) > 1 or name.endswith(".cold") or line is None or not line.file.endswith(".c"):
            found |= starts
        for target in {_place(insn) for insn in body} - {None}:
            symbol = elf.symbol_at(target)
            if symbol and target != symbol.address not in starts:
                found.add(symbol.address)
    return frozenset(found)


def _recursive(bodies: list[list[Insn]]) -> set[int]:
    """The functions among these that come to themselves by direct calls, and jumps to others, by their
    addresses: a jump to its own start is a loop."""
    starts = {body[0].address for body in bodies}
    calls = {start: {_place(insn) for insn in body if _calls(insn) or _place(insn) != start} & starts
             for start, body in ((body[0].address, body) for body in bodies)}
    found = set()
    for start in starts:
        seen: set[int] = set()
        more = [start]
        while more:
            more = list(set().union(*(calls[each] for each in more)) - seen)
            seen.update(more)
        if start in seen:
            found.add(start)
    return found


def _words(elf: Elf) -> set[int]:
    data, size = elf.section(PATCHED), elf.width // 8
    return {int.from_bytes(data[at:at + size], "little") for at in range(0, len(data), size)}


def _jumps(insn: Insn) -> bool:
    return insn.text.startswith(JUMPS)


def _indirect(insn: Insn) -> bool:
    return _jumps(insn) and _target(insn) is None


def _target(insn: Insn) -> int | None:
    """Where a jump to a fixed place leads."""
    return _place(insn) if _jumps(insn) else None


def _place(insn: Insn) -> int | None:
    """Where a jump or a call to a fixed place leads."""
    operand = insn.text.partition(" ")[2]
    return int(operand, 16) if (_jumps(insn) or _calls(insn)) and operand.startswith("0x") else None


def _calls(insn: Insn) -> bool:
    return insn.text.startswith("call")


def _ends(insn: Insn) -> bool:
    """Whether the next instruction does not follow."""
    return insn.text.split()[0].startswith(("jmp", *LEAVES))
