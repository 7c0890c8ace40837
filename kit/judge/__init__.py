"""From tables to verdicts: the evaluator, findings, waivers, roll-ups, the digest."""

from kit.judge.evaluator import calls_of, evaluate, needed_calls, select

__all__ = ["calls_of", "evaluate", "needed_calls", "select"]
