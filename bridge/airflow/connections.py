"""Airflow's connections as the bridge's: the same name, secrets kept where Airflow keeps them."""

from __future__ import annotations

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException


def airflow_connection(name: str) -> str | None:
    """The URL of Airflow's connection of this name, None if it has none.

    A ``host`` without login is a folder; anything else is a URL of SQLAlchemy's form, its driver named in
    the connection's ``extra`` as ``driver`` (psycopg for PostgreSQL if it names none).
    """
    try:
        found = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None
    if found.conn_type in ("fs", "file"):
        return str(found.extra_dejson.get("path") or found.host)
    url: str = found.get_uri()
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        scheme = f"postgresql+{found.extra_dejson.get('driver', 'psycopg')}"
    return f"{scheme}://{rest}"
