"""Connection failures in words: what of the database, the password or the role it is that lacks."""

import re

from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

__all__ = [
    "RETRY_SECONDS",
    "InsufficientPrivilege",
    "ReadOnlySqlTransaction",
    "connection_failure",
]

RETRY_SECONDS = 0.3
"""Seconds between tries to reach a database that is away: all of them are back within one."""

VARIABLES = "WARDBOOK_DATABASE_URL and WARDBOOK_APP_URL"

_FAILURES = {
    r'database "(?P<name>.*)" does not exist': "There is no database {name!r} on that server",
    r'password authentication failed for user "(?P<name>.*)"|no password supplied': (
        "The server does not take the password of the login"
    ),
    r'role "(?P<name>.*)" does not exist': (
        "There is no role {name!r} on that server: the owner makes it by wardbook migrate"
    ),
    r"permission denied (for|to create)|must be owner": "The login lacks a right: it is not the owner's",
    r'permission denied to set role "(?P<name>.*)"': "The login may not act as role {name!r}",
    r"certificate verify failed|server certificate for": (
        "The server's certificate is not one that sslrootcert and the name of the host allow"
    ),
    r"does not support SSL": "The server speaks no TLS, and the URL asks for it",
    r"no pg_hba.conf entry|authentication failed": "The server does not admit the login",
    r"[Cc]onnection refused|No such file or directory": (
        "The database cannot be reached: its server refuses the connection, or does not run"
    ),
    r"resolve|translate host name|not known": "The database cannot be reached: no such host",
    r"timeout|timed out": "The database cannot be reached in time",
    r"too many (clients|connections)|remaining connection slots": (
        "The server has no connection left"
    ),
    r"starting up|shutting down": "The server is starting or stopping",
}
"""Sentences by what libpq says of a connection, which has no code of its own then."""


def connection_failure(error: BaseException) -> str:
    """Return which part of a connection lacks, in one sentence without the password."""
    message = str(getattr(error, "orig", None) or error)
    for pattern, sentence in _FAILURES.items():
        if match := re.search(pattern, message):
            return f"{sentence.format(**match.groupdict())}; look at {VARIABLES}."
    return (
        f"The database cannot be reached; look at {VARIABLES}. It says: {message.splitlines()[0]}"
    )
