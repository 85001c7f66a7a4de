"""The page's board of a house of 600 beds in chromium: how soon it is there, and how it follows.

A simulated house, a server in a process of its own, a tab of Debian's chromium that reaches nothing
else. A moment of painting is the first task after the frame that shows the change. It is left out
where there is no playwright or no chromium.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import cycle
from os import getloadavg
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import httpx2

from api.auth.local_tokens import LocalTokens
from api.simulator import simulate
from application.authorization.roles import Role
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.processes import processor
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import filled

BEDS = 600
LOADS, CHANGES, STRETCH = 10, 100, 15
KEYS = "[][]"
"""Steps of an hour back and on in a day that the house has lived: before it the board is empty."""
HOUR = 600
"""Changes of the house in an hour, of which a tab is told one after the other."""

BOARD = """{ roomOccupancy { room { id ward number } beds { code state
  occupants { sharesBedOf stay { id status } patient { sex } } } } }"""
SWAP = """mutation($input: SwapBedsInput!) {
  swapBeds(input: $input) { ... on Recorded { recordedAt } ... on Refusal { code } } }"""

ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]

LOADED = """
const painted = test => new Promise(done => {
  const look = () => test() ? channel.port2.postMessage(0) : requestAnimationFrame(look);
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(performance.timeOrigin + performance.now());
  requestAnimationFrame(look);
});
globalThis.painted = painted;
"""
FIRST = "beds => painted(() => document.querySelectorAll('[data-bed]').length >= beds)"
ASKED = """() => Math.max(...performance.getEntriesByType('resource')
  .filter(({name, decodedBodySize}) => name.endsWith('/graphql') && decodedBodySize > 50000)
  .map(({requestStart, responseEnd}) => responseEnd - requestStart))"""
SHOWN = """([id, stay]) => {
  const bed = () => document.querySelector(`[data-bed="${CSS.escape(id)}"]`);
  globalThis.shown = painted(() => bed()?.getAttribute('href')?.includes(stay));
}"""
STEPPED = """key => {
  const begun = performance.timeOrigin + performance.now();
  const board = document.querySelector('wb-board'), before = board.data;
  document.querySelector('wb-app').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  return painted(() => board.data !== before && !board.isReading).then(end => end - begun);
}"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        say("page: left out, playwright is not installed")
        return []
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        say("page: left out, there is no chromium: apt-get install chromium")
        return []
    say(f"page: a day of a house of {BEDS} beds is simulated")
    fill(database, folder)
    with (
        served(database, folder / "home") as (address, process),
        sync_playwright() as driver,
        closing(driver.chromium.launch(executable_path=executable, args=ARGUMENTS)) as browser,
    ):
        return shown(browser, address, LocalTokens.of(folder / "home"), process.pid)


def fill(database: Database, folder: Path) -> None:
    """Record a day of the house, and fill what is read."""
    database.open_log("simulated")
    with closing(hospital(Settings(home=folder / "home"), database)) as made:
        simulate(made, beds=BEDS, days=1, seed=1, until=datetime.now(UTC))
    filled(database)


def shown(browser: Any, address: str, tokens: LocalTokens, pid: int) -> list[Row]:
    """Look at the house in a tab."""
    token = tokens.make(Role.BED_MANAGER)  # who asks is shown the same patients as the tab
    link, headers = f"{address}/#token={token}", {"Authorization": f"Bearer {token}"}
    loads = [getloadavg()[0]]
    with httpx2.Client(base_url=address, headers=headers, timeout=30) as client:
        beds = sum(len(room["beds"]) for room in _asked(client, BOARD)["roomOccupancy"])
        say(f"page: {LOADS} first boards of {beds} beds")
        firsts, answers = zip(*(_first(browser, link, beds) for _ in range(LOADS)), strict=True)
        with _tab(browser, link, beds) as page:
            swaps = _swaps(client, page)
            next(swaps)
            say(f"page: {CHANGES} changes, {len(KEYS) * STRETCH} steps of the slider")
            with _busy(page, pid) as change:
                events = [_event(page, swaps) for _ in range(CHANGES)]
            with _busy(page, pid) as step:
                steps = [float(page.evaluate(STEPPED, key)) for key in KEYS for _ in range(STRETCH)]
            page.evaluate(STEPPED, "n")
            loads.append(getloadavg()[0])
            say(f"page: {HOUR} changes of an hour")
            before = _heap(page)
            for _ in range(HOUR):
                _event(page, swaps)
            growth = _heap(page) - before
    say(f"page: load of the machine {loads[0]:.1f} to {loads[1]:.1f}")
    return [
        Row(f"first board of {beds} beds, median / most", _two(firsts, max), wanted="800 ms"),
        Row("of it the answer with the beds, median", f"{median(answers):.0f} ms"),
        Row("event to painted, median / p95", _two(events, _p95), wanted="150 ms"),
        Row("processor of a change, tab + server", _each(change, CHANGES)),
        Row("step of the slider, median / p95", _two(steps, _p95), wanted="150 ms"),
        Row("processor of a step, tab + server", _each(step, len(KEYS) * STRETCH)),
        Row(f"heap after {HOUR} changes, more by", f"{growth / 1e6:.1f} MB", wanted="20 MB"),
    ]


def _asked(client: httpx2.Client, query: str, **variables: Any) -> Any:
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer, answer
    return answer["data"]


@contextmanager
def _tab(browser: Any, link: str, beds: int) -> Iterator[Any]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.add_init_script(LOADED)
    page = context.new_page()
    page.goto(link, wait_until="commit")
    page.painted = page.evaluate(FIRST, beds)
    yield page
    context.close()


def _first(browser: Any, link: str, beds: int) -> tuple[float, float]:
    """Milliseconds from the beginning to all beds, and of the answer that holds them."""
    with _tab(browser, link, beds) as page:
        begun, answered = page.evaluate("performance.timeOrigin"), page.evaluate(ASKED)
        return page.painted - begun, answered


@contextmanager
def _busy(page: Any, pid: int) -> Iterator[list[float]]:
    """Milliseconds of processor time that the tab's main thread and the server used meanwhile."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    session.send("Performance.enable")

    def used() -> list[float]:
        result = {
            each["name"]: each["value"]
            for each in session.send("Performance.getMetrics")["metrics"]
        }
        return [result["TaskDuration"] * 1000, processor(pid)]

    times: list[float] = []
    before = used()
    yield times
    times += [after - was for after, was in zip(used(), before, strict=True)]
    session.detach()


def _swaps(client: httpx2.Client, page: Any) -> Iterator[float]:
    """Swap two patients of one ward again and again: milliseconds of when it was recorded."""
    patients: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for room in _asked(client, BOARD)["roomOccupancy"]:
        for bed in room["beds"]:
            match bed["occupants"]:
                case [{"stay": {"status": "ADMITTED", "id": stay}, "patient": {"sex": sex}}]:
                    key = (room["room"]["ward"], sex)
                    patients.setdefault(key, []).append((room["room"]["id"] + bed["code"], stay))
    pairs = [those[:2] for those in patients.values() if len(those) > 1]
    for pair in cycle(pairs):
        (bed, one), (other_bed, other) = pair
        page.evaluate(SHOWN, [bed, other])
        input = {"commandId": str(uuid4()), "stayId": one, "withStayId": other}
        result = _asked(client, SWAP, input=input)["swapBeds"]
        if "recordedAt" in result:
            pair[:] = [(bed, other), (other_bed, one)]
            yield datetime.fromisoformat(result["recordedAt"]).timestamp() * 1000


def _event(page: Any, swaps: Iterator[float]) -> float:
    """Milliseconds from the recording of a change to its painting."""
    recorded = next(swaps)
    painted = float(page.evaluate("shown"))
    return painted - recorded


def _heap(page: Any) -> float:
    """Bytes of the heap of the tab that are in use."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"])


def _p95(times: Any) -> float:
    return float(quantiles(times, n=20)[18])


def _each(used: list[float], number: int) -> str:
    return " + ".join(f"{each / number:.0f}" for each in used) + " ms"


def _two(times: Any, other: Any) -> str:
    return f"{median(times):.0f} / {other(times):.0f} ms"
