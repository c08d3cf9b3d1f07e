"""docker/: what can be proven of an image that nothing here can build."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
DOCKER = TOP / "docker"
SETTING = re.compile(r"^#?(AIRFLOW__[A-Z_]+?__[A-Z_]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_every_airflow_setting_is_one_that_airflow_knows(compose: dict[str, Any], tmp_path: Path) -> None:
    example = (DOCKER / "secrets.env.example").read_text(encoding="utf-8")
    names = {*SETTING.findall(example), *(n for n in compose["x-airflow"]["environment"] if n.startswith("AIRFLOW__"))}
    assert len(names) > 15
    script = (
        "import sys; from airflow.configuration import conf; from airflow.providers_manager import ProvidersManager; "
        "ProvidersManager().initialize_providers_configuration(); "
        "parts = conf.configuration_description.items(); "
        "known = {(section.upper(), name.upper()) for section, part in parts for name in part['options']}; "
        "print(*(n for n in sys.argv[1:] if tuple(n.split('__')[1:]) not in known))"
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script, *sorted(names)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_everything_that_is_copied_or_mounted_is_there(compose: dict[str, Any]) -> None:
    named = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    copied = {TOP / name for line in named for name in line.split()}
    mounts = [
        mount for one in (compose["x-airflow"], *compose["services"].values()) for mount in one.get("volumes", [])
    ]
    mounted = {DOCKER / mount.split(":")[0] for mount in mounts if mount.startswith(".")}
    assert len(copied) > 4
    assert len(mounted) > 4
    assert [path for path in copied | mounted if not path.exists()] == []


def test_every_named_volume_secret_and_service_is_declared(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        volumes = {mount.split(":")[0] for mount in service.get("volumes", []) if not mount.startswith(".")}
        assert volumes <= set(compose["volumes"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name


def test_secrets_never_come_into_the_repository_or_the_image() -> None:
    ignored = (DOCKER / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/secrets.env", "/passwords.json", "/postgres.password"} <= set(ignored)
    sent = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert sent[0] == "*", "nothing goes to the builder but what is named"
    assert not any("docker" in line for line in sent)


def test_a_worker_has_all_that_the_engine_asks_of_its_environment(compose: dict[str, Any]) -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert all(f"{name}=" in text for name in ("AIRFLOW_HOME", "BRIDGE_HOME", "BRIDGE_STORE", "BRIDGE_CONTENT"))
    mounted = " ".join(compose["x-airflow"]["volumes"])
    assert all(f"/content/{folder}:ro" in mounted for folder in ("dags", "mappings", "schemas", "connectors"))
    assert "store:/store" in mounted, "workers share the archive and the stage"
