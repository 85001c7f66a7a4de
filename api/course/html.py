"""Renderer of a course as HTML: one file, with its own style sheet and no script."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from uuid import UUID
from zoneinfo import ZoneInfo

from api.course.words import (
    allergic,
    by,
    consult_text,
    dose,
    drug,
    full_name,
    imprint_lines,
    patient_lines,
    place_text,
    stay_lines,
    time_text,
    visit_text,
    words,
)
from infrastructure.queries.course_parts import Course, Entry, Stay

STYLE = """
@page { size: A4; margin: 18mm 15mm; @bottom-right { content: counter(page) " / " counter(pages); } }
body { font: 10pt/1.35 system-ui, sans-serif; color: #000; margin: 1.5rem auto; max-width: 60rem; }
h1 { font-size: 15pt; } h2 { font-size: 12pt; border-bottom: 1px solid #000; } h3 { font-size: 10pt; }
h1, h2, h3 { break-after: avoid; margin: 1em 0 .3em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1em; margin: 0 0 .6em; }
dt { font-weight: 600; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th, td { border: 1px solid #999; padding: .15em .4em; text-align: start; vertical-align: top; }
td, dd, h2 { overflow-wrap: anywhere; white-space: pre-line; unicode-bidi: plaintext; }
.time { white-space: nowrap; }
.CORRECTED .what, .CANCELLED .what { text-decoration: line-through; }
@media print { body { margin: 0; max-width: none; } }
"""

_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy that the file carries wherever it lies: its own style alone."""


def as_html(course: Course) -> str:
    """Return a course as an HTML page to print; each text in it is escaped."""
    zone = ZoneInfo(course.imprint.time_zone)
    title = "Course of the stay" if len(course.stays) == 1 else "Course of all stays"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _lines(patient_lines(course)),
        _lines(imprint_lines(course)),
        _table(
            "Allergies and intolerances",
            ("since", "what"),
            ([time_text(a.since, zone), allergic(a)] for a in course.allergies),
        ),
        *(_stay(stay, zone) for stay in course.stays),
        _timeline(course.timeline, zone),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _stay(stay: Stay, zone: ZoneInfo) -> str:
    doses = [
        (prescription, administration)
        for prescription in stay.prescriptions
        for administration in prescription.administrations
    ]
    return "\n".join(
        [
            f"<section><h2>Stay from {time_text(stay.admitted_at, zone)}</h2>",
            _lines([*stay_lines(stay, zone), ("Id", str(stay.id))]),
            _table(
                "Places",
                ("from", "until", "where"),
                (
                    [time_text(p.since, zone), time_text(p.until, zone), place_text(p)]
                    for p in stay.places
                ),
            ),
            _table(
                "Prescriptions",
                ("from", "until", "medicine", "status", "by"),
                (
                    [
                        time_text(p.start, zone),
                        time_text(p.stop, zone),
                        drug(p),
                        words(p.status),
                        full_name(p.prescriber),
                    ]
                    for p in stay.prescriptions
                ),
            ),
            _table(
                "Doses",
                ("at", "until", "medicine", "dose", "by"),
                (
                    [
                        time_text(administration.occurred_at, zone),
                        time_text(administration.ended_at, zone),
                        prescription.medication.name,
                        dose(administration),
                        administration.performed_by or "",
                    ]
                    for prescription, administration in sorted(
                        doses, key=lambda pair: pair[1].occurred_at
                    )
                ),
            ),
            _table(
                "Visits",
                ("at", "what", "by"),
                (
                    [time_text(v.occurred_at, zone), visit_text(v), full_name(v.practitioner)]
                    for v in stay.visits
                ),
            ),
            _table(
                "Consults",
                ("asked", "what", "status", "by"),
                (
                    [
                        time_text(c.requested_at, zone),
                        consult_text(c),
                        words(c.status),
                        full_name(c.requested_by),
                    ]
                    for c in stay.consults
                ),
            ),
            "</section>",
        ]
    )


def _timeline(entries: list[Entry], zone: ZoneInfo) -> str:
    """Return the timeline as a table; what was corrected or cancelled is struck out, with its row."""
    numbers = {entry.id: number for number, entry in enumerate(entries, 1)}

    def row(entry: Entry) -> str:
        occurred_at = time_text(entry.occurred_at, zone, entry.occurred_at_precision)
        recorded_at = time_text(entry.recorded_at, zone) + (" late" if entry.late else "")
        cells = [
            f'<td class="time">{numbers[entry.id]}</td>',
            f'<td class="time">{escape(occurred_at)}</td>',
            f'<td class="time">{escape(recorded_at)}</td>',
            f'<td class="what">{escape(entry.summary)}</td>',
            f"<td>{escape(_fate(entry, numbers))}</td>",
            f"<td>{escape(by(entry))}</td>",
            f"<td>{escape(entry.reason or '')}</td>",
        ]
        return f'<tr class="{escape(entry.status)}">{"".join(cells)}</tr>'

    names = ("no.", "happened", "recorded", "what", "status", "by", "reason")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "\n".join(row(entry) for entry in entries)
    return (
        f"<section><h2>Timeline</h2><table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _fate(entry: Entry, numbers: dict[UUID, int]) -> str:
    """Return the links of an entry to its corrections and to entries it corrects or cancels, by rows."""
    links = (
        ("corrected by", entry.corrected_by),
        ("cancelled by", entry.cancelled_by),
        ("corrects", entry.corrects),
        ("cancels", entry.cancels),
    )
    outcomes = [f"{name} {numbers[id]}" for name, id in links if id in numbers]
    is_plain = entry.status == "TRUE" or any(t.startswith(words(entry.status)) for t in outcomes)
    return ", ".join(outcomes if is_plain else [words(entry.status), *outcomes])


def _lines(lines: Iterable[tuple[str, str]]) -> str:
    texts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in lines)
    return f"<dl>{texts}</dl>"


def _table(title: str, names: Iterable[str], rows: Iterable[list[str]]) -> str:
    """Return a table under its title; nothing without rows."""
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    if not body:
        return ""
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<h3>{title}</h3><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
