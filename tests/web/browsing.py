"""Helpers of the tests of the page: open it, give a form, look for what axe finds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Open = Callable[..., Any]

SCREENS = (
    "board",
    "find",
    "flow",
    "doses",
    "house",
    "mend",
    "reports",
    "access",
    "acts",
    "explorer",
)

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def form(page: Any, title: str) -> Iterator[Any]:
    """The open form of a command; it is recorded at the end."""
    dialog = page.get_by_role("dialog", name=title)
    dialog.wait_for()
    yield dialog
    dialog.get_by_role("button", name="Record", exact=True).click()
    refusal = dialog.locator(".refusal").or_(page.locator("main:not(:has(~ wb-form))"))
    refusal.first.wait_for(state="attached")
    assert dialog.locator(".refusal").all_inner_texts() == []
    dialog.wait_for(state="detached")


def bed_of(page: Any, text: str) -> Any:
    """The bed on the board that a text is in."""
    return page.locator("a.bed", has_text=text)


def go(page: Any, screen: str) -> None:
    """Go to a screen by its address, and wait until it shows something."""
    page.get_by_role("navigation").wait_for()
    page.goto(page.url.partition("#")[0] + f"#/{screen}")
    page.locator("main > * > *").nth(1).wait_for(state="attached")


def violations(page: Any) -> list[str]:
    """Return what axe finds, run beside the page's policy as an extension of the browser would be."""
    page.context.new_cdp_session(page).send(
        "Runtime.evaluate", {"expression": AXE, "allowUnsafeEvalBlockedByCSP": True}
    )
    result = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", STANDARDS
    )
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:160]}"
        for each in result["violations"]
    ]
