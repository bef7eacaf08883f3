"""A Slurm cluster of one node on the loopback, with its own folder, ports and key.

The daemons die with the process that started them; close() ends them by their ids.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader import processes

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
SBIN = "/usr/sbin:/sbin"
SECONDS = 60
CONFIG = """\
ClusterName=corral
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
AuthType=auth/munge
AuthInfo=socket={place}/munge.sock
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=1,sched_interval=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """What is not installed."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    return [tool for tool in DAEMONS if shutil.which(tool, path=path) is None]


class Cluster:
    """Up when the constructor returns; `environment` is what its clients need."""

    def __init__(self):
        # munged wants a socket that everybody can reach, which below pytest's folders nobody can.
        self.place = place = Path(tempfile.mkdtemp(prefix="corralslurm-", dir="/tmp"))
        self.running: list[subprocess.Popen] = []
        self.environment = {"SLURM_CONF": str(place / "slurm.conf")}
        for name in ("state", "spool"):
            (place / name).mkdir()
        key = place / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        place.chmod(0o755)
        ports = free_ports(2)
        (place / "slurm.conf").write_text(CONFIG.format(
            host=socket.gethostname().partition(".")[0], place=place, user=getpass.getuser(),
            ctld_port=ports[0], slurmd_port=ports[1], cpus=os.cpu_count()))
        try:
            self._start("munged", "--foreground", f"--key-file={key}", f"--socket={place}/munge.sock",
                        f"--pid-file={place}/munge.pid", f"--log-file={place}/munge.log",
                        f"--seed-file={place}/munge.seed")
            self._until(lambda: (place / "munge.sock").exists(), "munged")
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D")
            self._until(lambda: "idle" in self.ask("sinfo", "--noheader", "--format", "%t"), "slurmd")
        except BaseException:
            self.close()
            raise

    def ask(self, *argv: str) -> str:
        """What a client prints; "" if it fails."""
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=os.environ | self.environment, timeout=SECONDS, check=False)
        return done.stdout if done.returncode == 0 else ""

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Tasks are taken and wait: none begins."""
        self.ask("scontrol", "update", "partitionname=all", "state=down")
        assert "down" in self.ask("sinfo", "--noheader", "--format", "%a")
        try:
            yield
        finally:
            self.ask("scontrol", "update", "partitionname=all", "state=up")

    def close(self) -> None:
        """Cancels what is left, waits for it, and ends the daemons."""
        if len(self.running) == 3:
            self.ask("scancel", "--user", getpass.getuser())
            deadline = time.monotonic() + SECONDS
            while self.ask("squeue", "--noheader") and time.monotonic() < deadline:
                time.sleep(0.2)
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
            processes.kill(process)
        self.running.clear()
        shutil.rmtree(self.place, ignore_errors=True)

    def _start(self, name: str, *arguments: str) -> None:
        program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SBIN}")
        with open(self.place / f"{name}.out", "wb") as out:
            self.running.append(processes.start(
                [str(program), *arguments], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=os.environ | self.environment))

    def _until(self, condition, name: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            said = (self.place / f"{name}.out").read_text(errors="replace")[-1000:] if (
                self.place / f"{name}.out").exists() else ""
            if time.monotonic() > deadline or any(p.poll() is not None for p in self.running):
                raise RuntimeError(f"{name} did not come up: {said}")
            time.sleep(0.1)


def free_ports(number: int) -> list[int]:
    """Ports that nobody uses now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
