"""The files of a lab as they will be compiled: read once, checked, line ends made equal.

What is checked, hashed and built are the same bytes, so a file that changes in between cannot
slip through.  Nothing that a student's folder holds is run.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from grader import references
from grader.errors import GraderError
from grader.labs import Lab
from grader.options import Options
from grader.paths import shown

SUFFIXES = (".c", ".h", ".S")
MAX_FILE = 1 << 20
MAX_FILES = 64
# An assembler directive that reads another file; also spread over several C strings.
READS_FILE = re.compile(r"\.\s*(incbin|include)\b", re.IGNORECASE)
INCLUDE = re.compile(r'^[ \t]*(?:#|%:|\?\?=)[ \t]*(?:include|include_next|import|embed)[ \t]*(.*)$',
                     re.MULTILINE)
TARGET = re.compile(r'(?:"([^"\n]+)"|<([^>\n]+)>)\s*(?:/[/*].*)?$')
STRING_JOINT = re.compile(r'"\s*"')


class Refused(Exception):
    """A file of the student that is not built; the text names the file and the reason."""


@dataclass(frozen=True)
class Source:
    """One lab's files, by name."""

    lab: Lab
    label: str                # the folder in the build tree: "labs/lab1-stack-switch"
    shown: str                # the folder as the student knows it
    files: dict[str, bytes]
    notes: tuple[str, ...]    # files that are there and not used
    keep: tuple[str, ...] = ()   # of a compiled reference: the symbols that stay global

    def digest(self) -> str:
        """A hash of names and contents."""
        state = hashlib.sha256(self.label.encode())
        for name, data in sorted(self.files.items()):
            state.update(f"\0{name}\0{len(data)}\0".encode() + data)
        return state.hexdigest()


def seed_of(sources: list[Source]) -> str:
    """The seed of a run without SEED: same files, same seed."""
    state = hashlib.sha256()
    for source in sources:
        for name, data in sorted(source.files.items()):
            state.update(f"{source.lab.slug}/{name}\0{len(data)}\0".encode() + data)
    return state.hexdigest()[:8]


def place_of(lab: Lab, graded: Lab, options: Options) -> str:
    """labs, solutions or a folder: where the files of this lab come from."""
    if lab.number == graded.number:
        return options.source
    return options.base.get(lab.number) or options.base.get(0) or options.source


def collect(lab: Lab, graded: Lab, options: Options) -> Source:
    """Reads the files of one lab.  Raises Refused (student) or GraderError (wrong FROM)."""
    place = place_of(lab, graded, options)
    earlier = lab.number != graded.number
    if place == "labs" and earlier and not options.knobs.uses(lab.number):
        place = "solutions"         # no student of this course writes it
    compiled = references.place_of(lab)
    if place == "solutions" and earlier and compiled.is_dir() \
            and not (lab.root / "solutions" / lab.slug).is_dir():
        files, keep = references.read(lab)
        return Source(lab, f"{references.FOLDER}/{lab.slug}", shown(compiled), files, (), keep)
    overlay: Path | None = None
    if place in ("labs", "solutions"):
        folder = lab.root / place / lab.slug
    else:
        folder, overlay = _folder_of(Path(place), lab, graded)
    if not folder.is_dir():
        if place == "solutions" and earlier:
            raise GraderError(f"this tree holds no reference of lab {lab.number}, neither in "
                              "solutions/ nor in references/: BASE is labs or a folder here")
        if place == "solutions":
            raise GraderError(f"there is no {shown(folder)} in this tree: FROM and BASE are labs "
                              "or a folder here")
        raise GraderError(f"{shown(folder)} is missing: {how_to_restore(lab)}")
    reference = lab.root / "solutions" / lab.slug
    top = "solutions" if folder.resolve() == reference.resolve() else "labs"
    files, notes = read_folder(folder)
    if overlay is not None:
        files |= read_folder(overlay)[0]
    for name in sorted(expected_files(lab) - files.keys()):
        raise Refused(f"{shown(folder)}/{name} is missing: {how_to_restore(lab)}, and an empty file will do "
                      "if all of it is elsewhere")
    return Source(lab, f"{top}/{lab.slug}", shown(folder), files, tuple(notes))


def _folder_of(place: Path, lab: Lab, graded: Lab) -> tuple[Path, Path | None]:
    """The folder of a lab below FROM=DIR, and an overlay over it (an alternate)."""
    place = place.expanduser()
    if not place.is_dir():
        name = "FROM" if lab.number == graded.number else "BASE"
        raise GraderError(f"{name}={place} is not there: {name} is labs, solutions or a folder")
    reference = lab.root / "solutions" / lab.slug
    if (place / "alternate.toml").is_file():
        own = place.resolve().parent.parent == reference.resolve()
        return reference, place if own or lab.number == graded.number else None
    for folder in (place / lab.slug, place / "labs" / lab.slug):
        if folder.is_dir():
            _refuse_links(place, folder)
            return folder, None
    if lab.number == graded.number:
        if any(place.glob("*.[cS]")):
            return place, None
        raise GraderError(f"FROM={place} holds neither {lab.slug}/ nor the files of this lab")
    return lab.root / "labs" / lab.slug, None


def _refuse_links(place: Path, folder: Path) -> None:
    """A folder of a submission that is a link could stand for another's work, or the reference."""
    while folder != place:
        if folder.is_symlink():
            raise Refused(f"{shown(folder)} is a symbolic link: a lab is built from plain files")
        folder = folder.parent


def how_to_restore(lab: Lab) -> str:
    """What brings a file of labs/ back."""
    if (lab.root / "solutions" / lab.slug).is_dir():
        return "`make skeletons` writes it again"
    return f"`git checkout -- labs/{lab.slug}` brings it back"


def expected_files(lab: Lab) -> set[str]:
    """The names that a lab's folder must hold: those of the reference or of the manifest."""
    from grader.course.manifest import names_of

    reference = lab.root / "solutions" / lab.slug
    if reference.is_dir():
        return {p.name for p in reference.iterdir() if p.suffix in SUFFIXES and p.is_file()}
    return names_of(lab)


def read_folder(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """The source files of a folder, checked by name, and notes about what is left out."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        name = f"{shown(folder)}/{entry.name}"
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise Refused(f"{name} is a symbolic link: a lab is built from plain files")
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise Refused(f"{name} is not a plain file")
        if Path(entry.name).suffix not in SUFFIXES:
            if Path(entry.name).suffix in (".s", ".o", ".a", ".ld", ".cc", ".cpp", ".mk"):
                notes.append(f"{name} is not used: a lab is *.c, *.h and *.S")
            continue
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", entry.name):
            raise Refused(f"{name}: a file name holds letters, digits, dots, dashes and _ only")
        files[entry.name] = _read(Path(entry.path), name)
        if len(files) > MAX_FILES:
            raise Refused(f"{shown(folder)} holds more than {MAX_FILES} source files")
    for file, data in files.items():
        check_text(f"{shown(folder)}/{file}", data.decode("utf-8", "replace"))
    return files, notes


def _read(path: Path, name: str) -> bytes:
    """The contents with \\n line ends and no byte order mark."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise Refused(f"{name} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise Refused(f"{name} is larger than {MAX_FILE >> 20} MiB")
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def check_text(name: str, text: str) -> None:
    """Refuses directives that read files outside the lab and kernel/include, by name."""
    spliced = text.replace("\\\n", "")
    for match in READS_FILE.finditer(text):
        raise Refused(f"{name}:{_line(text, match.start())}: .{match[1]} is not allowed: "
                      "a lab is built from its own files")
    if READS_FILE.search(STRING_JOINT.sub("", spliced)):
        raise Refused(f"{name}: .incbin and .include are not allowed: a lab is built from its "
                      "own files")
    for match in INCLUDE.finditer(spliced):
        wanted = TARGET.match(match[1].strip())
        if wanted is None:
            raise Refused(f"{name}: #include {match[1].strip()[:40]} is not allowed: write the "
                          "file's name in quotes")
        path = wanted[1] or wanted[2]
        if path.startswith("/") or ".." in path.split("/"):
            raise Refused(f'{name}: #include "{path}" is not allowed: it lies outside the lab '
                          "and kernel/include")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
