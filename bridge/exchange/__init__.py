"""The exchange: every record version, where it came from and where it went, in PostgreSQL."""

from bridge.exchange.chain import Flaw, Seal
from bridge.exchange.explain import Hop
from bridge.exchange.held import HeldProblem
from bridge.exchange.intake import Intake
from bridge.exchange.layouts import CANDIDATES, DISPOSITIONS, HOLDS, OUT_OF_SCOPE, PROBLEMS, SELECTED, STAGING
from bridge.exchange.partners import Suspension
from bridge.exchange.runs import Run
from bridge.exchange.store import Exchange

__all__ = [
    "CANDIDATES",
    "DISPOSITIONS",
    "HOLDS",
    "OUT_OF_SCOPE",
    "PROBLEMS",
    "SELECTED",
    "STAGING",
    "Exchange",
    "Flaw",
    "HeldProblem",
    "Hop",
    "Intake",
    "Run",
    "Seal",
    "Suspension",
]
