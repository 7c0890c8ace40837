"""The session policies of a run of all controls, for tests that open clients themselves."""

from kit.calls import CALLS
from kit.collect.policy import policy, session_policies

WHOLE = session_policies(policy(CALLS.values()))
