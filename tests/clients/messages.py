"""The client `mllp_send` of python-hl7 at the door for HL7 v2. Its argument: the port."""

import sys

from hl7.client import MLLPClient  # type: ignore[import-not-found]

MESSAGE = (
    "MSH|^~\\&|{sender}||||20260302101500+0100||ADT^{trigger}|python-{control}|P|2.5\r"
    "EVN|{trigger}|20260302101500+0100||||20260302100000+0100\r"
    "PID|||python^^^^MR||Every^Adam||19700101|M\r"
    "PV1||I|Waiting||||||||||||||||python"
)
SENT = [("CLIENT", "A01", 1), ("CLIENT", "A01", 1), ("CLIENT", "A02", 2), ("NOBODY", "A01", 3)]


def main(port: int) -> int:
    with MLLPClient("127.0.0.1", port) as client:
        answers = [
            client.send_message(MESSAGE.format(sender=sender, trigger=trigger, control=control))
            for sender, trigger, control in SENT
        ]
    codes = [answer.decode().split("MSA|")[1][:2] for answer in answers]
    is_well = codes == ["AA", "AA", "AA", "AR"]
    print(f"python-hl7: {'ok' if is_well else f'got {codes}'}")
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
