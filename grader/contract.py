"""Holds a lab's objects against its contract: what must be there, and what must not.

lab.toml lists the symbols of the contract.  After the build, `readelf` tells what the lab's own objects
define, and the compiler's dependency files tell what they read.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from grader import processes, sandbox
from grader.sources import Source

# Not `nm`, which loads the compilers' plugins with each call where there are some: a tenth of a second.
SYMBOLS_OF = ("readelf", "--symbols", "--wide")
ALLOWED = ("kernel/include/", "kernel/standin/")


def examine(folder: Path, sources: list[Source], linked: bool) -> list[str]:
    """Sentences about missing symbols, symbols that are given, and files read from outside."""
    trouble: list[str] = []
    given = _defined([folder / "kernel.elf"]) if linked else set()
    for source in sources:
        objects = sorted((folder / f"lab{source.lab.number}").glob("*.o"))
        if not (folder / f"lab{source.lab.number}.o").exists():
            continue
        if source.keep:             # compiled: it was held against the contract when it was made
            continue
        trouble += foreign_files(source, sorted((folder / f"lab{source.lab.number}").glob("*.d")))
        defined = _defined(objects)
        wanted = set(source.lab.symbols)
        for name in sorted(wanted - defined):
            trouble.append(f"{source.shown} does not define `{name}`, which the contract asks for")
        for name in sorted((defined - wanted) & given):
            trouble.append(f"{source.shown} defines `{name}`, which the kernel already gives: "
                           "choose another name")
    return trouble


def foreign_files(source: Source, dependencies: list[Path]) -> list[str]:
    """Files that the compiler read and that belong neither to a lab nor to kernel/include."""
    found = []
    for path in dependencies:
        text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
        for name in text.partition(":")[2].partition("\n")[0].split():
            if name.startswith(ALLOWED) or "/gen/" in name and name.startswith("../"):
                continue
            if name.startswith(("labs/lab", "solutions/lab", "references/lab")) and ".." not in name:
                continue
            found.append(f"{source.shown} includes {name}, which lies outside the lab and "
                         "kernel/include")
    return found


def _defined(files: list[Path]) -> set[str]:
    """The global symbols that the files define."""
    if not files:
        return set()
    argv = [*SYMBOLS_OF, *map(str, files)]
    output = subprocess.run(sandbox.tool(argv, files[0].parent),
                            capture_output=True, text=True, errors="replace", check=False,
                            env=processes.clean_environment()).stdout
    return global_symbols(output)


def global_symbols(output: str) -> set[str]:
    """The names of what is defined and not local, out of what SYMBOLS_OF printed."""
    rows = (line.split(None, 7) for line in output.splitlines())
    return {row[7] for row in rows
            if len(row) == 8 and row[0].rstrip(":").isdigit() and row[4] != "LOCAL" and row[6] != "UND"}
