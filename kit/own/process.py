"""A process that serves a single request: a file of JSON in, a file of JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit.errors import UserError
from kit.kernels import offline


def answer(serve: Callable[[Any], Any]) -> None:
    """Write the result of a request, whose file the command line names; an error is a line."""
    offline.refuse_network()
    request = json.loads(Path(sys.argv[1]).read_text())
    try:
        Path(request["result"]).write_text(json.dumps(serve(request)))
    except UserError as error:
        sys.exit(f"{error}")
    except Exception as error:  # of whatever a rule does
        sys.exit(f"own_controls: {type(error).__name__}: {error}")
