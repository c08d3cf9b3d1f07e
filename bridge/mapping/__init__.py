"""What fields mean: mapping files, read, checked against both schemas, and applied column by column.

mapping = load(content, "cen", "collect")
refuse_findings(mapping)
mapped = forward(mapping, batch)
"""

from bridge.mapping.accounts import Summary, summary
from bridge.mapping.apply import Mapped, forward
from bridge.mapping.check import check, refuse_findings
from bridge.mapping.findings import Finding, Severity
from bridge.mapping.model import Condition, Mapping, Release, Withhold
from bridge.mapping.read import load

__all__ = [
    "Condition",
    "Finding",
    "Mapped",
    "Mapping",
    "Release",
    "Severity",
    "Summary",
    "Withhold",
    "check",
    "forward",
    "load",
    "refuse_findings",
    "summary",
]
