"""What fields mean: mapping files, read, checked against both schemas, and applied column by column.

mapping = load(content, "cen", "collect")
refuse_findings(mapping)
mapped = forward(mapping, batch)

Names are imported when they are first used: a DAG file that reads only a mapping's YAML loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.mapping.accounts import Summary, summary
    from bridge.mapping.apply import Mapped, forward
    from bridge.mapping.checks import check, refuse_findings
    from bridge.mapping.findings import Finding, Severity
    from bridge.mapping.model import Condition, Mapping, Release, Withhold
    from bridge.mapping.read import load
    from bridge.mapping.versions import Versions, load_on, load_versions
else:
    _MODULES = {
        "accounts": ("Summary", "summary"),
        "apply": ("Mapped", "forward"),
        "checks": ("check", "refuse_findings"),
        "findings": ("Finding", "Severity"),
        "model": ("Condition", "Mapping", "Release", "Withhold"),
        "read": ("load",),
        "versions": ("Versions", "load_on", "load_versions"),
    }

    def __getattr__(name):  # noqa: ANN001, ANN202 -- the type checker sees the imports above
        for module, names in _MODULES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__} has no attribute {name}")


__all__ = [
    "Condition",
    "Finding",
    "Mapped",
    "Mapping",
    "Release",
    "Severity",
    "Summary",
    "Versions",
    "Withhold",
    "check",
    "forward",
    "load",
    "load_on",
    "load_versions",
    "refuse_findings",
    "summary",
]
