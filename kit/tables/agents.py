"""Where AI agents may work: stacks and image builders with agent access."""

from __future__ import annotations

from collections.abc import Iterator

from kit.calls import DESCRIBE_IMAGE_BUILDERS, DESCRIBE_LOG_GROUPS, DESCRIBE_STACKS, Scope
from kit.snapshot import Snapshot
from kit.tables.cells import NONE, Cell, Default, derive
from kit.tables.core import Column, Part, Row, Source, listed, table

ADMITTING = Part("agents", "admitting")
AGENT_CALLS = {DESCRIBE_STACKS: "stack", DESCRIBE_IMAGE_BUILDERS: "image builder"}
_COLUMNS = {
    "kind": Column(),
    "agents": Column("AgentAccessConfig != `null`"),
    "agent_actions": Column("AgentAccessConfig.Settings[?Permission=='ENABLED'].AgentAction", NONE),
    "agent_screenshots": Column(
        "AgentAccessConfig.ScreenshotsUploadEnabled",
        Default(False, "screenshots_upload"),
    ),
    "agent_replays": Column(
        "AgentAccessConfig.ReplaySessionEnabled",
        Default(False, "replay_session"),
    ),
    "agent_control": Column("AgentAccessConfig.UserControlMode", NONE),
    "agent_log_days": Column(calls=(DESCRIBE_LOG_GROUPS,)),
    "agent_logs_not_found": Column(calls=(DESCRIBE_LOG_GROUPS,), quoted=True),
}


@table("agent_access", Scope.REGION, tuple(AGENT_CALLS), _COLUMNS)
def agent_access(source: Source) -> Iterator[Row]:
    """Yield every stack and image builder, with agents' permissions and recordings there."""
    for call, kind in AGENT_CALLS.items():
        for answer in source.snapshot.answers(call):
            for row in listed(_COLUMNS, answer, source, kind):
                row.cells["kind"] = Cell(kind)
                yield Row(
                    row.region,
                    row.key,
                    row.label,
                    row.cells | _logs(source.snapshot, answer.region),
                )


def _logs(snapshot: Snapshot, region: str) -> dict[str, Cell]:
    """Return for how many days declared log groups of a region keep logs, and which nobody has.

    None is a group whose logs never expire:
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
    """
    declared = ("parameters#/agent_log_groups",)
    if not snapshot.run.agent_log_groups:
        return {name: Cell([], declared) for name in ("agent_log_days", "agent_logs_not_found")}
    answers = snapshot.answers(DESCRIBE_LOG_GROUPS)
    listed = [Cell(None, answer.evidence, answer.trouble) for answer in answers]
    found = {item.get("logGroupName") for answer in answers for item, _ in answer.items()}
    here = snapshot.answer(DESCRIBE_LOG_GROUPS, region)
    days = [item.get("retentionInDays") for item, _ in here.items()]
    missing = [name for name in snapshot.run.agent_log_groups if name not in found]
    nothing = Cell([], declared)
    return {
        "agent_log_days": Cell(days, here.evidence, here.trouble),
        "agent_logs_not_found": derive(lambda *_: missing, *listed) if missing else nothing,
    }
