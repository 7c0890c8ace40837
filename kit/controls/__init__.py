"""Controls, a module for each section: every module here is imported, so that no list is kept."""

from importlib import import_module
from pkgutil import iter_modules

from kit.controls.registry import CONTROLS, ROLL_UPS, SECTIONS, describe, find, section_title

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["CONTROLS", "ROLL_UPS", "SECTIONS", "describe", "find", "section_title"]
