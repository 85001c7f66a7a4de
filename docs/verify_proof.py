"""Check a proof of Wardbook without Wardbook: python verify_proof.py PROOF.json KEY [KEY ...]

It shows that an event is in the log that a checkpoint was signed of. It needs the `cryptography` package
alone. KEY is the key of the log, NAME+ID+KEY, as the house says it; never take it from the proof.
Formats: docs/evidence.md.
"""

import json
import sys
from base64 import b64decode
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def is_signed(note: str, key: str) -> bool:
    """Say whether a key signed a note (C2SP signed-note)."""
    name, key_id, encoded = key.strip().split("+", 2)
    content = b64decode(encoded)
    if content[:1] != b"\x01" or sha256(f"{name}\n".encode() + content).hexdigest()[:8] != key_id:
        raise SystemExit(f"{name}: this is no Ed25519 key")
    text, _, signatures = note.partition("\n\n")
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        raw = b64decode(signature)
        if dash == "\u2014" and signer == name and raw[:4].hex() == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(content[1:]).verify(
                    raw[4:], f"{text}\n".encode()
                )
                return True
            except InvalidSignature:
                pass
    return False


def is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Say whether a path leads from a leaf to the root (RFC 9162, section 2.1.3.2)."""
    at, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = sha256(b"\x01" + sibling + node).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    return 0 <= index < size and last == 0 and node == root


def main(file: str, *keys: str) -> None:
    """Check the proof in a file by the keys; exit with 0 if it holds."""
    with open(file, encoding="utf-8") as opened:
        proof = json.load(opened)
    event, index, note = proof["event"], proof["index"], proof["checkpoint"]
    if not any(is_signed(note, key) for key in keys):
        raise SystemExit("the checkpoint is not signed by the key that was given")
    origin, size, root = note.partition("\n\n")[0].split("\n")
    leaf = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    path = [bytes.fromhex(node) for node in proof["proof"]]
    if event["position"] != str(index + 1) or not is_included(
        sha256(b"\x00" + leaf).digest(), index, int(size), path, b64decode(root)
    ):
        raise SystemExit("the event is not in the log that was signed")
    print(f"event {event['position']} is in {origin}, of {size} events, as it was signed")


if __name__ == "__main__":
    main(*sys.argv[1:])
