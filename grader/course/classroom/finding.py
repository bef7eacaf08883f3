"""Where in a submission a lab's files are, and which of them are taken.

Found are labs/labN-name/, labN-name/ anywhere, or the files themselves anywhere, the place that is
least deep first.  Taken is what a pull request may bring (pullrequest.selection), nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.course.classroom import unpack
from grader.course.classroom.listing import Item
from grader.course.pullrequest.objects import Entry
from grader.course.pullrequest.selection import MOST_LISTED, printable, refusal
from grader.labs import Lab
from grader.sources import SUFFIXES

# Places in which files of a lab lie that are not the ones handed in.
NOT_HERE = {"build", "solutions", "alternates", ".git", "__MACOSX", "node_modules", "standin"}

Place = tuple[str, ...]


@dataclass
class Taken:
    """One lab's files of one submission."""

    lab: Lab
    place: str = ""                                         # where they were found
    files: dict[str, bytes] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)            # of these, those the lab has not
    refused: dict[str, str] = field(default_factory=dict)   # a name as it may be shown -> why
    problem: str = ""                                       # why nothing was found


def take(lab: Lab, items: list[Item], own: set[str], others: set[str], bare: bool = True) -> Taken:
    """The files of one lab.  `own` are the names it has, `others` the folder names of other labs,
    and `bare` says whether files without its folder count."""
    taken = Taken(lab)
    places = _named(lab, items) or (_bare(items, own, others) if bare else [])
    if not places:
        taken.problem = f"it holds neither {lab.slug}/ nor files of that lab"
    elif len(places) > 1:
        named = " and ".join(_shown(place) for place in places[:3])
        taken.problem = f"it holds files of lab {lab.number} in {named}: which of them counts?"
    else:
        taken.place = _shown(places[0])
        _take_from(places[0], items, own, taken)
        if not taken.files and not taken.problem:
            taken.problem = f"nothing in {taken.place} can be taken"
    for item in items:          # what is elsewhere is not wanted; a link is named all the same
        if item.mode == unpack.LINK and len(taken.refused) < MOST_LISTED:
            taken.refused.setdefault(_shown(item.path), "a link")
    return taken


def _named(lab: Lab, items: list[Item]) -> list[Place]:
    """The best folders that have the lab's name and hold source files."""
    places = {}
    for item in items:
        place = item.path[:-1]
        if _source(item) and place and place[-1].lower() == lab.slug and not NOT_HERE & set(place):
            below_labs = len(place) > 1 and place[-2] == "labs"
            places[place] = (not below_labs, len(place))
    return _best(places)


def _bare(items: list[Item], own: set[str], others: set[str]) -> list[Place]:
    """The best folders that hold files with the names of the lab's, and are no other lab's."""
    count: dict[Place, int] = {}
    for item in items:
        place = item.path[:-1]
        if _source(item) and item.path[-1] in own and not NOT_HERE & set(place) and not (
                {part.lower() for part in place} & others):
            count[place] = count.get(place, 0) + 1
    return _best({place: (-number, len(place)) for place, number in count.items()})


def _best(places: dict[Place, tuple]) -> list[Place]:
    best = min(places.values(), default=None)
    return sorted(place for place, rank in places.items() if rank == best)


def _source(item: Item) -> bool:
    return item.data is not None and not item.path[-1].startswith("._")     # ._x: of macOS


def _take_from(place: Place, items: list[Item], own: set[str], taken: Taken) -> None:
    for item in items:
        if item.path[:-1] != place or item.path[-1].startswith("._"):
            continue
        name = item.path[-1]
        entry = Entry(name.encode("utf-8", "surrogateescape"), item.mode, "", item.size)
        # A folder beside bare files is no concern of anyone.
        reason = "" if item.mode == unpack.FOLDER else refusal(entry, taken.lab, own,
                                                                len(taken.files))
        if name in taken.files:
            taken.refused[_shown(item.path)] = "there twice"
            taken.problem = f"{_shown(item.path)} is there twice"
        elif reason:
            taken.refused[_shown(item.path)] = reason
        elif name.endswith(SUFFIXES) and item.data is not None:
            taken.files[name] = item.data
            if name not in own:
                taken.new.append(name)


def _shown(path: Place) -> str:
    """A path as it may be printed."""
    return printable("/".join(path).encode("utf-8", "surrogateescape")) or "its top folder"
