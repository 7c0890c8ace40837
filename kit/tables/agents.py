"""Where AI agents may work: stacks and image builders with agent access."""

from __future__ import annotations

from collections.abc import Iterator

from kit.calls import DESCRIBE_IMAGE_BUILDERS, DESCRIBE_STACKS, Scope
from kit.tables.cells import NONE, Cell, Default
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
}


@table("agent_access", Scope.REGION, tuple(AGENT_CALLS), _COLUMNS)
def agent_access(source: Source) -> Iterator[Row]:
    """Yield every stack and image builder, with agents' permissions and recordings there."""
    for call, kind in AGENT_CALLS.items():
        for answer in source.snapshot.answers(call):
            for row in listed(_COLUMNS, answer, source, kind):
                row.cells["kind"] = Cell(kind)
                yield row
