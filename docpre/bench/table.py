"""What was measured, as values; and as text, Markdown, JSON and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from docpre.bench.machine import Machine

_HOURS_PER_MILLION = 1_000_000 / 3600
_BAR, _PEER_BAR, _INK, _GRID = (52, 101, 164), (200, 120, 40), (25, 25, 25), (225, 225, 225)


@dataclass(frozen=True)
class Row:
    """One contestant of a table.

    Args:
        name: of the contestant.
        milliseconds: median of the rounds; None if it dropped out.
        cpu_milliseconds: median of what all its threads took of the CPU.
        ratio: of its time to the baseline's; below 1 is faster.
        spread_percent: half the distance between the quartiles, of the median.
        rounds: how often it was measured.
        deviation: how far its answer lies from the reference, in words.
        is_beyond_bound: it lies farther than its precision may.
        note: why it dropped out, or what is to be known.
        is_peer: not docpre's.
    """

    name: str
    milliseconds: float | None
    cpu_milliseconds: float | None
    ratio: float | None
    spread_percent: float | None = None
    rounds: int = 0
    deviation: str = ""
    is_beyond_bound: bool = False
    note: str = ""
    is_peer: bool = False


@dataclass(frozen=True)
class Table:
    """Contestants that did the same work, in turns.

    Args:
        title: what the work is.
        baseline: the contestant that ratios are against.
        rows: in the order in which they are shown.
        pages: pages that one run goes through; 0 where a run is not a page.
    """

    title: str
    baseline: str
    rows: tuple[Row, ...]
    pages: int = 0


@dataclass
class Report:
    """All that was measured on a machine.

    Args:
        machine: where.
        repeats: rounds that were asked for.
        price_per_core_hour: what an hour of a core costs, in the user's money; None: not stated.
        tables: in turns.
        facts: single figures: (name, value, unit or explanation).
    """

    machine: Machine
    repeats: int
    price_per_core_hour: float | None = None
    tables: list[Table] = field(default_factory=list)
    facts: list[tuple[str, str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All values."""
        return asdict(self)


def measured(table: Table) -> list[Row]:
    """The rows that have a time."""
    return [row for row in table.rows if row.milliseconds is not None]


def left_out(table: Table) -> list[str]:
    """Who has no time, and why."""
    return [f"{row.name}: {row.note}" for row in table.rows if row.milliseconds is None]


def failures(report: Report, engines: Sequence[str] | None) -> list[str]:
    """What makes a run fail: answers beyond their bound, and engines that were asked for by name and never ran."""
    rows = [row for table in report.tables for row in table.rows]
    found = [f"{row.name} lies {row.deviation}" for row in rows if row.is_beyond_bound and not row.is_peer]
    ran = [row.name for row in rows if row.milliseconds is not None]
    for engine in engines or ():
        if rows and not any(name.startswith(f"docpre, {engine} ") for name in ran):
            found.append(f"the engine {engine} was asked for and did not run")
    return found


def columns(table: Table, report: Report) -> list[list[str]]:
    """The table's cells, the first row being the head."""
    has_pages = table.pages > 0
    head = ["", "ms", "ratio", "±", "CPU ms"]
    if any(row.deviation for row in table.rows):
        head.append("off the reference")
    if has_pages:
        head += ["pages/s", "core-hours per million pages"]
        if report.price_per_core_hour is not None:
            head.append("price per million pages")
    cells = [head]
    for row in measured(table):
        line = [
            row.name,
            _number(row.milliseconds),
            _number(row.ratio, 2),
            _percent(row.spread_percent),
            _number(row.cpu_milliseconds),
        ]
        if "off the reference" in head:
            line.append(row.deviation)
        if has_pages:
            line += _cost(row, table, report)
        if row.note:
            line[0] += f" ({row.note})"
        cells.append(line)
    return cells


def _cost(row: Row, table: Table, report: Report) -> list[str]:
    seconds = (row.milliseconds or 0) / 1000 / table.pages
    core_hours = seconds * _HOURS_PER_MILLION * report.machine.cores
    cost = [_number(1 / seconds, 2), _number(core_hours, 0)]
    if report.price_per_core_hour is not None:
        cost.append(_number(core_hours * report.price_per_core_hour, 2))
    return cost


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


def as_text(report: Report) -> str:
    """For a terminal."""
    lines = [*_about(report), ""]
    for table in report.tables:
        cells = columns(table, report)
        widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
        lines.append(_title(table))
        for line in cells:
            parts = [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
            lines.append("  " + "  ".join(parts).rstrip())
        lines += [f"  left out: {reason}" for reason in left_out(table)]
        lines.append("")
    lines += [f"{name}: {value} {unit}".rstrip() for name, value, unit in report.facts]
    return "\n".join(lines).rstrip() + "\n"


def as_markdown(report: Report) -> str:
    """For a README."""
    lines = [*(f"{line}  " for line in _about(report)), ""]
    for table in report.tables:
        cells = columns(table, report)
        lines += [f"### {_title(table)}", "", "| " + " | ".join(cells[0]) + " |"]
        lines.append("| --- |" + " ---: |" * (len(cells[0]) - 1))
        lines += ["| " + " | ".join(line) + " |" for line in cells[1:]]
        lines += ["", *(f"- left out: {reason}" for reason in left_out(table))]
        lines.append("")
    if report.facts:
        lines += ["| | | |", "| --- | ---: | --- |"]
        lines += [f"| {name} | {value} | {unit} |" for name, value, unit in report.facts]
    return "\n".join(lines).rstrip() + "\n"


def _title(table: Table) -> str:
    return f"{table.title}; ratios to {table.baseline}"


def _about(report: Report) -> list[str]:
    machine = report.machine
    flags = f" ({', '.join(machine.flags)})" if machine.flags else ""
    lines = [
        f"{machine.cpu}, {machine.cores} cores{flags}",
        f"{machine.system}, Python {machine.python}, "
        + ", ".join(f"{name} {version}" for name, version in machine.packages.items()),
        f"Medians of {report.repeats} rounds in turns; ± is half the distance between the quartiles",
    ]
    if machine.gpus:
        lines.insert(1, "; ".join(machine.gpus))
    if report.price_per_core_hour is not None:
        lines.append(f"Price of a core-hour: {report.price_per_core_hour:g}")
    if machine.warning:
        lines.append(machine.warning)
    return lines


def as_picture(report: Report) -> Image.Image:
    """Bars of milliseconds, a block for each table. Drawn with Pillow: bars need no plotting library."""
    tables = [table for table in report.tables if measured(table)]
    font, bold = ImageFont.load_default(22), ImageFont.load_default(26)
    rows_of = {table.title: measured(table) for table in tables}
    left = 24 + max([0, *(int(font.getlength(row.name)) for rows in rows_of.values() for row in rows)]) + 16
    width, line, gap = left + 900, 36, 84
    height = 40 + sum(gap + line * len(rows) for rows in rows_of.values()) + 40
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    y = 24
    for table in tables:
        rows = rows_of[table.title]
        draw.text((24, y), f"{table.title} (ms, shorter is faster)", _INK, bold)
        y += 46
        longest = max(row.milliseconds or 0 for row in rows) or 1
        for row in rows:
            value = row.milliseconds or 0
            end = left + round(640 * value / longest)
            draw.line((left, y, left, y + line), _GRID, 2)
            draw.rectangle((left, y + 5, max(end, left + 2), y + line - 5), _PEER_BAR if row.is_peer else _BAR)
            draw.text((left - 16, y + line / 2), row.name, _INK, font, anchor="rm")
            ratio = "" if row.ratio is None else f"  ({row.ratio:.2f})"
            draw.text((end + 10, y + line / 2), f"{value:,.1f}{ratio}", _INK, font, anchor="lm")
            y += line
        y += gap - 46
    draw.text(
        (24, height - 36), f"{report.machine.cpu}, {report.machine.cores} cores", _INK, ImageFont.load_default(18)
    )
    return picture
