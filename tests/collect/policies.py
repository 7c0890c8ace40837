"""Session policies for tests that open clients themselves.

The derived policy of all controls is too long for AWS STS, and that of four sections is not.
"""

from kit.calls import CALLS
from kit.collect.policy import policy, session_policies
from kit.controls import CONTROLS
from kit.judge import needed_calls

WHOLE = session_policies(policy(CALLS.values()))
FEW_CALLS = needed_calls([name for name in CONTROLS if name[:2] in ("AR", "EX", "ID", "IT")])
FEW = session_policies(policy(FEW_CALLS))
