"""Checkpoints as signed notes: the text formats of C2SP (signed-note, tlog-checkpoint), with Ed25519.

A checkpoint says of a tree its origin, its size and its root. A key has a name; a signature is found
by the name and the first bytes of a hash of name and key.
"""

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import WardbookError

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
"""The kinds of keys: of a log, and of a witness, whose signatures have a time."""

_DASH = "\u2014 "


class InvalidNote(WardbookError):
    """A text that is no signed checkpoint, or that a key did not sign; the message says which."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, by which anybody sees that it signed a note."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self.kind + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Return the key that a text says. Raises InvalidNote."""
        try:
            name, id, public = text.strip().split("+", 2)
            content = b64decode(public, validate=True)
        except (ValueError, NoBase64):
            raise InvalidNote("A key is written NAME+ID+KEY; this is none.") from None
        key = cls(name, content[1:], content[:1])
        if key.kind not in (ED25519, COSIGNATURE) or len(key.public) != 32 or key.id.hex() != id:
            raise InvalidNote(f"The key of {name} is damaged, or is no Ed25519 key.")
        return key

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Return whether the key made a signature of a text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            message = cosigned_message(text, int.from_bytes(signature[:8], "big"))
            signature = signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs notes."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "SigningKey":
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, checkpoint: "Checkpoint") -> "SignedNote":
        """Return the note that says a checkpoint, signed."""
        signature = Signature(self.name, self.verifier.id, self.private.sign(checkpoint.to_bytes()))
        return SignedNote(checkpoint, (signature,))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree at one size."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    def to_bytes(self) -> bytes:
        return self.text.encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature in a note."""

    name: str
    key_id: bytes
    content: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.content).decode()}"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A checkpoint with its signatures."""

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.checkpoint.text}\n" + "".join(
            f"{signature}\n" for signature in self.signatures
        )

    @classmethod
    def parse(cls, text: str) -> "SignedNote":
        """Return the note of a text, which it is byte by byte. Raises InvalidNote."""
        try:
            body, _, lines = text.partition("\n\n")
            origin, size, root = body.split("\n")
            note = cls(
                Checkpoint(origin, int(size), b64decode(root, validate=True)),
                tuple(_signature(line) for line in lines.splitlines()),
            )
        except (ValueError, NoBase64):
            raise InvalidNote("This is no checkpoint: origin, size, root, signatures.") from None
        if str(note) != text or len(note.checkpoint.root) != 32 or not note.signatures:
            raise InvalidNote("This checkpoint is damaged, or is not signed.")
        return note

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Return whether a key signed the checkpoint."""
        return any(
            key.has_signed(self.checkpoint.text, signature.content)
            for signature in self.signatures
            if (signature.name, signature.key_id) == (key.name, key.id)
        )


def cosigned_message(text: str, seconds: int) -> bytes:
    """Return the message that a witness signs for a note's text, at a time in seconds since 1970."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise ValueError
    name, text = line.removeprefix(_DASH).split(" ")
    content = b64decode(text, validate=True)
    return Signature(name, content[:4], content[4:])
