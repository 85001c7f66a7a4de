"""Messages that were kept, taken again from the command line."""

from pathlib import Path

from api.exit_codes import ExitCode
from api.hl7.door import Door
from application.hospital import Hospital
from tests.cli.conftest import Run
from tests.hl7.test_inbound import adt
from tests.support.hospital_dsl import room


def test_kept_messages_are_replayed_and_those_carried_out_are_gone(
    run: Run, home: Path, staffed: Hospital, tmp_path: Path
) -> None:
    room(staffed)
    unmapped = Door(staffed, [], home)
    for message in (adt("A01", "1"), b"nonsense"):
        unmapped.answers(message)
    first = run("hl7", "refused", "--json").json[0]["file"]
    assert "Adam" in run("hl7", "refused", "--show", first, "--purpose", "treatment").out
    assert run("hl7", "refused", "--show", "none.json").code == ExitCode.REFUSED
    (reading,) = run("accesses", "--json").json
    assert reading["entity"] == f"message {Path(first).name}"
    sender = tmp_path / "north.toml"
    sender.write_text('application = "ADT"\nzone = "Europe/Berlin"\n')

    both = run("hl7", "replay", "--config", str(sender), "--json", "--csv")
    assert both.code == ExitCode.USAGE
    assert len(run("hl7", "refused", "--json").json) == 2
    result = run("hl7", "replay", "--config", str(sender), "--json")
    assert result.code == ExitCode.DONE, result.err
    assert [(row["answer"], row["carriedOut"]) for row in result.json] == [
        ("AA", True),
        ("AR", False),
    ]
    assert "Adam" not in result.out
    (left,) = run("hl7", "refused", "--json").json
    assert left["file"] == result.json[1]["file"]
