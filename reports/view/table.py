"""Tables as all formats show them: built once with every column that any of them has; each picks its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from reports.view.numbers import DASH

Kind = Literal["group", "target", "name", "word", "wide", "figure", "setting"]
"""What stands under a heading. A `group` is said once for the rows that share it, a `target` has its colour,
`name` is what else a row is called by; `wide` words have notes under them; a `setting` is a figure or a word."""
Tone = Literal["", "good", "bad", "open"]
Fields = Mapping[str, "Cell | str"]
"""The cells of a row by the keys of their columns; a bare text is a cell of it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place: `around` is the interval of a figure, `notes` are small print."""

    text: str
    around: str = ""
    notes: tuple[str, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Column:
    """`heading` is for text, with its unit. `title` is for a page: its unit stands after a bar, `p50|ms`.

    `over` is a title that neighbours share. `of_target`: the heading is a target's name.
    """

    key: str
    heading: str
    title: str = ""
    kind: Kind = "figure"
    over: str = ""
    strong: bool = False
    of_target: bool = False

    @property
    def numeric(self) -> bool:
        """Whether only figures stand here."""
        return self.kind == "figure"

    @property
    def words(self) -> str:
        """The title without its unit."""
        return (self.title or self.heading).partition("|")[0]

    @property
    def unit(self) -> str:
        """The title's unit; empty where it has none."""
        return self.title.partition("|")[2]


@dataclass(frozen=True, slots=True)
class Row:
    """One cell for each column; `marked` where the row differs in what should be alike."""

    cells: tuple[Cell, ...]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows in their order."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def pick(self, *keys: str) -> Table:
        """The named columns in this order, those that the table has."""
        places = [self._place(key) for key in keys if any(column.key == key for column in self.columns)]
        rows = (replace(row, cells=tuple(row.cells[place] for place in places)) for row in self.rows)
        return Table(tuple(self.columns[place] for place in places), tuple(rows))

    def without_empty(self, key: str) -> Table:
        """Without that column if nothing stands under it."""
        if any(column.key == key for column in self.columns) and all(
            cell.text == DASH for cell in self.under(key)
        ):
            return self.without(key)
        return self

    def without(self, key: str) -> Table:
        """All columns but one."""
        return self.pick(*(column.key for column in self.columns if column.key != key))

    def grouped(self, key: str) -> Table:
        """The rows of one value under `key` together, and said once; values in the order of their appearance."""
        place = self._place(key)
        order = {text: number for number, text in enumerate(dict.fromkeys(cell.text for cell in self.under(key)))}
        columns = (replace(c, kind="group") if c.key == key else c for c in self.columns)
        return Table(tuple(columns), tuple(sorted(self.rows, key=lambda row: order[row.cells[place].text])))

    def where(self, key: str, text: str) -> Table:
        """The rows that have this text under `key`."""
        place = self._place(key)
        return Table(self.columns, tuple(row for row in self.rows if row.cells[place].text == text))

    def under(self, key: str) -> tuple[Cell, ...]:
        """The cells of one column."""
        place = self._place(key)
        return tuple(row.cells[place] for row in self.rows)

    @property
    def bodies(self) -> tuple[tuple[Row, ...], ...]:
        """Rows with the same group, together."""
        places = [place for place, column in enumerate(self.columns) if column.kind == "group"]
        bodies = groupby(self.rows, key=lambda row: [row.cells[place].text for place in places])
        return tuple(tuple(rows) for _, rows in bodies)

    @property
    def overs(self) -> tuple[tuple[Column, int], ...]:
        """For a heading in two lines: the first column under each shared title, and how many there are."""
        runs = groupby(enumerate(self.columns), key=lambda pair: pair[1].over or pair[0])
        found = [[column for _, column in run] for _, run in runs]
        return tuple((run[0], len(run)) for run in found) if any(column.over for column in self.columns) else ()

    def texts(self, *, intervals: bool = False) -> Iterator[tuple[str, ...]]:
        """The rows as text: a group once; with `intervals` as `4.10 (3.90–4.32)`."""
        for body in self.bodies:
            for number, row in enumerate(body):
                yield tuple(
                    "" if number and column.kind == "group" else _text(cell, intervals)
                    for column, cell in zip(self.columns, row.cells, strict=True)
                )

    def _place(self, key: str) -> int:
        return next(place for place, column in enumerate(self.columns) if column.key == key)


def _text(cell: Cell, intervals: bool) -> str:
    return f"{cell.text} ({cell.around})" if intervals and cell.around and cell.text != DASH else cell.text


def table(columns: Iterable[Column], rows: Iterable[Fields]) -> Table:
    """Columns, and the rows to them. What a row does not have is a dash."""
    columns = tuple(columns)
    return Table(
        columns, tuple(Row(tuple(_cell(row.get(column.key, DASH)) for column in columns)) for row in rows)
    )


def _cell(found: Cell | str) -> Cell:
    return Cell(found) if isinstance(found, str) else found


PHASE = Column("phase", "phase", "Phase", "group")
OPERATION = Column("operation", "operation", "Operation", "group")
TARGET = Column("target", "target", "Target", "target")
