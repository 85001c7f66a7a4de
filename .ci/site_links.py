"""Hook of the site: a link to a file of the repository that is no page becomes its path."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(((?!https?:|mailto:|#)[^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return a page without links that lead out of the site."""
    folder = Path(page.file.abs_src_path).parent

    def keep(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        is_page = target.is_relative_to(ROOT / "docs") and target.is_file()
        if is_page and target.suffix != ".py" and "released" not in target.parts:
            return link[0]
        return f"{link[1]} (`{target.relative_to(ROOT)}`)"

    return LINK.sub(keep, markdown)
