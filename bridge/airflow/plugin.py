"""What the bridge adds to Airflow: pages for operators and auditors, and a note on every run.

Every Airflow process loads this, so the pages themselves are loaded by the first request for one.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from bridge.airflow.links import PREFIX
from bridge.airflow.notes import RunNotes


class Pages:
    """The pages as an ASGI application, made when first asked for."""

    def __init__(self) -> None:
        self._application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._application is None:
            from bridge.airflow.pages import application

            self._application = application()
        await self._application(scope, receive, send)


class BridgePlugin(AirflowPlugin):
    """The plugin that Airflow finds by its entry point."""

    name = "bridge"
    fastapi_apps = [{"app": Pages(), "url_prefix": PREFIX, "name": "Reconciliation"}]  # noqa: RUF012 -- Airflow's way
    external_views = [  # noqa: RUF012 -- Airflow's way
        {
            "name": "Reconciliation",
            "href": f"{PREFIX.strip('/')}/",
            "destination": "nav",
            "category": "browse",
            "url_route": "reconciliation",
        },
        {
            "name": "Reconciliation",
            "href": f"{PREFIX.strip('/')}/run/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "reconciliation-run",
        },
    ]
    listeners = [RunNotes()]  # noqa: RUF012 -- Airflow's way
