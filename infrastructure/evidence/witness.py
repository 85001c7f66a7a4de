"""Witness of another house's log: cosigns a checkpoint that goes on from the last one it cosigned.

Cosignatures are those of C2SP (tlog-cosignature, cosignature/v1). Of each tree that is witnessed its
last checkpoint is kept in the home folder, and the key of its log.
"""

from hashlib import sha256
from pathlib import Path
from time import time
from urllib.parse import quote

from infrastructure.evidence.checkpoints import origin_parts
from infrastructure.evidence.merkle import is_consistent
from infrastructure.evidence.proofs import NotProven, hashes_of
from infrastructure.evidence.signed_note import (
    COSIGNATURE,
    InvalidNote,
    Signature,
    SignedNote,
    SigningKey,
    VerifierKey,
    cosigned_message,
)
from infrastructure.private_file import read_or_make_key, write_private


class Witness:
    """The witness of a home folder, under the name of its hospital."""

    def __init__(self, home: Path, hospital: str) -> None:
        self.folder = home / "witnessed"
        self.key_file = home / "witness.key"
        self.name = f"wardbook/witness/{quote(hospital, safe='')}"

    def key(self) -> SigningKey:
        """Return the key that cosigns; make it if there is none. Raises UnsafeKey."""
        advice = f"Remove {self.key_file}: another key is made, and houses have to be told of it."
        return SigningKey.from_seed(self.name, read_or_make_key(self.key_file, advice))

    def verifier(self) -> VerifierKey:
        """Return the public half of the key that cosigns. Raises UnsafeKey."""
        return VerifierKey(self.name, self.key().verifier.public, COSIGNATURE)

    def cosign(self, request: object, key: VerifierKey | None) -> SignedNote:
        """Return a checkpoint cosigned, if it goes on from the last one; keep it as the last.

        ``request``: what ``wardbook checkpoint --since`` prints. ``key``: of the log, needed the first
        time. Raises NotProven, InvalidNote, UnsafeKey.
        """
        match request:
            case {"size": int(size), "proof": [*path], "checkpoint": str(text)}:
                note = SignedNote.parse(text)
            case _:
                raise InvalidNote("This is not what 'wardbook checkpoint --since SIZE' prints.")
        checkpoint = note.checkpoint
        log_id, _ = origin_parts(note)
        tree = checkpoint.origin.rpartition("/")[2]
        name = sha256(f"{log_id}/{tree}".encode()).hexdigest()[:32]
        note_file, key_file = self.folder / f"{name}.checkpoint", self.folder / f"{name}.key"
        if key_file.exists():
            key = VerifierKey.parse(key_file.read_text())
        if key is None:
            raise NotProven("This log was never witnessed here: give its key by --key.")
        if not note.is_signed_by(key):
            raise NotProven(f"The checkpoint is not signed by {key.name}, {key.id.hex()}.")
        if note_file.exists():
            last = SignedNote.parse(note_file.read_text()).checkpoint
            if size != last.size:
                raise NotProven(
                    f"The checkpoint of {last.size} was cosigned last: ask for 'wardbook"
                    f" checkpoint --since {last.size}'."
                )
            hashes = hashes_of(path)
            if not is_consistent(last.size, last.root, checkpoint.size, checkpoint.root, hashes):
                raise NotProven(
                    f"The log does not go on from its checkpoint of {last.size} that was cosigned"
                    " here: it was rewritten. Nothing is cosigned; keep both checkpoints."
                )
        now = int(time())
        message = cosigned_message(checkpoint.text, now)
        content = now.to_bytes(8, "big") + self.key().private.sign(message)
        signature = Signature(self.name, self.verifier().id, content)
        joint_note = SignedNote(checkpoint, (*note.signatures, signature))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(key_file, f"{key}\n")
        write_private(note_file, str(joint_note))
        return joint_note
