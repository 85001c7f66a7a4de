"""Follower of our own log that tells one receiver of movements: in order, each once."""

import logging
import socket
import ssl
import threading
from uuid import UUID

from api.hl7.er7 import Unreadable, parse
from api.hl7.mllp import END, START
from api.hl7.outgoing import MessageWriter, Outgoing
from api.hl7.receiving import ReceivingSystem
from application.authorization.roles import Purpose
from application.hospital import Hospital
from domain.envelope import Actor
from domain.errors import WardbookError
from infrastructure.access_log import AccessRecord
from infrastructure.hl7_deliveries import AWAY, Change, Deliveries
from infrastructure.sealing.key_ring import key_ring

SECONDS_OF_ANSWER = 30.0
"""The time within which a receiver has to answer."""

SECONDS_BETWEEN_RETRIES = (0.1, 0.5, 2.0, 10.0)
"""The pauses before a message is sent again; the last one for ever after."""

SECONDS_WITHOUT_LOG = 0.5
"""The pause before the log is asked again while the database or the keys are away."""

MAX_ANSWER = 100_000

READER = Actor(issuer="wardbook", subject="hl7", role="service")
"""The actor of the readings of messages to other systems, as they are recorded."""

log = logging.getLogger(__name__)


class NotAnswered(WardbookError):
    """The receiver gave no answer that says what became of a message."""


class Connection:
    """A connection to a receiver, opened when it is needed, and anew after a failure."""

    def __init__(self, receiver: ReceivingSystem) -> None:
        self._receiver, self._tls = receiver, receiver.tls()
        self._socket: socket.socket | None = None

    def answer(self, message: Outgoing) -> str:
        """Send a message and return what MSA-1 says of it. Raises NotAnswered."""
        try:
            if self._socket is None:
                self._socket = self._new_socket()
            self._socket.sendall(START + message.data + END)
            while True:
                answer = parse(self._read(self._socket))
                if answer.value("MSA", 2) == message.control_id:
                    return answer.value("MSA", 1) or ""
        except (OSError, EOFError, Unreadable) as error:
            self.close()
            raise NotAnswered(type(error).__name__) from None

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _new_socket(self) -> socket.socket:
        address = self._receiver.host, self._receiver.port
        new_socket = socket.create_connection(address, timeout=SECONDS_OF_ANSWER)
        if self._tls is None:
            return new_socket
        try:
            return self._tls.wrap_socket(new_socket, server_hostname=self._receiver.host)
        except ssl.SSLError:
            new_socket.close()
            raise

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        answer = b""
        while not answer.endswith(END):
            part = connection.recv(65_536)
            if not part or len(answer) > MAX_ANSWER:
                raise EOFError
            answer += part
        # an earlier answer that came too late may stand before this one
        return answer[: -len(END)].rpartition(START)[2]


class HL7Follower:
    """Tells a receiver of each movement that the log has, from its own position on."""

    def __init__(
        self, hospital: Hospital, receiver: ReceivingSystem, deliveries: Deliveries, log_id: UUID
    ) -> None:
        self._writer = MessageWriter(hospital, receiver, log_id)
        self._receiver, self._deliveries = receiver, deliveries
        self._connection = Connection(receiver)
        self._stopping = threading.Event()
        self._recorded = ""
        """The id of the message whose reading was recorded last."""
        self._failures, self._failure = 0, ""
        """The failures of the message that is being sent, and the last of them."""

    def stop(self) -> None:
        """Stop after the message that is being sent."""
        self._stopping.set()

    def run(self) -> None:
        """Follow the log until `stop` is called; go on when the database or the keys are back."""
        is_cut = False
        while not self._stopping.is_set():
            try:
                if is_cut:
                    self._deliveries.begin_again()
                count = self.catch_up()
                is_cut = False
                if not count:
                    key_ring().forget_all()  # whose they are may be erased while it rests
                    self._deliveries.wait()
            except AWAY as error:
                if not is_cut:
                    log.warning("nothing is sent: %s; trying again", type(error).__name__)
                is_cut = True
                self._stopping.wait(SECONDS_WITHOUT_LOG)
        self._connection.close()

    def catch_up(self) -> int:
        """Tell what a page of the log holds. Returns how many messages that were."""
        count = 0
        for change in self._deliveries.changes():
            position, number = self._deliveries.position, self._deliveries.sent
            while not self._tell(change, position):
                if self._stopping.is_set():
                    return count + self._deliveries.sent - number
            count += self._deliveries.sent - number
            self._deliveries.advance(change.position)
        return count

    def _tell(self, change: Change, position: int) -> bool:
        """Send those messages of a command that were not; return False where one was not answered.

        It is made anew before it is sent again: somebody of whom it tells may be erased meanwhile.
        """
        for number, message in enumerate(self._writer.messages_of(change), 1):
            if number <= self._deliveries.sent:
                continue
            if message.control_id != self._recorded:
                self._deliveries.record_reading(self._reading_of(message))
                self._recorded = message.control_id
            code = self._answer_code(message)
            if code is None:
                return False
            if code in ("AR", "CR"):
                self._deliveries.park(
                    message.control_id, change.position, message.stay, message.trigger, code
                )
                log.warning("%s refused message %s", self._receiver.name, message.control_id)
            self._deliveries.advance(position, number)
        return True

    def _reading_of(self, message: Outgoing) -> AccessRecord:
        """Return the entry of the record of reading for a message, written before it leaves."""
        return AccessRecord(
            by=READER,
            operation="wardbook hl7 send",
            purpose=Purpose.ADMINISTRATION,
            patients=message.patients,
            resources=[message.stay] if message.stay else [],
            entity=f"movements to {self._receiver.name}",
        )

    def _answer_code(self, message: Outgoing) -> str | None:
        """Send a message and return AA or AR; None, after a pause, if it has to be sent again."""
        try:
            code = self._connection.answer(message)
            failure = f"answered {code if code in ('AE', 'CE') else 'nothing known'}"
        except NotAnswered as error:
            code, failure = "", f"did not answer ({error})"
        if code in ("AA", "CA", "AR", "CR"):
            self._failures, self._failure = 0, ""
            return code
        if failure != self._failure:
            log.warning("%s %s; sending again", self._receiver.name, failure)
        pauses = SECONDS_BETWEEN_RETRIES
        self._stopping.wait(pauses[min(self._failures, len(pauses) - 1)])
        self._failures, self._failure = self._failures + 1, failure
        return None
