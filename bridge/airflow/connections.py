"""Airflow's connections as the bridge's: the same name, secrets kept where Airflow keeps them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException


def airflow_connection(name: str) -> str | None:
    """The URL of Airflow's connection of this name, None if it has none.

    A ``host`` without login is a folder. Type ``http`` is a service reached by TLS, ``sftp`` a folder on a server; both
    have the ``path``, and the names of files, in ``extra``. Anything else is a URL of SQLAlchemy's form, its
    driver named in ``extra`` as ``driver`` (psycopg for PostgreSQL if it names none).
    """
    try:
        found = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None
    if found.conn_type in ("fs", "file"):
        return str(found.extra_dejson.get("path") or found.host)
    if found.conn_type in ("http", "https"):
        return _address(found, found.schema or "https")
    if found.conn_type == "sftp":
        return _address(found, "sftp")
    url: str = found.get_uri()
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        scheme = f"postgresql+{found.extra_dejson.get('driver', 'psycopg')}"
    return f"{scheme}://{rest}"


def _address(found: Any, scheme: str) -> str:
    extra = {str(name): str(value) for name, value in found.extra_dejson.items()}
    path = extra.pop("path", "").lstrip("/")
    password = f":{quote(found.password, safe='')}" if found.password else ""
    login = f"{quote(found.login, safe='')}{password}@" if found.login else ""
    port = f":{found.port}" if found.port else ""
    url = f"{scheme}://{login}{found.host}{port}/{path}"
    return f"{url}?{urlencode(extra)}" if extra else url
