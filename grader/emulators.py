"""How QEMU and Bochs are started for a person.  Graded machines are grader/machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from elftools.elf.elffile import ELFFile

from grader.disassembler import capstone
from grader.errors import GraderError
from grader.machine import bochsprogram
from grader.machine.qemuprocess import CPU_MODEL

QEMU_CPU = {"x86_64": CPU_MODEL, "i386": f"{CPU_MODEL},-lm,-syscall"}
BOCHS_CPU = "corei7_icelake_u"
BOCHS_FILES = {
    "bochsbios": "/usr/share/bochs/BIOS-bochs-latest",
    "vgabios": "/usr/share/bochs/VGABIOS-lgpl-latest",
}
BOCHSRC = """\
config_interface: textconfig
display_library: term
plugin_ctrl: unmapped=true, biosdev=true, speaker=false, parallel=false, gameport=false, serial=true
cpu: model={cpu}, count={cpus}, ips=4000000, reset_on_triple_fault=0, ignore_bad_msrs=1
megs: {megs}
romimage: file={bochsbios}, options=fastboot
vgaromimage: file={vgabios}
ata0-master: type=cdrom, path=corral.iso, status=inserted
boot: cdrom
clock: sync={sync}, time0=1577836800
com1: enabled=1, {serial}
log: bochs.log
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""


def require(cell: str) -> None:
    """A missing emulator is a sentence."""
    arch, emu = cell.split("/")
    program = f"qemu-system-{arch}" if emu == "qemu" else bochsprogram.PROGRAM
    if shutil.which(program) is None:
        other = "bochs" if emu == "qemu" else "qemu"
        raise GraderError(f"{program} is not installed: run ./setup, or leave it out with "
                          f"EMU={other}")
    if emu == "bochs":
        for package, file in BOCHS_FILES.items():
            if not os.path.exists(file):
                raise GraderError(f"{file} is missing: install {package} with ./setup")


def bochs(folder: str, iso: Path, cpus: int, megs: int, serial: str,
          commands: list[str]) -> list[str]:
    """Writes the files of a Bochs run into `folder`; gives the command, to be run there."""
    place = Path(folder)
    if not (place / "corral.iso").is_symlink():
        os.symlink(iso.resolve(), place / "corral.iso")
    (place / "bochsrc").write_text(BOCHSRC.format(
        cpu=BOCHS_CPU, cpus=cpus, megs=megs, serial=serial, sync="none", **BOCHS_FILES))
    (place / "commands").write_text("".join(f"{command}\n" for command in commands))
    return [*bochsprogram.command(), "-rc", "commands"]


def write_symbols(elf: Path, target: Path) -> list[int]:
    """Writes Bochs' symbol file; gives the addresses of kmain's first two instructions.

    Bochs does not always stop at the first instruction after a jump between pages.
    """
    with open(elf, "rb") as stream:
        file = ELFFile(stream)
        table = file.get_section_by_name(".symtab")
        found = {s.name: s["st_value"] for s in table.iter_symbols()
                 if s.name and s["st_info"]["type"] in ("STT_FUNC", "STT_NOTYPE", "STT_OBJECT")}
        target.write_text("".join(f"{value:x} {name}\n" for name, value in found.items()))
        if "kmain" not in found:
            raise GraderError(f"{elf} has no symbol kmain")
        text = next(s for s in file.iter_sections()
                    if s["sh_addr"] <= found["kmain"] < s["sh_addr"] + s["sh_size"])
        start = found["kmain"] - text["sh_addr"]
        code = text.data()[start:start + 32]
        mode = capstone.CS_MODE_64 if file.elfclass == 64 else capstone.CS_MODE_32
    decoder = capstone.Cs(capstone.CS_ARCH_X86, mode)
    return [insn.address for insn in decoder.disasm(code, found["kmain"], 2)]


def wait_for(socket: Path, process: subprocess.Popen, seconds: float = 10) -> None:
    """Waits until an emulator has made its socket."""
    end = time.monotonic() + seconds
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise GraderError("the emulator did not start: run `make doctor`")
        time.sleep(0.02)
