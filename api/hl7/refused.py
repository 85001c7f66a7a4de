"""Messages that were refused, or set aside: sealed files, until they are carried out or entered."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from api.hl7.ack import Verdict
from api.hl7.er7 import head_of
from api.hl7.kept_files import ROOM, WAITING, KeptFiles, room_of
from infrastructure.sealing.key_ring import SEAL, key_ring
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy, TextAltered

MAX_REFUSED = 10_000
"""The messages of one client that are kept apart; beyond them it is told to come again."""

SUBJECT = "hl7-refused"
"""The subject of the key by which messages are sealed that were refused."""

NAMES = frozenset({"refusedAt", "text", "code", "where", "message"})
"""Names of the values in each file."""

UNREADABLE = "this file cannot be read: restore it, or delete it"


class RefusedMessages:
    """Messages that were refused, or set aside to be entered by hand.

    One file each, which its owner alone can read, and the message in it sealed: it tells of a person
    whom nobody may have registered, so it has a key of the house's own. A file that is broken is
    listed as such, and holds up no other.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "hl7-refused"
        self._keys = key_ring()
        self._files = KeptFiles(self._folder)

    def keep(
        self,
        data: bytes,
        verdict: Verdict,
        waits_for: UUID | None = None,
        client: Collection[str] | None = frozenset(),
        sender: str = "",
    ) -> bool:
        """Keep a message durably, once; return False if there is no room for it. Raises KeysMissing.

        ``client``: the names in the certificate of who sent it: it is taken again as from them, and
        takes room from them alone. Without a certificate it takes room from the ``sender`` it names.
        ``waits_for``: what it is about and is not known yet, where that is why it was set aside.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._files.has(self._hash(data, client)):
            return True
        owner = ["client", *sorted(client)] if client else ["sender", sender]
        room = self._keys.hash_text("\0".join(owner))[:16]
        if self._files.count(room) >= MAX_REFUSED:
            return False
        self._write(data, verdict, f"{WAITING}{waits_for.hex}" if waits_for else "", client, room)
        return True

    def wait_no_longer(self, kept: Mapping[str, Any], verdict: Verdict) -> None:
        """Keep a message that waited under a verdict that no fact to come changes."""
        data = self.message_of(kept)
        if data is not None:
            self._write(data, verdict, "", client_of(kept), room_of(Path(kept["file"]).name))
            self.remove(kept)

    def _hash(self, data: bytes, client: Collection[str] | None) -> str:
        return self._keys.hash_text("-".join([_content_of(data), *sorted(client or ())]))[:32]

    def _write(
        self, data: bytes, verdict: Verdict, ending: str, client: Collection[str] | None, room: str
    ) -> None:
        now = datetime.now(UTC)
        ending = f"{ROOM}{room}{ending}"
        file = self._folder / f"{now:%Y%m%dT%H%M%S%f}-{self._hash(data, client)}{ending}.json"
        record = {
            "refusedAt": now.isoformat(timespec="seconds"),
            **{name: value for name, value in asdict(verdict).items() if name != "kind"},
            "client": None if client is None else sorted(client),
            "message": self._keys.seal(SUBJECT, file.name, b64encode(data).decode()),
        }
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(record, stream)
            stream.flush()
            os.fsync(stream.fileno())
        self._files.add(file)

    def waiting(self, waits_for: UUID | None = None) -> list[dict[str, Any]]:
        """Return the messages that wait for something, or for anything, the oldest first."""
        ending = f"{WAITING}{waits_for.hex if waits_for else ''}"
        return list(self.read(file for file in self.waiting_files() if ending in file.name))

    def waiting_files(self) -> list[Path]:
        """Return the files of messages that wait, the oldest first."""
        return self._files.waiting()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the refused messages, the oldest first."""
        yield from self.read(sorted(self._folder.glob("*.json")))

    def read(self, files: Iterable[Path]) -> Iterator[dict[str, Any]]:
        """Return the records in some files, but of those that were deleted since."""
        for file in files:
            with suppress(FileNotFoundError):  # deleted since
                yield {"file": str(file), **_record(file)}

    def message_of(self, kept: Mapping[str, Any]) -> bytes | None:
        """Return the message in a record of one; None if it is broken, or its key does not open it."""
        text = kept["message"]
        try:
            if text is not None and text.startswith(SEAL):
                text = self._keys.open(SUBJECT, Path(kept["file"]).name, text)
            return None if text is None else b64decode(text, validate=True)
        except (KeysMissing, KeyStoreBusy, TextAltered, ValueError):
            return None

    def remove(self, kept: Mapping[str, Any]) -> None:
        """Remove the file of a message that was carried out."""
        self._files.remove(Path(kept["file"]))


def client_of(kept: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names of who sent a message that was kept; None where an older version kept it."""
    client = kept.get("client")
    return None if client is None else frozenset(client)


def _record(file: Path) -> dict[str, Any]:
    """Return the record in a file; one without a message where it is broken."""
    try:
        record = json.loads(file.read_text())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        record = None
    return record if _is_whole(record) else dict.fromkeys(NAMES) | {"text": UNREADABLE}


def _is_whole(record: Any) -> bool:
    """Return whether a value is a record as `RefusedMessages` writes it."""
    if not isinstance(record, dict) or not record.keys() >= NAMES:
        return False
    client = record.get("client") or []
    if not isinstance(client, list):
        return False
    texts = [record["refusedAt"], record["text"], record["message"], *client]
    return all(isinstance(text, str) for text in texts)


def _content_of(data: bytes) -> str:
    """Return the parts of a message that are alike each time it is sent: sender, id, segments."""
    head = head_of(data)
    fields = head.split(head[3:4]) if head[3:4] else []
    if len(fields) < 10:
        return data.hex()
    names = (fields[2], fields[3], fields[9])
    return "-".join(part.hex() for part in (*names, data.partition(head)[2]))
