"""A report as a picture: plain SVG, one panel for each figure that has several values."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from application.reports.definition import Figure, Report, Row
from application.reports.formatting import format_value
from domain.text import line

WIDTH, PANEL, LEFT, LINE = 820, 190, 60, 20
INK, PALE, BARS = "#222", "#bbb", "#2a6f97"


def svg(report: Report) -> str:
    """Return a report as an SVG image. A value that there is not (a denominator of 0) leaves a gap."""
    question, definition = report.question, report.definition
    days = f"{question.first} to {question.last}"
    rows = {f.name: [r for r in report.rows if r.figure == f.name] for f in definition.figures}
    single = [row for rows_of_figure in rows.values() for row in rows_of_figure if not row.of]
    panels = [(f, rows[f.name]) for f in definition.figures if any(r.of for r in rows[f.name])]
    top = 2 * LINE + 10 + LINE * len(single)
    parts = [
        _text(10, LINE, f"{definition.title}, {question.ward or 'hospital'}, {days}", 15),
        *(
            _text(
                10,
                2 * LINE + 10 + LINE * n,
                f"{row.figure}: {format_value(definition, row)} {row.unit}",
            )
            for n, row in enumerate(single)
        ),
    ]
    for n, (figure, values) in enumerate(panels):
        parts += _panel(report, figure, values, top + n * PANEL)
    height = top + PANEL * len(panels) + 2 * LINE
    source = f"{definition.name}@{definition.version}, position {report.position}"
    caption = f"{source}, digest {report.digest[:16]}"
    parts.append(_text(10, height - 10, caption, 10))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(report: Report, figure: Figure, rows: list[Row], top: int) -> Iterator[str]:
    """Yield a panel of bars: least and greatest value at the left, first and last row below."""
    values = [float(row.value) for row in rows if row.value is not None]
    upper_limit, lower_limit = max([0.0, *values]), min([0.0, *values])
    span = (upper_limit - lower_limit) or 1.0
    high, width = PANEL - 4 * LINE, WIDTH - LEFT - 20
    floor = top + 2 * LINE + high

    def level(value: float) -> float:
        return floor - (value - lower_limit) / span * high

    yield _text(10, top + LINE, f"{figure.name}, {figure.unit}")
    for value in sorted({lower_limit, upper_limit}):
        yield f'<path d="M{LEFT} {level(value):.1f}h{width}" stroke="{PALE}"/>'
        number = f"{value:.{figure.decimals}f}"
        yield _text(LEFT - 6, level(value) + 4, number, anchor="end")
    step = width / len(rows)
    for n, row in enumerate(rows):
        if row.value is None:
            continue
        bottom, up = sorted((level(float(row.value)), level(0.0)))
        label = escape(line(f"{_of(row)}: {format_value(report.definition, row)}"))
        yield (
            f'<rect x="{LEFT + n * step:.1f}" y="{bottom:.1f}" width="{max(step * 0.8, 0.5):.1f}"'
            f' height="{up - bottom:.1f}" fill="{BARS}"><title>{label}</title></rect>'
        )
    yield _text(LEFT, floor + LINE, _of(rows[0]))
    if len(rows) > 1:
        yield _text(WIDTH - 20, floor + LINE, _of(rows[-1]), anchor="end")


def _of(row: Row) -> str:
    return ", ".join(value for _, value in row.of)


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.1f}" font-size="{size}" fill="{INK}"'
        f' text-anchor="{anchor}">{escape(line(text))}</text>'
    )
