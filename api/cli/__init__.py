"""The command line: ``wardbook``."""

import sys

try:
    from api.cli.main import main
except KeyboardInterrupt:  # its modules take a moment to load
    from api.exit_codes import INTERRUPTION, ExitCode

    sys.stderr.write(f"{INTERRUPTION}\n")
    raise SystemExit(ExitCode.INTERRUPTED) from None

__all__ = ["main"]
