"""The other door of commands: `POST /commands`, which takes them as JSON."""

from typing import Any
from uuid import uuid4

from tests.conftest import TOKEN
from tests.support.api_dsl import Ward


class Commands(Ward):
    """A ward whose commands go to ``POST /commands``."""

    def __init__(self, ward: Ward) -> None:
        super().__init__(ward.client, ward._named)
        self.execute, self.record = self._execute, self._record

    def _execute(self, command: str, **input: Any) -> dict[str, Any]:
        sent = {"mutation": command, "input": {"commandId": str(uuid4()), **input}}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = self.client.http.post("/commands", json={"commands": [sent]}, headers=headers)
        (result,) = answer.json()["results"]
        assert "__typename" in result, result
        return dict(result)

    def _record(self, command: str, **input: Any) -> dict[str, Any]:
        answer = self._execute(command, **input)
        assert answer["__typename"].endswith("Recorded"), answer
        return answer
