"""Evidence of an unaltered log, to be kept elsewhere: ``checkpoint``, ``proof`` and ``witness``."""

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.queries import record_reading
from api.cli.terminal import as_json, operator, out, settings, stop
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from domain.refusals import InvalidInput
from infrastructure.access_log import AccessRecord
from infrastructure.evidence.checkpoints import origin_parts, sign_now
from infrastructure.evidence.keeper import Keeper
from infrastructure.evidence.leaves import TREES
from infrastructure.evidence.proofs import (
    NotProven,
    check_proof,
    consistency_proof,
    event_proof,
    newest_note,
)
from infrastructure.evidence.signed_note import SignedNote, VerifierKey
from infrastructure.evidence.witness import Witness
from infrastructure.postgres.database import Database, Log
from infrastructure.postgres.migrated import check_migrated

app = typer.Typer()


class TreeName(Enum):
    """The trees that checkpoints are of."""

    EVENTS = "events"
    ACCESSES = "accesses"
    REVOCATIONS = "revocations"
    KEYS = "keys"


TREE_OF = {TreeName(tree.name): tree for tree in TREES}
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="A key of the log, as 'checkpoint --key' says it.")
]


@app.command(epilog="Example: wardbook checkpoint --tree accesses")
def checkpoint(
    tree: Annotated[
        TreeName,
        typer.Option(help="Of the log, or of what is recorded beside it."),
    ] = (TreeName.EVENTS),
    key: Annotated[bool, typer.Option("--key", help="Print the key that signs, instead.")] = False,
    since: Annotated[
        int | None,
        typer.Option(min=0, help="As JSON, with the proof that it begins with that of this size."),
    ] = None,
    sign: Annotated[
        bool, typer.Option("--sign", help="Sign all that is there first, after a restore, too.")
    ] = False,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Begin with a new key, and sign by it.")
    ] = False,
) -> None:
    """Print the newest signed checkpoint of the log, to be filed elsewhere.

    Print it, mail it, give it to another house: 'verify --checkpoint FILE' compares the log with it,
    whatever was done to the database and its keys since.
    """
    configuration = settings()
    database = Database.of(configuration)
    check_migrated(database)
    keeper = Keeper(configuration.home)
    if sign or new_key:
        sign_now(database, configuration.home, new_key=new_key)
    if key:
        out.print(str(keeper.key(database.open_log().id).verifier), soft_wrap=True)
    elif since is not None:
        as_json(consistency_proof(database, TREE_OF[tree], since))
    else:
        sys.stdout.write(str(newest_note(database, TREE_OF[tree])))


@app.command(epilog="Example: wardbook proof check proof.json")
def proof(
    event: Annotated[
        str, typer.Argument(help="A position, STREAM/VERSION, or 'check' for a file.")
    ],
    file: Annotated[Path | None, typer.Argument(help="The proof to be checked.")] = None,
    key: Keys = None,
) -> None:
    """Prove that an event is in the log as it was signed, or check such a proof.

    A proof is JSON, and shows the event. It is checked without a database, by the key of the log:
    that of this home, or --key. docs/verify_proof.py checks it without Wardbook.
    """
    configuration = settings()
    if event == "check":
        if file is None:
            stop("Name the file: wardbook proof check FILE.", ExitCode.USAGE)
        _check(file, key, Keeper(configuration.home))
        return
    if file is not None:
        stop("Name an event alone, or 'check' and a file.", ExitCode.USAGE)
    database = Database.of(configuration)
    check_migrated(database)
    log = database.open_log()
    keys = Keeper(configuration.home).trusted_keys(log.id)
    proven, patient = event_proof(database, _place(event, log), keys)
    position, patients = proven["event"]["position"], [patient] if patient else []
    reading = AccessRecord(
        operator(), "proof", Purpose.ADMINISTRATION, patients, entity=f"event {position}"
    )
    record_reading(database, [reading])
    as_json(proven)


@app.command(epilog="Example: wardbook witness request.json --key wardbook/LOG+ID+KEY")
def witness(
    file: Annotated[
        Path | None, typer.Argument(help="What 'checkpoint --since' of the other house printed.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The key of their log, the first time.")
    ] = None,
) -> None:
    """Cosign a checkpoint of another house, if its log goes on from the last one cosigned here.

    Needs no database. Prints the checkpoint with both signatures; without a file, the key of this
    witness. The other house compares its log with it: verify --checkpoint FILE.
    """
    configuration = settings()
    own_witness = Witness(configuration.home, configuration.hospital)
    if file is None:
        out.print(str(own_witness.verifier()), soft_wrap=True)
        return
    try:
        note = own_witness.cosign(_content(file), None if key is None else VerifierKey.parse(key))
    except NotProven as error:
        stop(str(error), ExitCode.CHECK_FAILED)
    sys.stdout.write(str(note))


def _place(event: str, log: Log) -> int | tuple[UUID, int]:
    """Return the place of an event: its position, or its stream and version. Exits with USAGE."""
    from api.graphql.scalars import decode_position  # with all of GraphQL

    stream, slash, version = event.partition("/")
    try:
        if slash:
            return UUID(stream), int(version)
        number = int(event) if event.isdecimal() else None
        return number or decode_position(event, log.id, log.epoch, "event")
    except (ValueError, InvalidInput):
        stop(f"{event!r} is no position of this log, nor STREAM/VERSION.", ExitCode.USAGE)


def _content(file: Path) -> Any:
    """Return the JSON in a file. Exits with USAGE."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError, RecursionError):
        stop(f"{file} cannot be read, or is no JSON.", ExitCode.USAGE)


def _check(file: Path, given: list[str] | None, keeper: Keeper) -> None:
    """Check a proof by the keys that were given, or those of this home."""
    proven = _content(file)
    try:
        log_id = UUID(origin_parts(SignedNote.parse(str(proven["checkpoint"])))[0])
    except (ValueError, LookupError, TypeError):
        stop(f"{file} is no proof.", ExitCode.USAGE)
    keys = [VerifierKey.parse(key) for key in given or ()] or keeper.trusted_keys(log_id)
    if not keys:
        stop(
            f"The key of the log is not in {keeper.home}: give it by --key, as the log's house says"
            " it, and not as the file does.",
            ExitCode.USAGE,
        )
    try:
        checkpoint = check_proof(proven, keys).checkpoint
    except NotProven as error:
        stop(str(error), ExitCode.CHECK_FAILED)
    out.print(
        f"The event at position {proven['index'] + 1} is in the log as it was signed:"
        f" {checkpoint.origin}, {checkpoint.size:,} events."
    )
