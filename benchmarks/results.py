"""What a part found: rows of the one table, and points of the plot. Parts run as processes and leave it in a file."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS_FILE = "BENCHMARK_RESULTS"  # the variable that names the file


@dataclass(frozen=True)
class Target:
    """What the ratio ours / peer shall be: at least so much (rates), or at most (times, memory)."""

    limit: float
    is_least: bool

    def is_met_by(self, ratio: float) -> bool:
        return ratio >= self.limit if self.is_least else ratio <= self.limit

    def __str__(self):
        return f"{'>=' if self.is_least else '<='} {self.limit:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table. The ratio is `ours / peer`, or the median of such ratios where rounds were interleaved."""

    what: str
    peer_name: str
    ours: float
    peer: float
    unit: str
    ratio: float
    target: Target | None = None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "met" if self.target.is_met_by(self.ratio) else "NOT met"

    def cells(self) -> list[str]:
        return [
            self.what, self.peer_name, f"{short(self.ours)} {self.unit}", f"{short(self.peer)} {self.unit}",
            short(self.ratio), str(self.target or ""), self.verdict,
        ]  # fmt: skip


HEADINGS = ["what", "against", "ours", "peer", "ratio", "target", ""]


@dataclass
class Results:
    """Of one part: rows, remarks to read them by, and {what: [(rows in the database, seconds)]} for the plot."""

    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def compare(
        self, what: str, peer_name: str, ours: float, peer: float, unit: str, *,
        ratio: float | None = None, at_least: float | None = None, at_most: float | None = None,
    ) -> None:  # fmt: skip
        target = None
        if at_least is not None or at_most is not None:
            target = Target(at_least if at_least is not None else at_most or 0, at_least is not None)
        self.rows.append(Row(what, peer_name, ours, peer, unit, ours / peer if ratio is None else ratio, target))

    def add_point(self, what: str, size: int, seconds: float) -> None:
        self.points.setdefault(what, []).append((size, seconds))

    def extend(self, other: "Results") -> None:
        self.rows += other.rows
        self.remarks += other.remarks
        self.points |= other.points

    def leave(self) -> None:
        """Write it where the process that started this part reads it; print it where nobody did."""
        if RESULTS_FILE in os.environ:
            Path(os.environ[RESULTS_FILE]).write_text(json.dumps(asdict(self)))
        else:
            print(table_as_text(self.rows))
            print("\n".join(self.remarks))


def read_results(path: Path) -> Results:
    found = json.loads(path.read_text())
    rows = [Row(**row | {"target": row["target"] and Target(**row["target"])}) for row in found["rows"]]
    points = {what: [(size, seconds) for size, seconds in line] for what, line in found["points"].items()}
    return Results(rows, found["remarks"], points)


def short(figure: float) -> str:
    """Three significant digits, never as a power of ten."""
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.3g}" if abs(figure) >= 0.001 or not figure else f"{figure:.6f}"


def table_as_text(rows: Iterable[Row]) -> str:
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in (2, 3, 4) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def table_as_markdown(rows: Iterable[Row]) -> str:
    rules = ["---", "---", "---:", "---:", "---:", "---", "---"]
    lines = [HEADINGS, rules, *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
