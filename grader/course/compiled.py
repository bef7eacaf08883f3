"""Compiled references: labs as objects, for students who have not written them.

Two things of a lab are macros of the assembler, gs.h of lab 2, and others of its users.  So that no
source goes along:

- An object of another lab jumps, where it uses such a macro, to a label of a file `sites.S`, which
  holds the macro's name and a jump back.  That file is assembled in the student's tree, with whatever
  gs.h is there: the student's own or the compiled one.
- The compiled gs.h has each macro as bytes.

Objects of gcc also link with what clang compiles: both follow one ABI.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from grader import processes, references
from grader.cells import ARCHES
from grader.contract import SYMBOLS_OF, global_symbols
from grader.course.handout import Given
from grader.errors import GraderError
from grader.labs import Lab
from grader.paths import ROOT
from grader.sources import read_folder

MACROS = "gs.h"         # the header whose macros other labs use ..
OWNER = 2               # .. and the lab that writes it
SECTION = ".corral.sites"
MACRO = re.compile(r"^\s*\.macro\s+(\w+)[ ,]*(.*?)\s*$", re.MULTILINE)
REGISTERS = {
    "x86_64": [f"%r{name}" for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp", *range(8, 16))],
    "i386": [f"%e{name}" for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")],
}
BITS = {"x86_64": "-m64", "i386": "-m32"}
RELATIVE = {"R_X86_64_PC32", "R_X86_64_PLT32", "R_386_PC32", "R_386_PLT32"}


def objects(labs: list[Lab], scratch: Path) -> dict[str, Given]:
    """The files of references/ by name."""
    found: dict[str, Given] = {}
    for lab in labs:
        keep = set(lab.symbols)
        for arch in ARCHES:
            made = _Made(lab, arch, scratch / f"lab{lab.number}-{arch}")
            for name, data in made.files().items():
                found[f"{references.FOLDER}/{lab.slug}/{arch}/{name}"] = Given(data)
            keep |= made.more_symbols
        for name, text in ((references.KEEP, "\n".join(sorted(keep))),
                           (references.STAMP, references.contracts())):
            found[f"{references.FOLDER}/{lab.slug}/{name}"] = Given(f"{text}\n".encode())
    return found


@dataclass
class _Reloc:
    """One relocation of a macro's bytes."""

    at: int
    kind: str
    symbol: str
    addend: int


class _Made:
    """One lab in one width, compiled in a tree of its own."""

    def __init__(self, lab: Lab, arch: str, place: Path):
        self.lab, self.arch, self.place = lab, arch, place
        self.tree = place / "tree"
        self.label = f"solutions/{lab.slug}"
        self.extra = lab.root / self.label / "compiled"     # what takes the place of macros of C
        self.more_symbols: set[str] = set()

    def files(self) -> dict[str, bytes]:
        """labN.o and what goes along with it."""
        self._write_tree()
        ring3 = [path.stem for path in sorted((self.tree / self.label).glob("ring3_*.c"))]
        wanted = [f"../lab{self.lab.number}.o",
                  *(f"../user/{self.label}/{name}.c.o" for name in ring3)]
        self._run(["make", "-f", "kernel/kernel.mk", f"ARCH={self.arch}", "CC=gcc", "OPT=-O2",
                   "OUT=..", "KOBJ=../kobj", f"STAGE={self.lab.number}", f"LABS={self.label}", *wanted])
        made = self.place / f"lab{self.lab.number}.o"
        sites = _sites(made)
        found = {made.name: self._stripped(made)}
        for name in ring3:
            found[f"{name}.o"] = self._stripped(self.place / f"user/{self.label}/{name}.c.o")
        if sites:
            found["sites.S"] = _sites_file(sites).encode()
        for path in sorted(self.extra.glob("*.h")):
            found[path.name] = path.read_bytes()
        for path in sorted(self.extra.glob("*.c")):
            self.more_symbols |= _globals(self.place / f"lab{self.lab.number}/{path.stem}.o")
        if self.lab.number == OWNER:
            found[MACROS] = self._macros().encode()
        return found

    def _write_tree(self) -> None:
        shutil.copytree(ROOT / "kernel", self.tree / "kernel")
        folder = self.tree / self.label
        folder.mkdir(parents=True)
        for name, data in read_folder(self.lab.root / self.label)[0].items():
            (folder / name).write_bytes(data)
        for path in self.extra.glob("*.c"):
            shutil.copy(path, folder)
        if self.lab.number != OWNER:
            header = self.tree / f"kernel/standin/lab{OWNER}/{MACROS}"
            names = dict(MACRO.findall(header.read_text(encoding="utf-8")))
            header.write_text(_site_header(names), encoding="utf-8")

    def _run(self, argv: list[str]) -> str:
        done = subprocess.run(argv, cwd=self.tree, capture_output=True, text=True, errors="replace",
                              check=False, stdin=subprocess.DEVNULL,
                              env=processes.clean_environment())
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            raise GraderError(f"the reference of lab {self.lab.number} does not build for "
                              f"{self.arch} ({lines[0]}): `make lab{self.lab.number} FROM=solutions` "
                              "says more")
        return done.stdout

    def _stripped(self, path: Path) -> bytes:
        """Without debug information, local names and the list of sites."""
        out = path.with_suffix(".stripped")
        self._run(["objcopy", "--strip-debug", "--discard-all", f"--remove-section={SECTION}",
                   "--remove-section=.comment", str(path.resolve()), str(out.resolve())])
        return out.read_bytes()

    # ---- macros as bytes ----

    def _macros(self) -> str:
        """The header with each macro's machine code in the place of its text."""
        header = f"#include \"{MACROS}\"\n"
        text = self._run(self._gcc(header, "-E"))
        lines = [f"/* {MACROS}: lab {OWNER}'s macros, compiled. */", "#ifndef CORRAL_GS_H",
                 "#define CORRAL_GS_H", "#ifdef __ASSEMBLER__"]
        for name, parameters in MACRO.findall(text):
            if "," in parameters.strip():
                raise GraderError(f"{name} of {MACROS} has more than one parameter: compiled.py knows "
                                  "macros with one register")
            lines.append(f"    .macro {name} {parameters}".rstrip())
            parameter = parameters.partition("=")[0].strip()
            if not parameter:
                lines += self._bytes(header, name)
            else:
                lines += _chosen(name, parameter, {
                    register: self._bytes(header, f"{name} {register}")
                    for register in REGISTERS[self.arch]})
            lines.append("    .endm")
        return "\n".join([*lines, "#endif", "#endif", ""])

    def _gcc(self, text: str, *what: str) -> list[str]:
        source = self.tree / "macro.S"
        source.write_text(text, encoding="utf-8")
        number = self.lab.number
        return ["gcc", BITS[self.arch], "-nostdinc", "-D__ASSEMBLER__", "-Ikernel/include",
                "-I../kobj/gen", f"-I../lab{number}/gen", f"-I{self.label}", *what, "macro.S"]

    def _bytes(self, header: str, invocation: str) -> list[str]:
        """Directives that give the machine code of one use of a macro."""
        self._run(self._gcc(f"{header}    .text\n    {invocation}\n", "-c", "-o", "../macro.o"))
        data, relocs = _text_of(self.place / "macro.o")
        lines, at = [], 0
        for reloc in relocs:
            lines += _byte_lines(data[at:reloc.at])
            target = f"{reloc.symbol} + {reloc.addend}"
            if reloc.kind in RELATIVE:
                lines.append(f"    .long {target} - .")
            elif reloc.kind == "R_X86_64_32S":
                # .long wants 32 bits without a sign, so it gets the lower half of a kernel address.
                lines.append(f"    .long {target} - 0xffffffff00000000")
            elif reloc.kind == "R_386_32":
                lines.append(f"    .long {target}")
            else:
                raise GraderError(f"a macro of {MACROS} needs {reloc.kind}, which compiled.py does not "
                                  "know")
            at = reloc.at + 4
        return lines + _byte_lines(data[at:])


def _chosen(name: str, parameter: str, variants: dict[str, list[str]]) -> list[str]:
    """The code of the one register that is given; the same for all is written once."""
    if len({tuple(lines) for lines in variants.values()}) == 1:
        return next(iter(variants.values()))
    lines = ["    .set corral_known, 0"]
    for register, body in variants.items():
        lines += [f"    .ifc \\{parameter},{register}", "    .set corral_known, 1", *body, "    .endif"]
    return [*lines, "    .if corral_known == 0", f'    .error "{name} takes a register"', "    .endif"]


def _byte_lines(data: bytes) -> list[str]:
    return ["    .byte " + ", ".join(f"{byte:#04x}" for byte in data[at:at + 16])
            for at in range(0, len(data), 16)]


def _text_of(path: Path) -> tuple[bytes, list[_Reloc]]:
    """The machine code of an object and its relocations, in order."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        code = elf.get_section_by_name(".text").data()
        found = []
        for section in elf.iter_sections():
            if not isinstance(section, RelocationSection) or not section.name.endswith(".text"):
                continue
            symbols = elf.get_section(section["sh_link"])
            for entry in section.iter_relocations():
                at = entry["r_offset"]
                addend = (entry["r_addend"] if section.is_RELA()
                          else int.from_bytes(code[at:at + 4], "little", signed=True))
                found.append(_Reloc(at, _kind(elf, entry["r_info_type"]),
                                    symbols.get_symbol(entry["r_info_sym"]).name, addend))
        return code, sorted(found, key=lambda each: each.at)


def _kind(elf: ELFFile, number: int) -> str:
    from elftools.elf.enums import ENUM_RELOC_TYPE_i386, ENUM_RELOC_TYPE_x64

    table = ENUM_RELOC_TYPE_x64 if elf.elfclass == 64 else ENUM_RELOC_TYPE_i386
    return next((name for name, value in table.items() if value == number), str(number))


# ---- sites ----

def _site_header(names: dict[str, str]) -> str:
    """A gs.h whose macros jump to a label of their own, and note its name and their arguments."""
    lines = ["#ifdef __ASSEMBLER__", "#define CORRAL_JOINED(a, b) a##b",
             "#define CORRAL_SITE(file)    CORRAL_JOINED(site_, file)"]
    for name in names:
        lines += [f"    .macro {name} words:vararg",
                  f"    corral_site CORRAL_SITE(LAB_FILE), {name}, \\words", "    .endm"]
    return "\n".join([
        *lines, "    .macro corral_site name, macro, words:vararg",
        "    .globl \\name\\()_\\@_back", "    jmp \\name\\()_\\@", "\\name\\()_\\@_back:",
        f'    .pushsection {SECTION}, "", @progbits',
        '    .asciz "\\name\\()_\\@|\\macro|\\words"', "    .popsection", "    .endm", "#endif", ""])


def _sites(path: Path) -> list[list[str]]:
    """[label, macro, arguments] of each site in an object."""
    with path.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(SECTION)
        data = section.data() if section is not None else b""
    return [each.decode("ascii").split("|") for each in data.split(b"\0") if each]


def _sites_file(sites: list[list[str]]) -> str:
    """Assembly that gives each site its macro, out of the gs.h of the tree that it is in."""
    lines = ["/* sites.S: where the compiled lab beside this file uses macros of another lab. */",
             f'#include "{MACROS}"', "", "    .text"]
    for label, macro, words in sites:
        lines += [f"    .globl {label}", f"{label}:", f"    {macro} {words}".rstrip(),
                  f"    jmp {label}_back"]
    return "\n".join([*lines, ""])


def _globals(path: Path) -> set[str]:
    """The global symbols that an object defines."""
    done = subprocess.run([*SYMBOLS_OF, str(path)], capture_output=True,
                          text=True, check=True, env=processes.clean_environment())
    return global_symbols(done.stdout)
