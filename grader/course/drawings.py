"""Drawings of lab 3's stacks for the handout, out of a trace of the reference: docs/drawings/lab3-*.txt.

Each word of a stack is named by the instruction that wrote it.  Words of C code are drawn as one row,
since the compiler chooses them, and so are words that nothing wrote.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from grader import evaluate
from grader.errors import GraderError
from grader.explore.drawing import FRAME, TSS_FIELDS
from grader.explore.nmi import NmiScene
from grader.explore.sweep import elf_of
from grader.labs import find_labs
from grader.machine import Cell, boot
from grader.options import Options
from grader.paths import ROOT, shown, write_text

PLACE = ROOT / "docs" / "drawings"
OWN_NMI = 1                     # enum own_stack
INTO_ENTRY = 4                  # instructions of intr_common before the NMI that is drawn
NMI_TSS_SEL, TSS_SEL = 0x58, 0x30
STEPS = 4000
BUSY = 128                      # the reference's word below own_top that is 0 while no NMI is handled
HAVE_ERROR_CODE = (8, 10, 11, 12, 13, 14, 17, 21)
NOTE_AT = 42                    # the column of a row's note
C_CODE, UNUSED = "C code", "not used"


@dataclass
class Word:
    """One word of a stack: what it is, and which kind of row it belongs to."""

    name: str
    group: str = ""             # words of one group that follow one another are one row


class Trace:
    """Watches a stretch of memory while the subject is stepped."""

    def __init__(self, scene: NmiScene, low: int, top: int):
        self.scene, self.low, self.top = scene, low, top
        self.words: dict[int, Word] = {}
        scene.m.write(low, scene.random.randbytes(top - low))     # so that every write is seen
        self.memory = scene.m.read(low, top - low)
        self.holds: dict[str, str] = {}     # what is in a register, where its name would not say it

    def step(self) -> None:
        """One instruction, or the delivery of what is pending."""
        scene, size = self.scene, self.scene.layout.word
        before = scene.m.regs(scene.cpu)
        scene.m.step(scene.cpu, 1)
        after = scene.m.regs(scene.cpu)
        was, self.memory = self.memory, scene.m.read(self.low, self.top - self.low)
        if scene.m.elf.where(after.pc).startswith("stub_") and \
                not scene.m.elf.where(before.pc).startswith("stub_"):
            self.delivered(before, after)
            return
        elf = elf_of(scene, before.pc)
        text, line = elf.instruction(before.pc).text, elf.line(before.pc)
        if match := re.match(r"mov\w*\s+%cr2, %(\w+)$", text):
            self.holds[match[1]] = "CR2"
        if text.startswith("call"):
            self.holds.clear()
        changed = {at for at in range(self.low, self.top, size) if self.word(at) !=
                   int.from_bytes(was[at - self.low:][:size], "little")}
        if text.startswith(("push", "call")):       # a push of what was there already counts
            changed |= set(range(after.sp, min(before.sp, self.top), size))
        given = line is not None and line.file.startswith("kernel/") and \
            not elf.where(before.pc).startswith("stub_")
        for address in sorted(changed, reverse=True):
            if self.low <= address < self.top:
                self.words[address] = Word(C_CODE, C_CODE) if given or line is not None and \
                    line.file.endswith(".c") else self.named(text, address)

    def delivered(self, before, after) -> None:
        """The hardware's frame."""
        scene = self.scene
        vector = int(scene.m.elf.where(after.pc).removeprefix("stub_").partition("+")[0])
        names = FRAME[scene.m.width]
        if scene.m.width == 32 and before.cpl == 0:
            names = names[:3]
        if self.low <= before.sp < self.top:        # what lies below was left behind
            self.words = {at: word for at, word in self.words.items() if at >= before.sp}
        for index, name in enumerate((("error",) if vector in HAVE_ERROR_CODE else ()) + names):
            address = after.sp + index * scene.layout.word
            if self.low <= address < self.top:
                self.words[address] = Word(name)

    def to(self, address: int) -> None:
        """Steps to an address; the words that were written have names."""
        for _ in range(STEPS):
            self.step()
            if self.scene.m.pc(self.scene.cpu) == address:
                return
        raise GraderError(f"the trace did not come to {self.scene.m.elf.where(address)}")

    def word(self, address: int) -> int:
        """A word of the memory that is watched."""
        at = address - self.low
        return int.from_bytes(self.memory[at:at + self.scene.layout.word], "little")

    def named(self, text: str, address: int) -> Word:
        """The name of a word that an instruction of a lab's assembly, or of a stub, wrote."""
        if text.startswith("call"):
            return Word("return address")
        if text.startswith("pusha"):
            return Word("EAX to EDI", "registers")
        if match := re.match(r"push\w*\s+%(\w+)$", text):
            if match[1] in self.holds:
                return Word(self.holds[match[1]], self.holds[match[1]])
            return Word(match[1].upper(), "registers")
        if text.startswith("push"):
            return Word("error" if self.word(address) == 0 else "vector")
        if re.match(r"mov\w*\s+\$", text):
            return Word("busy")
        return Word(self.copied(address))

    def copied(self, address: int) -> str:
        """A word that was moved: the name of one with this value; that of a frame in its order."""
        value, size = self.word(address), self.scene.layout.word
        names = [word.name for at, word in self.words.items()
                 if self.word(at) == value and not word.group and at != address]
        above = self.words.get(address + size, Word("")).name
        order = ("busy", *reversed(FRAME[self.scene.m.width]), "error", "vector")
        expected = dict(zip(order, order[1:])).get(above, "")
        if expected in names:
            return expected
        if self.low <= value < self.top:
            return "where it went"
        return names[0] if names else "a word"

    def rows(self, title: str, below: int) -> Iterator[str]:
        """The rows from the top down to an address, which is the stack pointer."""
        size = self.scene.layout.word
        addresses = list(range(self.top - size, below - 1, -size))
        words = [self.words.get(address, Word(UNUSED, UNUSED)) for address in addresses]
        for near in (1, -1):        # the holes in the frames of C code belong to it
            for index in range(len(words))[::near]:
                if words[index].group == UNUSED and 0 <= index - near < len(words) and \
                        words[index - near].group == C_CODE:
                    words[index] = Word(C_CODE, C_CODE)
        index = 0
        while index < len(words):
            word, count = words[index], 1
            names = {word.name}
            while word.group and index + count < len(words) and \
                    words[index + count].group == word.group and \
                    (word.group != "registers" or words[index + count].name not in names
                     or word.name == "EAX to EDI" and count < 8):
                names.add(words[index + count].name)
                count += 1
            last = addresses[index + count - 1]
            name = word.name
            if word.group == "registers" and count > 1:
                name = f"{name.split(' ')[0]} to {words[index + count - 1].name.split(' ')[-1]}"
            note = f"{count} words" if count > 1 else meaning(self.scene, name, self.word(last))
            yield row(f"{title} - {self.top - last:4}", name, note)
            index += count


def meaning(scene: NmiScene, name: str, value: int) -> str:
    match name:
        case "RIP" | "EIP" | "return address":
            return elf_of(scene, value).where(value)
        case "CS":
            return f"{value & 0xFFFF:04x}, ring {value & 3}"
        case "SS" | "GS":
            return f"{value & 0xFFFF:04x}"
        case "RSP" | "ESP":
            return {"area": "in the thread's save area", "ring 3": "of ring 3"}.get(
                scene.stack_of(value), f"on the {scene.stack_of(value)} stack")
        case "CR3":
            return "of the present thread"
        case "vector" | "error" | "busy" | "back link":
            return f"{value:#x}" if value > 9 else str(value)
    return "this CPU" if value == scene.block else ""


def row(place: str, name: str, note: str) -> str:
    return f"{'':4}{place:<18}{name:<20}{note}".rstrip()


# ---- the drawings ----

def scene_of(machine) -> NmiScene:
    """The reference, ready to take NMIs."""
    cell = type("Drawn", (), {"machine": machine, "random": random.Random(3), "replay": None})
    scene = NmiScene(cell)
    scene.ready()
    return scene


def nmi_stack(scene: NmiScene) -> Trace:
    top = scene.own_tops[OWN_NMI]
    trace = Trace(scene, top - scene.offset["own_stack_size"] + 16, top)
    if scene.m.width == 64:
        scene.m.write(top - BUSY, bytes(8))
        trace.memory = scene.m.read(trace.low, top - trace.low)
    return trace


def cpu_word(scene: NmiScene) -> str:
    return row("own_top", "this CPU", "its struct cpu; stacks_init() put it there")


def head(words: str) -> list[str]:
    return [words, ""]


def pointer(scene: NmiScene, where: str) -> str:
    return f"    {'':<18}^ {scene.layout.title('sp')} at the first instruction of {where}"


def task_rows(scene: NmiScene) -> list[str]:
    """32 bits: the CPU's TSS after a task switch, and where the NMI's goes back to."""
    tss = scene.block + scene.offset["cpu_tss"]
    lines = ["  the TSS that was in use: what the NMI interrupted"]
    for name, offset in TSS_FIELDS:
        if name != "GS":
            lines.append(row(f"+{offset}", name, meaning(scene, name, scene.m.ptr(tss + offset))))
    gdt = scene.block + scene.offset["cpu_gdt"]
    task = int.from_bytes(scene.m.read(gdt + NMI_TSS_SEL, 8), "little")
    base = task >> 16 & 0xFFFFFF | task >> 56 << 24
    lines += ["", "  the TSS of the NMI task",
              row("+0", "back link", f"{scene.m.u16(base):#x}, the selector of the first TSS"), "",
              "  their descriptors in this CPU's GDT"]
    for selector, name in ((TSS_SEL, "the first"), (NMI_TSS_SEL, "the NMI task's")):
        kind = scene.m.u8(gdt + selector + 5) & 0xF
        lines.append(row(f"{selector:#x}", name, "busy" if kind & 2 else "available"))
    return lines + ["", "  the NMI stack"]


def draw_nmi(scene: NmiScene) -> list[str]:
    """Sends an NMI, traces it to knmi(), and draws the NMI stack; in 32 bits the TSSs too."""
    scene.forget()
    stack = nmi_stack(scene)
    scene.m.nmi(scene.cpu)
    stack.step()
    lines = task_rows(scene) if scene.m.width == 32 else ["  the NMI stack"]
    stack.to(scene.m.elf.address("knmi"))
    sp = scene.m.regs(scene.cpu).sp
    return [*lines, cpu_word(scene), *stack.rows("own_top", sp), pointer(scene, "knmi()")]


def from_ring3(machine) -> list[str]:
    scene = scene_of(machine)
    scene.present()
    scene.enter(scene.layout.random_program(scene.random, scene.sled(4), **scene.honest))
    return head("An NMI in ring 3.") + draw_nmi(scene)


def from_kernel(machine) -> list[str]:
    scene = scene_of(machine)
    thread = scene.present()
    scene.enter(scene.layout.random_program(scene.random, scene.sled(4), **scene.honest))
    low = scene.thread_regs(thread)
    area = Trace(scene, low, low + scene.layout.size)
    scene.forget()
    scene.m.interrupt(scene.cpu, scene.vector(0x50, 0x80))
    area.to(scene.m.elf.address("intr_common"))
    for _ in range(INTO_ENTRY):
        area.step()
    now = scene.m.regs(scene.cpu)
    lines = head("An NMI in the entry of an interrupt of ring 3, "
                 f"before {scene.m.elf.instruction(now.pc).text.split()[0]} in intr_common.")
    lines += ["  the save area", *area.rows("its end", now.sp),
              f"    {'':<18}^ {scene.layout.title('sp')}: nothing else may be written here", ""]
    return lines + draw_nmi(scene)


def nested(machine) -> list[str]:
    scene = scene_of(machine)
    scene.present()
    scene.enter(scene.layout.random_program(scene.random, scene.sled(4), **scene.honest))
    scene.forget()
    scene.order(faults=1)
    stack = nmi_stack(scene)
    scene.m.nmi(scene.cpu)
    knmi = scene.m.elf.address("knmi")
    stack.to(knmi)
    scene.m.nmi(scene.cpu)
    wide = scene.m.width == 64
    stack.to(knmi if wide else scene.m.elf.address("nmi_fixup"))
    sp = scene.m.regs(scene.cpu).sp
    lines = head("A second NMI, which came behind the IRET of a page fault in knmi().")
    return [*lines, "  the NMI stack", cpu_word(scene), *stack.rows("own_top", sp),
            pointer(scene, "the second knmi()" if wide else "nmi_fixup()")]


DRAWINGS = {"ring3": from_ring3, "kernel": from_kernel, "nested": nested}


def drawings(machine) -> dict[str, str]:
    """Every drawing of one width by the name of its file."""
    parked = machine.snapshot()
    found = {}
    for name, draw in DRAWINGS.items():
        machine.restore(parked)
        found[f"lab3-{name}-{machine.width}.txt"] = "\n".join(draw(machine)) + "\n"
    machine.restore(parked)
    return found


def shape(text: str) -> list[str]:
    """What of a drawing depends neither on the compiler nor on the emulator: names and their order."""
    lines = [re.sub(r"- +\d+", "", line[:NOTE_AT] if line.startswith("    ") else line)
             for line in text.splitlines()]
    return [" ".join(line.split()) for line in lines]


def drawings_command(options: Options) -> int:
    """Writes the drawings anew."""
    lab = find_labs()[3]
    options = replace(options, source="solutions", base={}, test="")
    grade = evaluate.prepare(lab, lab.tests, options)
    for arch in options.arches:
        build = grade.builds[arch]
        if build.problem:
            raise GraderError(f"the reference of lab 3 does not build: {build.problem}")
        with boot(Cell(arch, options.emus[-1]), build.elf, build.iso) as machine:
            for name, text in drawings(machine).items():
                write_text(PLACE / name, text)
                print(f"written: {shown(PLACE / name)}")
    return 0
