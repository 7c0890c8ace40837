"""The sandbox as a command: for another command, or until it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence

import click

from kit import sandbox
from kit.errors import UserError
from kit.notebook import PARAMETERS_FILE, project


def serve(
    account: str,
    port: int,
    page_size: int | None,
    deny: Sequence[str],
    region_off: Sequence[str],
    command: Sequence[str],
) -> int:
    """Start the sandbox; run a command with its environment, or wait until interrupted.

    Returns
    -------
    int
        The command's exit code; 0 after an interruption.

    Raises
    ------
    UserError
        There is no such sample account, or ``deny`` names no operation.
    """
    known = sandbox.sample_accounts()
    if account not in known:
        raise UserError(f"--account: {account!r} is no sample account; known: {', '.join(known)}")
    names = sorted({account, *known} - ({"big"} - {account}))
    with sandbox.start(names, port=port, page_size=page_size) as local:
        for named in deny:
            service, _, operation = named.partition(":")
            if not operation:
                raise UserError(f"--deny: {named!r}; write service:Operation, as botocore names it")
            local.faults.add(sandbox.Fault(service, operation, "deny"))
        for region in region_off:
            local.faults.add(sandbox.Fault("*", "*", "region-off", region=region))
        environment = local.environment(account)
        file = project("parameters") / f"{account}.yaml"
        if file.exists():
            environment[PARAMETERS_FILE] = str(file)
        if command:
            return subprocess.run(command, env=os.environ | environment, check=False).returncode
        for name, value in environment.items():
            click.echo(f"export {name}={value}")
        click.echo(f"sandbox: {local.url}; stop it with Ctrl-C", err=True)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()
    return 0
