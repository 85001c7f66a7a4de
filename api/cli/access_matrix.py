"""The access matrix as Markdown: ``docs/access.md``, generated from the declarations."""

from collections.abc import Mapping

from application.authorization.roles import DATA, LABELS, QUERIES, Role, Roles
from application.hospital import COMMANDS

INTRODUCTION = """\
# Access

Which role may give which command, run which query and see which data. Wards and labels narrow it
further: [security.md](security.md). What is not listed is allowed to nobody.

This page is generated: `wardbook schema --access --write`. A command's roles are declared at the command
(`application/commands/`), all others in `application/authorization/roles.py`.
"""


def access_matrix() -> str:
    """Return the page: one table of roles each for commands, queries, data and labels."""
    sections: list[tuple[str, Mapping[str, Roles]]] = [
        ("Commands", {name: spec.roles for name, spec in sorted(COMMANDS.items())}),
        ("Queries and subscriptions", QUERIES),
        ("Kinds of data", DATA),
        ("Confidentiality labels", LABELS),
    ]
    return INTRODUCTION + "".join(f"\n## {title}\n\n{_table(rows)}" for title, rows in sections)


def _table(rows: Mapping[str, Roles]) -> str:
    lines = [
        "| | " + " | ".join(role.value.replace("_", " ") for role in Role) + " |",
        "|---|" + ":-:|" * len(Role),
    ]
    for name, roles in rows.items():
        marks = " | ".join("x" if role in roles else " " for role in Role)
        lines.append(f"| `{name}` | {marks} |")
    return "\n".join(lines) + "\n"
