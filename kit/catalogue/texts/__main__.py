"""Print the reference for a translator: ``python -m kit.catalogue.texts > de.yaml``."""

from __future__ import annotations

import sys

import yaml

from kit.catalogue.texts import tree

if __name__ == "__main__":
    yaml.safe_dump(tree(), sys.stdout, allow_unicode=True, sort_keys=False, width=100)
