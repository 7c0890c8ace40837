"""``python -m kit`` is the ``evidence`` command."""

from kit.cli import main

main()
