"""Documents made from packs: an organisation's verdicts, and the changes between audits."""
