"""One QEMU: how it is started, its sockets, its snapshots, its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from grader import processes, sandbox
from grader.errors import GraderError
from grader.machine import private
from grader.machine.monitor import Qmp, Qtest, connect
from grader.machine.private import PrivateDir, peer_of
from grader.machine.ram import Ram
from grader.machine.rsp import Rsp
from grader.machine.shared import Shared
from grader.machine.shim import preloaded
from grader.machine.types import Cell

# Without SVM: its CLGI holds off the SMI that ends a budget.
CPU_MODEL = "qemu64,vendor=GenuineIntel,-svm,+fsgsbase,+smep,+smap,+umip,+sep,+nx"
MEMORY = 16                      # MiB
MONITOR = "IO mon"               # how the name of QMP's thread begins
SECCOMP = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
LOG_PART = 16 << 20              # bytes of the log that are looked at together
RESET_SECONDS = 60.0             # only to notice a QEMU that hangs


class QemuProcess:
    """A QEMU that stands still at power-on, with its three connections open."""

    def __init__(self, cell: Cell, iso: Path, cpus: int):
        binary = f"qemu-system-{cell.arch}"
        for tool, package in ((binary, "qemu-system-x86"), ("qemu-img", "qemu-utils")):
            if shutil.which(tool) is None:
                raise GraderError(f"{tool} is not installed: run ./setup (package {package})")
        self._process: subprocess.Popen | None = None
        self.shared, self.ram = Shared(), Ram(MEMORY << 20)
        self._closed = False
        self._private = PrivateDir()
        self.dir = self._private.path
        self.serial = self.dir / "serial"
        self.serial.touch()
        try:
            self._start(binary, iso, cpus)
        except BaseException:
            self.close()
            raise

    def _start(self, binary: str, iso: Path, cpus: int) -> None:
        place = self.dir
        # The ISO's path may hold commas or spaces, which QEMU's options cannot.
        sandbox.lend(iso, place / "kernel.iso")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", place / "snap.qcow2", "1G"],
                       check=True, stdin=subprocess.DEVNULL)
        command = [
            binary, "-M", "pc,memory-backend=ram", "-accel", "tcg,thread=single", "-icount", "shift=7",
            "-cpu", CPU_MODEL, "-m", str(MEMORY),
            "-object", f"memory-backend-file,id=ram,size={MEMORY}M,share=on,"
                       f"mem-path=/proc/self/fd/{self.ram.descriptor}",
            "-smp", f"{cpus},sockets={cpus}",
            "-nodefaults", "-vga", "none", "-display", "none", "-no-user-config",
            "-name", "corral,debug-threads=on",
            "-no-reboot", "-no-shutdown", "-S", "-boot", "d", "-cdrom", f"{place}/kernel.iso",
            "-chardev", f"file,id=com1,path={place}/serial,append=on", "-serial", "chardev:com1",
            "-chardev", f"socket,id=gdb,path={place}/gdb,server=on,wait=off", "-gdb", "chardev:gdb",
            "-chardev", f"socket,id=qmp,path={place}/qmp,server=on,wait=off",
            "-mon", "chardev=qmp,mode=control",
            "-qtest", f"unix:{place}/qtest,server=on,wait=off", "-qtest-log", "none",
            "-drive", f"if=none,id=snap,format=qcow2,file={place}/snap.qcow2,cache=unsafe",
            "-d", "cpu_reset", "-D", f"{place}/log",
        ]  # fmt: skip
        if sandbox.strict():
            command += ["-sandbox", SECCOMP]
        environment = {"CORRAL_SHARED": str(self.shared.descriptor)}
        with contextlib.suppress(GraderError):      # without it all takes longer
            environment["LD_PRELOAD"] = preloaded("qemu", place)
        command = sandbox.emulator(command, place, **environment)
        with (place / "stderr").open("wb") as errors:
            self._process = processes.start(
                command, pass_fds=(self.shared.descriptor, self.ram.descriptor), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=errors)
        sandbox.watch(self._process, place)
        try:
            link = connect(place / "qmp", self._alive)
            self._pid = peer_of(link)
            self.qmp = Qmp(link)
            self._yield_monitor()
            self.qtest = Qtest(connect(place / "qtest", self._alive))
            self.rsp = Rsp(str(place / "gdb"), self.shared)
        except GraderError as error:
            said = private.text(place / "stderr").strip()[-300:]
            raise GraderError(f"{error} {said}".strip()) from None

    def _yield_monitor(self) -> None:
        """Lets QMP's thread run only where nothing else would: each start and each stop wakes it two or
        three times, for nothing."""
        for thread in Path(f"/proc/{self._pid}/task").iterdir():
            with contextlib.suppress(OSError):      # it has ended, or may not be told: then all takes longer
                if (thread / "comm").read_text().startswith(MONITOR):
                    os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Processor time that QEMU has used."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends QEMU and removes its directory.  May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._process is not None:
            processes.kill(self._process)
        for link in ("rsp", "qmp", "qtest"):
            if hasattr(self, link):
                getattr(self, link).close()
        self.shared.close()
        self.ram.close()
        self._private.close()

    def save(self, name: str) -> None:
        """Keeps the state under a name; one that was there is replaced."""
        self._monitor(f"savevm {name}")

    def load(self, name: str, revive: bool) -> None:
        """Goes back to a kept state; `revive` after a shutdown, which nothing else ends."""
        if revive:
            self._revive()
        self._monitor(f"loadvm {name}")
        self.rsp.moved()

    def _revive(self) -> None:
        self.qmp.command("set-action", reboot="reset")
        self.qmp.command("system_reset")
        deadline = time.monotonic() + RESET_SECONDS
        while self.qmp.status() == "shutdown":
            if time.monotonic() > deadline:
                raise GraderError("QEMU does not reset its machine: run the grade again")
            time.sleep(0.0005)
        self.qmp.command("set-action", reboot="shutdown")

    def _monitor(self, line: str) -> None:
        said = self.rsp.monitor(line).strip()
        if said:
            raise GraderError(f"QEMU refused `{line}`: {said}")

    def triple_fault(self, since: int) -> tuple[bool, int]:
        """Whether the log names a triple fault after this position, and the log's end."""
        with private.reading(self.dir / "log") as log:
            log.seek(since)
            found = b"Triple fault" in log.read(LOG_PART)
            return found, log.tell()
