"""The roster: who is in the class.  A CSV with id and name, with or without a line of headings."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

from grader.errors import GraderError

MOST = 4 << 20          # bytes


def read(path: Path) -> dict[str, str]:
    """id -> name, in the order of the file."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(MOST + 1)
    except OSError as error:
        raise GraderError(f"ROSTER={path} cannot be read ({error.strerror}): it is a CSV file with "
                          "id,name") from None
    if len(data) > MOST:
        raise GraderError(f"ROSTER={path} is larger than {MOST >> 20} MiB: it is a CSV with id,name")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GraderError(f"ROSTER={path} is not in UTF-8: save it as \"CSV UTF-8\"") from None
    first = text.lstrip().partition("\n")[0]
    mark = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=mark, strict=True))
    except csv.Error as error:
        raise GraderError(f"ROSTER={path} is no CSV ({error}): it has id,name on each line") from None
    return _people(path, rows)


def _people(path: Path, rows: list[list[str]]) -> dict[str, str]:
    ident_at, name_at = 0, 1
    people: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        cells = [unicodedata.normalize("NFC", cell.strip()) for cell in row]
        if not any(cells):
            continue
        heads = [cell.lower() for cell in cells]
        if not people and "id" in heads:
            ident_at = heads.index("id")
            name_at = heads.index("name") if "name" in heads else len(heads)
            continue
        ident = cells[ident_at] if len(cells) > ident_at else ""
        if not ident:
            raise GraderError(f"ROSTER={path}, line {number}: there is no id")
        if ident in people:
            raise GraderError(f"ROSTER={path}, line {number}: {ident} is there twice")
        people[ident] = cells[name_at] if len(cells) > name_at else ""
    if not people:
        raise GraderError(f"ROSTER={path} names nobody: it has id,name on each line")
    return people
