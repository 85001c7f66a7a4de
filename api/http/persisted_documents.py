"""Trusted documents: a server that answers only the documents of its own clients.

They are in a manifest that the clients' build writes: graphql-codegen's or Relay's (one JSON object,
texts by id), or Apollo's. A request names one by ``documentId``, as GraphQL over HTTP has it for
persisted documents, or by ``extensions.persistedQuery.sha256Hash``; or it sends the very text.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.errors import DocumentNotTrusted
from infrastructure.settings import InvalidSetting, Settings, variable_name

HASHED = "sha256:"
"""Prefix of an id that is the hash of its document."""


class TrustedDocuments:
    """The trusted documents by id; any document is trusted where no manifest is set."""

    def __init__(self, texts: Mapping[str, str] | None) -> None:
        self._texts = None if texts is None else {_bare(id): text for id, text in texts.items()}
        self._trusted = frozenset((texts or {}).values())

    @classmethod
    def of(cls, settings: Settings) -> "TrustedDocuments":
        """Return the documents of the setting. Raises InvalidSetting if its file is no manifest."""
        path = settings.trusted_documents
        return cls(None if path is None else _read(path))

    @property
    def are_set(self) -> bool:
        return self._texts is not None

    def text(self, request: Mapping[str, Any]) -> str | None:
        """Return the document of a request; None if it names none. Raises DocumentNotTrusted."""
        query: str | None = request.get("query") or None
        id = _document_id(request)
        if self._texts is None:
            if id is not None and query is None:
                raise DocumentNotTrusted(
                    "This server has no trusted documents: send the text, as query."
                )
            return query
        if id is None and query is None:
            raise DocumentNotTrusted("Name a trusted document, by documentId.")
        if id is None:
            if query not in self._trusted:
                raise DocumentNotTrusted(
                    "Only trusted documents are answered here, and this is none."
                )
            return query
        text = self._texts.get(_bare(id))
        if text is None:
            raise DocumentNotTrusted("No trusted document has this documentId.")
        if query not in (None, text):
            raise DocumentNotTrusted(
                "The query is not the document of this documentId: leave it out."
            )
        return text


def _document_id(request: Mapping[str, Any]) -> str | None:
    """Return the id that names the document. Raises DocumentNotTrusted if it is no text."""
    extensions = request.get("extensions")
    persisted_query = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    hash = persisted_query.get("sha256Hash") if isinstance(persisted_query, dict) else None
    id = request.get("documentId") or hash
    if not isinstance(id, str | None):
        raise DocumentNotTrusted("A documentId is a text.")
    return id


def _bare(id: str) -> str:
    return id.removeprefix(HASHED)


def _read(path: Path) -> Mapping[str, str]:
    """Return the texts of a manifest by id. Raises InvalidSetting."""
    name = variable_name("trusted_documents")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{name}={path} cannot be read: {type(error).__name__}.") from None
    if isinstance(manifest, dict) and isinstance(
        manifest.get("operations"), list
    ):  # as Apollo writes it
        manifest = {
            o.get("id"): o.get("body") for o in manifest["operations"] if isinstance(o, dict)
        }
    if not isinstance(manifest, dict) or not all(
        isinstance(part, str) for pair in manifest.items() for part in pair
    ):
        raise InvalidSetting(f"{name}={path} is no manifest: a JSON object of documents by id.")
    for id, text in manifest.items():
        if id.startswith(HASHED) and id != HASHED + sha256(text.encode()).hexdigest():
            raise InvalidSetting(f"{name}={path}: the document of {id} has another hash.")
    return manifest
