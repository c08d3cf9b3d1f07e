"""The exchange: every record version, where it came from and where it went, in PostgreSQL."""

from bridge.exchange.chain import Seal
from bridge.exchange.decisions import Decision
from bridge.exchange.explain import Hop
from bridge.exchange.granting import Grant
from bridge.exchange.held import HeldProblem
from bridge.exchange.intake import Intake
from bridge.exchange.layouts import CANDIDATES, DISPOSITIONS, HOLDS, MESSAGES, OUT_OF_SCOPE, PROBLEMS, SELECTED, STAGING
from bridge.exchange.outbox import Message, Outcome
from bridge.exchange.overdue import Owed
from bridge.exchange.partners import Suspension
from bridge.exchange.retention import Term
from bridge.exchange.roles import Role
from bridge.exchange.runs import Run
from bridge.exchange.store import Exchange
from bridge.exchange.unsettled import Turn
from bridge.exchange.verifying import Flaw

__all__ = [
    "CANDIDATES",
    "DISPOSITIONS",
    "HOLDS",
    "MESSAGES",
    "OUT_OF_SCOPE",
    "PROBLEMS",
    "SELECTED",
    "STAGING",
    "Decision",
    "Exchange",
    "Flaw",
    "Grant",
    "HeldProblem",
    "Hop",
    "Intake",
    "Message",
    "Outcome",
    "Owed",
    "Role",
    "Run",
    "Seal",
    "Suspension",
    "Term",
    "Turn",
]
