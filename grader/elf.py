"""What the grader asks an ELF file: symbols, source lines, bytes, instructions."""

from __future__ import annotations

import bisect
import posixpath
import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.dwarf import dwarfinfo
from elftools.dwarf.aranges import ARanges
from elftools.elf.elffile import ELFFile

from grader.disassembler import capstone
from grader.errors import GraderError

LONGEST_INSTRUCTION = 15
# Its parsers depend on four numbers; old versions of the library make them anew for each unit, which takes
# half of the time.
dwarfinfo.DWARFStructs = lru_cache(maxsize=None)(dwarfinfo.DWARFStructs)
PLACE = re.compile(r"([^+\s]+)(?:\+(0x[0-9a-fA-F]+|\d+))?")


@dataclass(frozen=True)
class Symbol:
    """A function, an object or a label."""

    name: str
    address: int
    size: int
    kind: str                   # STT_FUNC, STT_OBJECT, STT_NOTYPE
    bound: str                  # STB_GLOBAL, STB_LOCAL, STB_WEAK


@dataclass(frozen=True)
class Line:
    """A line of source; the path is the one given to the compiler, relative to its folder."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Insn:
    """One disassembled instruction, in AT&T syntax."""

    address: int
    data: bytes
    text: str

    @property
    def mnemonic(self) -> str:
        return self.text.split(None, 1)[0]

    @property
    def end(self) -> int:
        return self.address + len(self.data)


def elf_of(path: str | Path) -> Elf:
    """The program in a file; the same object as long as the file is the same, since to read one takes
    longer than most of what is asked."""
    try:
        now = Path(path).stat()
    except OSError as error:
        raise GraderError(f"{path} cannot be read as an ELF file: {error}") from None
    return _elf_of(Path(path), now.st_ino, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=8)
def _elf_of(path: Path, *_: int) -> Elf:
    return Elf(path)


class Elf:
    """A linked program.  The file is read once; what is slow is made at its first use."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self._file = self.path.open("rb")
            self._elf = ELFFile(self._file)
            self.width: int = self._elf.elfclass
            self.entry: int = self._elf["e_entry"]
            self._segments = [(s["p_vaddr"], s.data(), bool(s["p_flags"] & 1))
                              for s in self._elf.iter_segments() if s["p_type"] == "PT_LOAD"]
            self.symbols = self._read_symbols()
        except (OSError, ELFError) as error:
            raise GraderError(f"{path} cannot be read as an ELF file: {error}") from None
        mode = capstone.CS_MODE_64 if self.width == 64 else capstone.CS_MODE_32
        self._capstone = capstone.Cs(capstone.CS_ARCH_X86, mode)
        self._capstone.syntax = capstone.CS_OPT_SYNTAX_ATT
        self._capstone.skipdata = True

    # ---- symbols ----

    def __contains__(self, name: str) -> bool:
        return name in self.symbols

    def address(self, name: str | int) -> int:
        """The address of a symbol; a number stands for itself."""
        if isinstance(name, int):
            return name
        try:
            return self.symbols[name].address
        except KeyError:
            raise GraderError(f"{self.path.name} has no symbol {name}") from None

    def size(self, name: str) -> int:
        """The size of an object or function as the symbol table says it."""
        self.address(name)
        return self.symbols[name].size

    def symbol_at(self, address: int) -> Symbol | None:
        """The code symbol that the address belongs to."""
        starts, symbols = self._code_symbols
        at = bisect.bisect_right(starts, address) - 1
        if at < 0 or self.code(address, 1) == b"":
            return None
        return symbols[at]

    def name(self, address: int) -> str:
        """The address as "function+0x12" (nothing behind it at the function itself)."""
        symbol = self.symbol_at(address)
        if symbol is None:
            return f"{address:#x}"
        offset = address - symbol.address
        return f"{symbol.name}+{offset:#x}" if offset else symbol.name

    def where(self, address: int) -> str:
        """The address as "function+N", N counting instructions: the form that survives a rebuild."""
        symbol = self.symbol_at(address)
        if symbol is None:
            return f"{address:#x}"
        boundaries = self.boundaries(symbol.name)
        if address not in boundaries:
            return self.name(address)
        return f"{symbol.name}+{boundaries.index(address)}"

    def find(self, where: str) -> int | None:
        """The address of "function+N", "function+0x12" or "0x1234"; None if it is gone."""
        if where.startswith("0x"):
            return int(where, 16)
        match = PLACE.fullmatch(where)
        if not match or match[1] not in self.symbols:
            return None
        start = self.symbols[match[1]].address
        if match[2] is None or match[2].startswith("0x"):
            return start + int(match[2] or "0", 16)
        boundaries = self.boundaries(match[1])
        index = int(match[2])
        return boundaries[index] if index < len(boundaries) else None

    # ---- bytes ----

    def section(self, name: str) -> bytes:
        """The contents of a section; empty if there is none."""
        section = self._elf.get_section_by_name(name)
        return section.data() if section is not None else b""

    def read(self, address: int, size: int) -> bytes:
        """Bytes that the file puts at a virtual address; fewer where the segment's data end."""
        for start, data, _ in self._segments:
            if start <= address < start + len(data):
                return data[address - start:address - start + size]
        return b""

    def code(self, address: int, size: int) -> bytes:
        """As read(), but only of executable segments."""
        for start, data, executable in self._segments:
            if executable and start <= address < start + len(data):
                return data[address - start:address - start + size]
        return b""

    def occurrences(self, pattern: bytes) -> set[int]:
        """Every address in executable segments where these bytes lie."""
        return {start + match.start() for start, data, executable in self._segments if executable
                for match in re.finditer(b"(?=" + re.escape(pattern) + b")", data)}

    # ---- instructions ----

    def instruction(self, address: int, data: bytes | None = None) -> Insn:
        """The instruction at an address: of these bytes, or of the file."""
        data = self.read(address, LONGEST_INSTRUCTION) if data is None else data
        for _, size, mnemonic, operands in self._capstone.disasm_lite(data, address, 1):
            return Insn(address, bytes(data[:size]), f"{mnemonic} {operands}".strip())
        return Insn(address, bytes(data[:1]), "(bad)")

    def function(self, name: str) -> list[Insn]:
        """All instructions of a function, in order."""
        if name not in self._functions:
            start = self.address(name)
            end = self._end_of(self.symbols[name])
            data = self.read(start, end - start)
            found, offset = [], start
            for _, size, mnemonic, operands in self._capstone.disasm_lite(data, start):
                raw = data[offset - start:offset - start + size]
                found.append(Insn(offset, raw, f"{mnemonic} {operands}".strip()))
                offset += size
            self._functions[name] = found
        return self._functions[name]

    def boundaries(self, name: str) -> list[int]:
        """The addresses at which a function's instructions begin."""
        return [insn.address for insn in self.function(name)]

    @cached_property
    def _functions(self) -> dict[str, list[Insn]]:
        return {}

    def _end_of(self, symbol: Symbol) -> int:
        """Where the code of a symbol ends: by its size, or at the next symbol."""
        if symbol.size:
            return symbol.address + symbol.size
        starts, _ = self._code_symbols
        at = bisect.bisect_right(starts, symbol.address)
        if at < len(starts):
            return starts[at]
        ends = [start + len(data) for start, data, _ in self._segments
                if start <= symbol.address < start + len(data)]
        return ends[0] if ends else symbol.address

    # ---- source lines ----

    def line(self, address: int) -> Line | None:
        """The source line that the instruction at this address comes from."""
        addresses, lines = self._lines_of(self._unit_at(address))
        at = bisect.bisect_right(addresses, address) - 1
        return lines[at] if at >= 0 else None

    def files(self, address: int) -> frozenset[str]:
        """The source files that the code of an address's unit may come from: they are known at once, lines
        are not."""
        offset = self._unit_at(address)
        if offset not in self._files:
            self._files[offset] = frozenset(
                name for program, folder in self._programs(offset)
                for name in _file_names(program.header, folder).values())
        return self._files[offset]

    @cached_property
    def _files(self) -> dict[int | None, frozenset[str]]:
        return {}

    @cached_property
    def dwarf(self) -> dwarfinfo.DWARFInfo | None:
        """The debug information, if there is some."""
        return self._elf.get_dwarf_info() if self._elf.has_dwarf_info() else None

    @cached_property
    def _ranges(self) -> ARanges | None:
        return self.dwarf.get_aranges() if self.dwarf else None

    def _unit_at(self, address: int) -> int | None:
        """The unit that has the address, by its offset; None if the file does not say: not every compiler
        writes that down."""
        return self._ranges.cu_offset_at_addr(address) if self._ranges else None

    @cached_property
    def _tables(self) -> dict[int | None, tuple[list[int], list[Line | None]]]:
        return {}

    def _lines_of(self, offset: int | None) -> tuple[list[int], list[Line | None]]:
        """The line program of a unit, or of all whose addresses the file does not say, as one sorted
        table; None ends a sequence.  A kernel has a hundred units, and who asks needs few."""
        if offset not in self._tables:
            rows: dict[int, Line | None] = {}
            for program, folder in self._programs(offset):
                _add_rows(rows, program, folder)
            addresses = sorted(rows)
            self._tables[offset] = addresses, [rows[address] for address in addresses]
        return self._tables[offset]

    def _programs(self, offset: int | None) -> list:
        """The line programs of the same, each with the folder that its unit was built in."""
        found = [(self.dwarf.line_program_for_CU(unit), _folder_of(unit)) for unit in self._units(offset)]
        return [(program, folder) for program, folder in found if program is not None]

    def _units(self, offset: int | None) -> list:
        """The unit there, or all whose addresses the file does not say."""
        if self.dwarf is None:
            return []
        if offset is not None:
            return [self.dwarf.get_CU_at(offset)]
        said = {entry.info_offset for entry in self._ranges.entries} if self._ranges else set()
        return [unit for unit in self.dwarf.iter_CUs() if unit.cu_offset not in said]

    # ---- reading the symbol table ----

    def _read_symbols(self) -> dict[str, Symbol]:
        table = self._elf.get_section_by_name(".symtab")
        if table is None:
            raise GraderError(f"{self.path.name} has no symbols: build it without stripping")
        found: dict[str, Symbol] = {}
        files: dict[str, str] = {}              # by name: the source file of the local symbol of this name
        file = ""
        for entry in table.iter_symbols():
            kind, bound = entry["st_info"]["type"], entry["st_info"]["bind"]
            if kind == "STT_FILE":
                file = entry.name
            if not entry.name or kind in ("STT_FILE", "STT_SECTION"):
                continue
            if entry["st_shndx"] == "SHN_UNDEF":
                continue
            symbol = Symbol(entry.name, entry["st_value"], entry["st_size"], kind, bound)
            old = found.get(entry.name)
            if old is None or old.bound == "STB_LOCAL":
                if old is not None:             # two files have one each: both are there
                    _add_with_file(found, old, files[entry.name])
                found[entry.name], files[entry.name] = symbol, file
            else:
                _add_with_file(found, symbol, file)
        return found

    @cached_property
    def _code_symbols(self) -> tuple[list[int], list[Symbol]]:
        """The best symbol of each code address, sorted: functions and globals come first."""
        best: dict[int, Symbol] = {}
        for symbol in self.symbols.values():
            if symbol.kind not in ("STT_FUNC", "STT_NOTYPE") or not self.code(symbol.address, 1):
                continue
            old = best.get(symbol.address)
            if old is None or _rank(symbol) < _rank(old):
                best[symbol.address] = symbol
        starts = sorted(best)
        return starts, [best[start] for start in starts]


def _add_with_file(found: dict[str, Symbol], symbol: Symbol, file: str) -> None:
    """Adds a symbol whose name another one has, as name@file."""
    name = f"{symbol.name}@{file}"
    if name in found:
        name += f"@{symbol.address:x}"
    found[name] = replace(symbol, name=name)


def _rank(symbol: Symbol) -> tuple[bool, bool, str]:
    return (symbol.kind != "STT_FUNC", symbol.bound == "STB_LOCAL", symbol.name)


def _folder_of(unit) -> str:
    attribute = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
    return attribute.value.decode("utf-8", "replace") if attribute else ""


def _add_rows(rows: dict[int, Line | None], program, folder: str) -> None:
    names = _file_names(program.header, folder)
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if state.end_sequence:
            rows.setdefault(state.address, None)
        elif state.line:
            rows[state.address] = Line(names.get(state.file, "?"), state.line)


def _file_names(header, folder: str) -> dict[int, str]:
    """File numbers of a line program with their paths; before version 5 they count from 1."""
    new = header["version"] >= 5
    folders = [text.decode("utf-8", "replace") for text in header["include_directory"]]
    if not new:
        folders.insert(0, folder)
    names: dict[int, str] = {}
    for number, entry in enumerate(header["file_entry"], 0 if new else 1):
        index = entry["dir_index"]
        place = folders[index] if index < len(folders) else ""
        path = posixpath.join(place, entry["name"].decode("utf-8", "replace"))
        if folder and path.startswith(folder + "/"):
            path = path[len(folder) + 1:]
        names[number] = posixpath.normpath(path)
    return names
