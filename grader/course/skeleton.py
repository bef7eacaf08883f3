"""`make skeletons`: writes labs/ from solutions/, and never over a student's work."""

from __future__ import annotations

from pathlib import Path

from grader.course import manifest
from grader.course.markers import exercises_in, holes_in, skeleton_of
from grader.errors import GraderError
from grader.labs import Lab, choose, find_labs
from grader.options import Options
from grader.paths import shown
from grader.sources import SUFFIXES

COPIED = (*SUFFIXES, ".md")


def generate(lab: Lab, written: frozenset[str] = frozenset()) -> dict[str, bytes]:
    """The files of a lab's skeleton by name.  Every exercise that is marked must have a HOLE.

    Exercises in `written` keep the reference.
    """
    folder = lab.root / "solutions" / lab.slug
    if not folder.is_dir():
        raise GraderError(f"there is no {shown(folder)}: skeletons are made where the reference is")
    files: dict[str, bytes] = {}
    marked: set[str] = set()
    holes: set[str] = set()
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.suffix not in COPIED:
            continue
        text = path.read_text(encoding="utf-8")
        files[path.name] = skeleton_of(text, shown(path), written).encode()
        marked |= set(exercises_in(text))
        holes |= set(holes_in(skeleton_of(text, shown(path))))
    for ident in sorted(marked | {e.id for e in lab.exercises}):
        if lab.exercise(ident) is None:
            raise GraderError(f"{shown(folder)} marks exercise {ident}, which is not in lab.toml")
        planted = lab.exercise(ident).planted
        if planted and ident in holes:
            raise GraderError(f"{shown(folder)}: exercise {ident} has a HOLE, and lab.toml says that "
                              "its skeleton has a bug instead")
        if ident in marked and ident not in holes and not planted:
            raise GraderError(f"{shown(folder)}: exercise {ident} has no HOLE in its skeleton")
    return files


def edited(lab: Lab, known: dict[str, list[str]]) -> list[str]:
    """Files in labs/ that are no version of the skeleton: a student's work."""
    folder = lab.root / "labs" / lab.slug
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_file() and path.suffix in COPIED:
            if manifest.digest(path.read_bytes()) not in known.get(f"{lab.slug}/{path.name}", []):
                found.append(path.name)
    return found


def differences(lab: Lab) -> list[str]:
    """Where labs/ is not what solutions/ gives: one sentence for each file."""
    wanted = generate(lab)
    folder = lab.root / "labs" / lab.slug
    words = []
    for name, data in wanted.items():
        path = folder / name
        if not path.is_file():
            words.append(f"{shown(path)} is missing")
        elif path.read_bytes() != data:
            words.append(f"{shown(path)} differs from its skeleton")
    there = {p.name for p in folder.iterdir() if p.suffix in COPIED} if folder.is_dir() else set()
    words += [f"{shown(folder / name)} is not made from solutions/" for name in
              sorted(there - wanted.keys())]
    hashes = manifest.load(lab.root)
    words += [f"{shown(manifest.path_of(lab.root))} does not list {lab.slug}/{name}"
              for name, data in wanted.items()
              if manifest.digest(data) not in hashes.get(f"{lab.slug}/{name}", [])]
    return words


def write(lab: Lab, force: bool) -> list[str]:
    """Writes one lab; gives the names of the files that changed."""
    wanted = generate(lab)
    known = manifest.load(lab.root)
    mine = [name for name in edited(lab, known) if name in wanted]
    folder = lab.root / "labs" / lab.slug
    mine = [name for name in mine if (folder / name).read_bytes() != wanted[name]]
    if mine and not force:
        raise GraderError(f"{shown(folder / mine[0])} holds work of yours: "
                          "`make skeletons FORCE=1` overwrites it")
    changed = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in wanted.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
            changed.append(name)
        hashes = known.setdefault(f"{lab.slug}/{name}", [])
        if manifest.digest(data) in hashes:
            hashes.remove(manifest.digest(data))
        hashes.append(manifest.digest(data))
    changed += _remove_old(lab, folder, wanted, known)
    manifest.save(lab.root, known)
    return changed


def _remove_old(lab: Lab, folder: Path, wanted: dict[str, bytes],
                known: dict[str, list[str]]) -> list[str]:
    """Removes generated files that the reference no longer has."""
    gone = []
    for key in [k for k in known if k.startswith(f"{lab.slug}/")]:
        name = key.partition("/")[2]
        path = folder / name
        if name in wanted:
            continue
        if path.is_file() and manifest.digest(path.read_bytes()) in known[key]:
            path.unlink()
            gone.append(f"{name} (removed)")
        del known[key]
    return gone


def _labs(options: Options) -> list[Lab]:
    labs = find_labs()
    return [choose(options.lab, labs)] if options.lab else list(labs.values())


def skeletons_command(options: Options) -> int:
    """Writes the skeletons of every lab, or of LAB."""
    labs = [lab for lab in _labs(options) if (lab.root / "solutions" / lab.slug).is_dir()]
    if not labs:
        raise GraderError("there is no solutions/ in this tree: git brings lost files back")
    for lab in labs:
        changed = write(lab, options.force)
        print(f"labs/{lab.slug}: {', '.join(changed) if changed else 'nothing changed'}")
    return 0


def check_command(options: Options) -> int:
    """Says where labs/ and solutions/ differ; 1 if they do."""
    words = [word for lab in _labs(options) for word in differences(lab)]
    for word in words:
        print(word)
    print("the skeletons are those of solutions/" if not words
          else f"{len(words)} differences: `make skeletons` writes them again")
    return 1 if words else 0
