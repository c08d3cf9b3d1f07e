"""Airflow's connections as the bridge reads them."""

from __future__ import annotations

import json

import pytest

from bridge.airflow.connections import airflow_connection


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ({"conn_type": "fs", "host": "/srv/drop"}, "/srv/drop"),
        (
            {
                "conn_type": "postgres",
                "login": "me",
                "password": "a/b",
                "host": "db.example",
                "port": 5432,
                "schema": "x",
            },
            "postgresql+psycopg://me:a%2Fb@db.example:5432/x",
        ),
        (
            {
                "conn_type": "http",
                "login": "me",
                "password": "a@b",
                "host": "partner.example",
                "port": 8443,
                "extra": {"path": "/v1/records", "ca": "/etc/bridge/ca.pem"},
            },
            "https://me:a%40b@partner.example:8443/v1/records?ca=%2Fetc%2Fbridge%2Fca.pem",
        ),
        (
            {"conn_type": "sftp", "login": "me", "host": "files.example", "extra": {"path": "in", "known_hosts": "/k"}},
            "sftp://me@files.example/in?known_hosts=%2Fk",
        ),
        ({"conn_type": "http", "schema": "http", "host": "partner.example"}, "http://partner.example/"),
    ],
)
def test_a_connection_is_read_as_the_bridge_writes_it(
    said: dict[str, object], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A_SYSTEM", json.dumps(said))
    assert airflow_connection("a_system") == url


def test_a_connection_that_airflow_does_not_have_is_none() -> None:
    assert airflow_connection("no_such_system") is None
