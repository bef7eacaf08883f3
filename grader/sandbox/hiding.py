"""A build of one's own: the rest of the tree is hidden, nothing else is.

Works by a user and mount namespace.  Where the system forbids these (a chroot, some containers)
the build goes on without, and the checks by name in sources.py and contract.py stand alone.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from grader.paths import ROOT, build_dir, lab_roots

UNSHARE = ["unshare", "--user", "--mount", "--map-root-user", "--propagation", "unchanged", "--"]

# $1 a folder to hold mounts, $2 the number of folders to hide, these, the number to show, these;
# then the command.  What is shown is bound from inside $1, which stays reachable as the current
# directory after everything above it is hidden.
SCRIPT = """\
set -eu
here=$(pwd) hold=$1; shift
mount -t tmpfs none "$hold"
cd "$hold"
hide=$1; shift
hidden=0
while [ "$hidden" -lt "$hide" ]; do
    hidden=$((hidden + 1)); eval "hide_$hidden=\\$1"; shift
done
show=$1; shift
shown=0
while [ "$shown" -lt "$show" ]; do
    shown=$((shown + 1)); eval "show_$shown=\\$1"
    mkdir "$shown"; mount --bind "$1" "$shown"; shift
done
i=0
while [ "$i" -lt "$hidden" ]; do
    i=$((i + 1)); eval "place=\\$hide_$i"
    [ ! -d "$place" ] || mount -t tmpfs none "$place"
done
i=0
while [ "$i" -lt "$shown" ]; do
    i=$((i + 1)); eval "place=\\$show_$i"
    mkdir -p "$place"; mount --no-canonicalize --bind "./$i" "$place"
done
cd "$here"
exec "$@"
"""


@functools.cache
def possible() -> bool:
    """Whether this system lets a user make such namespaces."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return False
    probe = [*UNSHARE, "sh", "-c", "mount -t tmpfs none /tmp"]
    try:
        return subprocess.run(probe, capture_output=True, timeout=10, check=False,
                              stdin=subprocess.DEVNULL).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def wrap(argv: list[str], folder: Path, shared: Path) -> list[str]:
    """The command that runs `argv` seeing of the tree only its build folder and shared objects."""
    if not possible():
        return argv
    hold = folder / "hold"
    hold.mkdir(exist_ok=True)
    hidden = dict.fromkeys(str(p.resolve()) for p in (ROOT, *lab_roots(), build_dir()))
    visible = [str(folder.resolve()), str(shared.resolve())]
    return [*UNSHARE, "sh", "-c", SCRIPT, "sh", str(hold.resolve()), str(len(hidden)), *hidden,
            str(len(visible)), *visible, *argv]
