"""Documents made from packs: where an organisation stands, and what changed between audits."""
