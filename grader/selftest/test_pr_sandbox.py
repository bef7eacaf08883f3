"""What code can reach from inside the sandbox, if it runs there at all: bubblewrap, for real.

A makefile stands for a compiler that a student has taken over, a shell for such an emulator.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader import archived, processes, sandbox
from grader import build as building
from grader.errors import GraderError
from grader.machine import private
from grader.machine.types import Cell
from grader.paths import ROOT
from grader.sandbox import bubblewrap, container, overfull

try:
    bubblewrap.require()
    WHY_NOT = ""
except GraderError as error:
    WHY_NOT = str(error)
needs_bwrap = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
NOISY = "x" * 1000


@pytest.fixture
def strict(monkeypatch):
    """This process uses bubblewrap."""
    sandbox.use(sandbox.BWRAP)
    yield
    sandbox.use(sandbox.OWN)


@pytest.fixture
def place(tmp_path_factory):
    """A folder that the sandbox's user can walk to, with a file beside it that is secret."""
    folder = tmp_path_factory.mktemp("box")
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o755)
    (folder / "secret").write_text("S3CRET-of-the-instructor\n")
    (folder / "lab/tree").mkdir(parents=True)
    return folder


def made(place, makefile):
    """Runs make as a build does; gives exit code, what was printed and what came out."""
    (place / "lab/tree/Makefile").write_text(makefile)
    (place / "given").mkdir(exist_ok=True)
    argv, archive = sandbox.build(["make", "-j2", "all"], place / "lab", place / "given")
    code, log = building._run(argv, place / "lab")
    code, log = archived.unpack(archive, place / "lab", code, log)
    return code, log, {p.name for p in (place / "lab").rglob("*") if p.is_file()} - {"Makefile"}


def recipe(*lines):
    return "all:\n" + "".join(f"\t-{line}\n" for line in lines)


@needs_bwrap
def test_what_a_build_makes_comes_out(strict, place):
    code, _, files = made(
        place, "all:\n\techo 1 >../kernel.elf\n\tmkdir ../lab1 && echo 2 >../lab1/a.o\n")
    assert code == 0 and files == {"kernel.elf", "a.o"}
    assert (place / "lab/lab1/a.o").read_text() == "2\n"


@needs_bwrap
def test_nothing_of_the_host_is_seen(strict, place):
    code, log, _ = made(place, recipe(
        f"cat {place}/secret", f"ls {ROOT}", f"cat {ROOT}/grader/tests/lab1/lab.toml",
        "cat /etc/passwd", "ls /root /home /work /var /sys /run", "ls /proc/*/root/etc/passwd",
        "env", "id -u"))
    assert "S3CRET" not in log and "root:" not in log and "number = 1" not in log
    assert log.count("No such file") >= 7, log
    assert "GITHUB" not in log and "\n0\n" not in log


@needs_bwrap
def test_nothing_is_written_outside(strict, place):
    outside = place / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    made(place, recipe(f"touch {outside}/x", f"mkdir -p {outside}", "touch /tmp/corral-was-here",
                       "touch /usr/x /x /etc/x", "touch Makefile.new", "echo evil >Makefile"))
    assert not list(outside.iterdir()) and not Path("/tmp/corral-was-here").exists()
    assert "evil" not in (place / "lab/tree/Makefile").read_text().replace("echo evil", "")
    assert not (place / "lab/tree/Makefile.new").exists()


@needs_bwrap
def test_there_is_no_network(strict, place):
    """Neither the host's loopback nor its abstract sockets."""
    server = socket.create_server(("127.0.0.1", 0))
    hidden = socket.socket(socket.AF_UNIX)
    hidden.bind(f"\0corral-{os.getpid()}")
    hidden.listen()
    (place / "lab/tree/x.py").write_text(
        f"import socket\nfor f, a in ((2, ('127.0.0.1', {server.getsockname()[1]})), "
        f"(1, '\\0corral-{os.getpid()}')):\n"
        "    try: socket.socket(f).connect(a); print('CONNECTED')\n"
        "    except OSError as e: print('refused')\n")
    _, log, _ = made(place, "all:\n\t/usr/bin/python3 x.py\n")
    server.close()
    hidden.close()
    assert log.count("refused") == 2 and "CONNECTED" not in log, log


@needs_bwrap
def test_a_fork_bomb_ends(strict, place, monkeypatch):
    """The limit stops it, and the end of the first process ends all of them."""
    monkeypatch.setattr(bubblewrap, "BUILD", replace(sandbox.BUILD, processes=40))
    started = time.monotonic()
    mark = f"corral-bomb-{os.getpid()}"
    _, log, _ = made(place, recipe(f"setsid sh -c 'sleep 77; : {mark}' &",
                                   f"sh -c 'for i in $$(seq 99); do sleep 77 & done' {mark}"))
    assert "Cannot fork" in log or "Resource temporarily unavailable" in log, log
    assert time.monotonic() - started < 90
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _bytes(p)]
    assert not left


def _bytes(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@needs_bwrap
@pytest.mark.parametrize("name, source, suffix", [
    ("a file of a gigabyte", "int a[1 << 28] = { 1 };", "c"),
    ("a repeated directive", ".rept 400000000\n.quad 1, 2, 3, 4\n.endr\n", "S"),
    ("a macro bomb", "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\n"
     "#define C(x) B(B(B(x)))\nint a[] = { C(1,) };\n", "c"),
    ("an include of itself", '#include __FILE__\n#include __FILE__\n', "c"),
])
def test_a_compile_bomb_ends(strict, place, monkeypatch, name, source, suffix):
    monkeypatch.setattr(bubblewrap, "BUILD", replace(
        sandbox.BUILD, cpu=2, memory=512 << 20, file=16 << 20, disk=32 << 20))
    (place / f"lab/tree/bomb.{suffix}").write_text(source)
    started = time.monotonic()
    code, log, files = made(place, f"all:\n\tgcc -c -o ../bomb.o bomb.{suffix}\n")
    assert code != 0 and time.monotonic() - started < 120, log[-300:]
    assert sum(p.stat().st_size for p in (place / "lab").rglob("*.o")) < 1 << 20


@needs_bwrap
def test_the_disk_has_an_end(strict, place, monkeypatch):
    """The limit is of all files together, also in /tmp."""
    monkeypatch.setattr(bubblewrap, "BUILD", replace(sandbox.BUILD, file=4 << 20, disk=16 << 20))
    code, log, files = made(place, recipe(
        "for i in $$(seq 20); do head -c 4000000 /dev/zero >../$$i.o; done",
        "for i in $$(seq 20); do head -c 4000000 /dev/zero >/tmp/$$i; done",
        "head -c 4000000 /dev/zero >/dev/shm/x"))
    assert log.count("No space left") >= 20 and "Read-only" in log or "Permission denied" in log
    assert sum(p.stat().st_size for p in (place / "lab").rglob("*") if p.is_file()) < 32 << 20


@needs_bwrap
def test_a_flood_of_messages_is_cut_while_it_is_read(strict, place):
    started = time.monotonic()
    code, log, _ = made(place, f"all:\n\tyes {NOISY}\n")
    assert code == 1 and "printed more than 4096 KiB" in log and len(log) < 1 << 17
    assert time.monotonic() - started < 90


def test_a_hang_is_ended():
    process = processes.start(["sh", "-c", "echo one; sleep 60"], stdout=subprocess.PIPE)
    assert processes.read_capped(process, 100, 0.5) == (b"one\n", "took longer than 0.5 s")
    assert process.returncode is not None


@pytest.mark.parametrize("name, kind, target", [
    ("../../x.o", tarfile.REGTYPE, ""), ("/tmp/x.o", tarfile.REGTYPE, ""),
    ("kernel.elf", tarfile.SYMTYPE, "/etc/passwd"), ("kernel.elf", tarfile.LNKTYPE, "/etc/passwd"),
    ("kernel.elf", tarfile.FIFOTYPE, ""), ("build.json", tarfile.REGTYPE, ""),
    ("lock", tarfile.REGTYPE, ""), ("tree/kernel/x.c", tarfile.REGTYPE, ""),
    ("a\nb.o", tarfile.REGTYPE, ""),
])
def test_an_archive_is_data(tmp_path, name, kind, target):
    """The result of an earlier build, the lock and every file of the host stay as they are."""
    (tmp_path / "lab").mkdir()
    with tarfile.open(tmp_path / "made.tar", "w") as packed:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        packed.addfile(member)
    code, log = archived.unpack(tmp_path / "made.tar", tmp_path / "lab", 0, "")
    assert code == 1 and "cannot be taken over" in log and not list((tmp_path / "lab").iterdir())


def test_an_archive_that_says_it_is_endless(tmp_path):
    member = tarfile.TarInfo("a.o")
    member.size = 1 << 40
    (tmp_path / "made.tar").write_bytes(member.tobuf())
    (tmp_path / "lab").mkdir()
    code, _ = archived.unpack(tmp_path / "made.tar", tmp_path / "lab", 0, "")
    assert code == 1 and not list((tmp_path / "lab").iterdir())


@needs_bwrap
def test_an_emulator_has_its_own_folder_only(strict, place):
    """What a kernel finds that has broken out of its emulator."""
    own = place / "own"
    own.mkdir()
    script = (f"cat {place}/secret; ls {ROOT} /etc/passwd; touch {own}/x {place}/y; env; "
              "grep -h . /proc/net/dev; grep -E 'NoNewPrivs|CapEff' /proc/self/status; "
              "unshare -r true && echo NESTED; ls -d /proc/[0-9]*")
    done = subprocess.run(sandbox.emulator(["sh", "-c", script], own), capture_output=True,
                          text=True, env=os.environ | {"GITHUB_TOKEN": "t0ken"})
    said = done.stdout + done.stderr
    assert "S3CRET" not in said and "t0ken" not in said and "NESTED" not in said
    assert (own / "x").exists() and not (place / "y").exists()
    assert "CapEff:\t0000000000000000" in said and "NoNewPrivs:\t1" in said
    assert "eth0" not in said and said.count("/proc/") < 8


@needs_bwrap
def test_qemu_is_kept_in(strict, tmp_path):
    """Seccomp, no network, no monitor where the guest can type, nothing that outlives it."""
    from grader.machine.qemuprocess import QemuProcess
    iso = tmp_path / "a, b.iso"
    iso.write_bytes(b"\0" * (1 << 20))
    qemu = QemuProcess(Cell("x86_64", "qemu"), iso, 2)
    try:
        proc = Path(f"/proc/{qemu._pid}")
        status = (proc / "status").read_text()
        words = (proc / "cmdline").read_bytes().decode().split("\0")
        assert words[0] == "qemu-system-x86_64" and "Seccomp:\t2" in status
        assert os.getuid() != 0 or "Uid:\t65534" in status
        assert (proc / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        assert "-nodefaults" in words and "-monitor" not in words
        assert [w for w in words if "stdio" in w or w.startswith("mon:")] == []
        assert words[words.index("-serial") + 1] == "chardev:com1"
        assert words[words.index("-chardev") + 1].startswith("file,id=com1")
        assert qemu.cpu_seconds() >= 0
    finally:
        qemu.close()
    deadline = time.monotonic() + 10
    while proc.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not proc.exists() and not qemu.dir.exists()


@pytest.mark.parametrize("make", [
    lambda path, secret: path.symlink_to(secret), lambda path, secret: os.mkfifo(path),
    lambda path, secret: path.mkdir()])
def test_what_an_emulator_leaves_is_no_way_to_the_host(tmp_path, make):
    """It could put a link or a pipe where the grader looks for its serial output."""
    (tmp_path / "secret").write_text("S3CRET")
    make(tmp_path / "serial", tmp_path / "secret")
    with pytest.raises(GraderError) as caught:
        private.text(tmp_path / "serial")
    assert "S3CRET" not in str(caught.value)


def test_an_emulator_that_fills_its_folder_is_ended(tmp_path):
    process = processes.start(
        ["sh", "-c", "for i in 1 2 3 4; do head -c 1000000 /dev/zero >$i; done; sleep 60"],
        cwd=tmp_path)
    overfull.watch(process, tmp_path, 3_000_000)
    assert process.wait(timeout=30) == -9


def test_output_of_earlier_cases_takes_no_room(tmp_path):
    """A kernel that prints to the limit in each of a thousand cases."""
    with (tmp_path / "serial").open("wb") as stream:
        stream.write(b"x" * 3_000_000)
        stream.flush()
        private.give_back(tmp_path / "serial", 3_000_000)
        stream.write(b"next")
    assert overfull.size_of(tmp_path) < 100_000
    assert private.text(tmp_path / "serial", 4) == "next"
    (tmp_path / "link").symlink_to(tmp_path / "serial")
    private.give_back(tmp_path / "link", 3_000_004)
    assert private.text(tmp_path / "serial", 4) == "next"


def test_without_bwrap_nothing_is_graded(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GraderError, match="bwrap is not installed.*run ./setup"):
        sandbox.use(sandbox.BWRAP)
    assert sandbox.kind() == sandbox.OWN


def test_where_namespaces_are_denied_it_says_so(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    tmp_path.chmod(0o755)
    for path in (tmp_path.parent, tmp_path.parent.parent):
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    bubblewrap.refusal.cache_clear()
    with pytest.raises(GraderError) as caught:
        sandbox.use(sandbox.BWRAP)
    bubblewrap.refusal.cache_clear()
    assert "uid map: Permission denied" in str(caught.value)
    assert "apparmor_restrict_unprivileged_userns=0" in str(caught.value)
    assert "SANDBOX=container" in str(caught.value)


def test_a_container_needs_a_uid_to_give_up(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(GraderError, match="gives up root's rights"):
        sandbox.use(sandbox.CONTAINER)


@as_root
def test_a_container_gives_up_its_uid(tmp_path):
    (tmp_path / "secret").write_text("S3CRET")
    (tmp_path / "secret").chmod(0o600)
    argv = container.wrap(["sh", "-c", f"id -u; id -G; cat {tmp_path}/secret; env; "
                           "grep -E 'NoNewPrivs|CapBnd' /proc/self/status"], sandbox.TOOL)
    said = subprocess.run(argv, capture_output=True, text=True,
                          env=os.environ | {"GITHUB_TOKEN": "t0ken"}).stdout
    assert said.startswith("65534\n65534\n") and "S3CRET" not in said and "t0ken" not in said
    assert "NoNewPrivs:\t1" in said and "CapBnd:\t0000000000000000" in said


@needs_bwrap
def test_it_ends_with_the_grader(strict, place):
    """Killed as it is, the grader leaves nothing behind."""
    own = place / "own"
    own.mkdir()
    mark = f"corral-orphan-{os.getpid()}"
    code = (f"import sys, time; sys.path.insert(0, {str(ROOT)!r})\n"
            "from pathlib import Path\nfrom grader import processes, sandbox\n"
            "sandbox.use('bwrap')\n"
            f"processes.start(sandbox.emulator(['sh', '-c', 'sleep 99; : {mark}'], "
            f"Path({str(own)!r})))\ntime.sleep(1); print('ready', flush=True); time.sleep(99)\n")
    grader = subprocess.Popen([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE,
                              text=True)
    assert grader.stdout.readline() == "ready\n"

    def left():
        return [p for p in Path("/proc").glob("[0-9]*/cmdline")
                if mark.encode() in _bytes(p) and b"python" not in _bytes(p)]
    assert left()
    grader.kill()
    grader.wait()
    deadline = time.monotonic() + 10
    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left()
    grader.stdout.close()
