"""release_text: one signed-in user proposes that a text leave which the scan kept back, and another approves."""

from __future__ import annotations

from airflow.sdk import DAG, Param, get_current_context

from bridge.airflow.steps import DEFAULTS, run_key, step

PROPOSE = "propose"
APPROVE = "approve"

_DOCS = """
The scan for personal data keeps a text back, and its record leaves without it. Where the text only has the *form* of
personal data, two people can let it go: **Trigger** this with the number of the problem (Browse → Reconciliation →
Held, code `TEXT_KEPT_BACK`) to *propose*; a second user triggers it with the number of the proposal, shown under
Browse → Reconciliation, to *approve*. The same user twice is refused.

An approval holds for one version of the record and one partner. A text that names the record's own persons, or tells a
special category of data (Reg. (EC) No 515/97, Art. 25(5)), cannot be released.
From a shell: `bridge held release PROBLEM`, `bridge held approve DECISION`, each with `--by NAME --reason WHY`.
"""


def release_dag() -> DAG:
    """The DAG that a person triggers to propose or approve the release of a text."""
    with DAG(
        dag_id="release_text",
        schedule=None,
        is_paused_upon_creation=False,
        max_active_runs=1,
        default_args={**DEFAULTS, "retries": 0},
        params={
            "action": Param(PROPOSE, enum=[PROPOSE, APPROVE], title="What to do"),
            "number": Param(0, type="integer", title="Number of the problem to propose, or of the proposal to approve"),
            "reason": Param("", type="string", title="Why", description="Kept with your user name. No personal data."),
        },
        tags=["share"],
        description="Lets a text go that the scan for personal data kept back, by two people",
        doc_md=_DOCS,
    ) as dag:

        @step(hours=0.1)
        def release() -> dict[str, int]:
            """Propose or approve in the name of the signed-in user."""
            from bridge import settings
            from bridge.errors import Misconfigured
            from bridge.exchange import Exchange

            context = get_current_context()
            params = context["params"]
            by, reason = context["dag_run"].triggering_user_name or "", params["reason"].strip()
            if not by or not reason:
                raise Misconfigured("NO_REASON", run_key(), "no user or no reason is given", "Trigger it with a reason")
            with Exchange(settings.exchange_url()) as exchange:
                if params["action"] == PROPOSE:
                    return {"proposal": exchange.propose_release(params["number"], by, reason)}
                return {"approved": exchange.approve_release(params["number"], by, reason).id}

        release()
    return dag
