"""The sandbox as a command: it runs while another command runs, or until it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from kit import sandbox, terminal
from kit.aws_models import models
from kit.errors import UserError
from kit.notebook import PARAMETERS_FILE
from kit.parameters import refuse_region
from kit.shipped import project


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
        The command's exit code, 128 and more where a signal ended it; 0 after an interruption
        where there is no command.

    Raises
    ------
    UserError
        The sample account does not exist, or ``deny`` names no operation.
    """
    samples = sandbox.sample_accounts()
    if account not in samples:
        raise UserError(
            f"--account: {account!r} is not a sample account; write {', '.join(samples)}"
        )
    names = sorted({account, *samples} - ({"big"} - {account}))
    with sandbox.start(names, port=port, page_size=page_size) as local:
        for named in deny:
            service, _, operation = named.partition(":")
            if operation not in _operations(service):
                raise UserError(
                    f"--deny: {named!r} is not an operation; write service:Operation with botocore's "
                    "names, such as appstream:DescribeFleets"
                )
            local.faults.add(sandbox.Fault(service, operation, "deny"))
        for region in region_off:
            try:
                refuse_region(region)
            except ValueError as error:
                raise UserError(f"--region-off: {error}") from None
            local.faults.add(sandbox.Fault("*", "*", "region-off", region=region))
        environment = local.environment(account)
        file = project("parameters") / f"{account}.yaml"
        if file.exists():
            environment[PARAMETERS_FILE] = str(file)
        if command:
            whose = f"account {local.accounts[account]}, in place of AWS until {command[0]} ends"
            terminal.line(f"sandbox: {whose}", err=True)
            return _run(command, os.environ | environment)
        for name, value in environment.items():
            terminal.line(f"export {name}={value}")
        terminal.line(f"sandbox: {local.url}; stop it with Ctrl-C", err=True)
        terminal.line(
            f"not served to other clients: S3 Control; they put the account before 127.0.0.1, as in "
            f"http://{local.accounts[account]}.127.0.0.1, which has no address",
            err=True,
        )
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()
    return 0


def _operations(service: str) -> list[str]:
    """Return the operations of a service; none if botocore does not have the service."""
    session = models()
    if service not in session.get_available_services():
        return []
    return list(session.get_service_model(service).operation_names)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; pass SIGTERM on to it."""
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise UserError(f"{command[0]}: cannot be run ({error.strerror})") from None
    # Ctrl-C reaches the command from the terminal, as it reaches this process.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code  # 128 and the signal's number, as in shells
