"""A whole installation on one machine: PostgreSQL, the exchange, Airflow; started, found again and stopped.

Everything lives in BRIDGE_HOME. Airflow's processes outlive the command that
started them; each is known by its number and the moment it began, so that a
stranger with the same number is never stopped.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import requests

from bridge import settings
from bridge.content import Content
from bridge.errors import Misconfigured, TryLater
from bridge.postgres import Server

ROLES: Final = {"engineer": "op", "auditor": "viewer"}
"""Who may sign in to Airflow, and what as."""
PROCESSES: Final = ("api-server", "scheduler", "dag-processor")
SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class Local:
    """The running installation.

    Args:
        url: of Airflow.
        passwords: by user.
    """

    url: str
    passwords: Mapping[str, str]


def up(say: Callable[[str], None], start: str = "") -> Local:
    """Start what is not running yet: PostgreSQL with the exchange's tables, then Airflow.

    ``say`` is told each step as it begins. ``start`` is the moment from which a new installation's sources
    are collected on schedule; if it is not given, each from the start that its mapping says.
    """
    home = settings.home()
    say("Starting PostgreSQL")
    server = Server(home).start()
    settings.remember("exchange", server.ensure_database("exchange"))
    metadata = server.ensure_database("airflow")
    say("Bringing the exchange's tables up to date")
    from bridge.exchange import Exchange, Role

    with Exchange(settings.exchange_url()) as exchange:
        exchange.migrate()
    for role in Role:
        settings.remember(f"exchange_{role}", server.ensure_login(f"exchange_{role}", role.there, "exchange"))
    secret = _secrets(home / "airflow", start)
    environment = _environment(home / "airflow", metadata, secret)
    if not _alive(home / "airflow"):
        say("Bringing Airflow's tables up to date")
        _once(environment, "db", "migrate")
        say("Starting Airflow")
        _launch(home / "airflow", environment)
    url = f"http://127.0.0.1:{secret['port']}"
    _wait(url, home / "airflow")
    return Local(url, secret["passwords"])


def environment() -> dict[str, str]:
    """The environment in which Airflow's own commands speak to this installation, which must be up."""
    home = settings.home()
    if not _alive(home / "airflow"):
        raise Misconfigured("NOT_UP", str(home), "no Airflow of this installation is running", "Run: bridge up")
    return _environment(home / "airflow", Server(home).url("airflow"), _secrets(home / "airflow", ""))


def down() -> list[str]:
    """Stop what is running and say what was stopped; data stay."""
    home = settings.home()
    stopped = [name for name, pid in _alive(home / "airflow").items() if _stop(pid)]
    (home / "airflow" / "processes.json").unlink(missing_ok=True)
    server = Server(home)
    if (home / "postgres").exists() and server.pid is not None:
        server.stop()
        stopped.append("PostgreSQL")
    return stopped


def _secrets(folder: Path, start: str) -> dict[str, Any]:
    """Ports, keys, passwords and start of this installation, made once; only the owner can read them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "secrets.json"
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    made: dict[str, Any] = {
        "port": _free_port(),
        "log_port": _free_port(),
        "fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt": secrets.token_urlsafe(48),
        "session": secrets.token_urlsafe(48),
        "start": start,
        "passwords": {user: secrets.token_urlsafe(9) for user in ROLES},
    }
    for name, value in (("secrets.json", made), ("passwords.json", made["passwords"])):
        private = folder / name
        private.touch(mode=0o600)
        private.write_text(json.dumps(value), encoding="utf-8")
    return made


def _environment(folder: Path, metadata: str, secret: Mapping[str, Any]) -> dict[str, str]:
    """Airflow's settings as its environment; no configuration file is written or read."""
    content = Content.find().roots[0]
    url = f"http://127.0.0.1:{secret['port']}"
    said = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(content / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "False",
        "AIRFLOW__CORE__EXECUTOR": "bridge.airflow.executor.WarmExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": secret["fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{u}:{role}" for u, role in ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": metadata,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(secret["port"]),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secret["session"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secret["jwt"],
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(secret["log_port"]),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "BRIDGE_HOME": str(settings.home()),
        "PYTHONUNBUFFERED": "1",
    }
    if secret["start"]:
        said["BRIDGE_START"] = secret["start"]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **said}


def _launch(folder: Path, environment: Mapping[str, str]) -> None:
    """Start Airflow's processes, each the leader of its own session, its output in a log file."""
    known: dict[str, list[int]] = {}
    logs = folder / "processes"
    logs.mkdir(exist_ok=True)
    for name in PROCESSES:
        with (logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", name],
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        known[name] = [process.pid, _began(process.pid) or 0]
        (folder / "processes.json").write_text(json.dumps(known), encoding="utf-8")


def _once(environment: Mapping[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *words], env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Misconfigured("AIRFLOW", f"airflow {' '.join(words)}", "".join(last), "Mend that and start again")


def _wait(url: str, folder: Path) -> None:
    """Until the API answers and scheduler and DAG processor are healthy."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if set(_alive(folder)) != set(PROCESSES):
            gone = ", ".join(sorted(set(PROCESSES) - set(_alive(folder))))
            raise Misconfigured("AIRFLOW", str(folder / "processes"), f"{gone} ended by itself", "Read its log there")
        with suppress(requests.RequestException, ValueError):
            health = requests.get(f"{url}/api/v2/monitor/health", timeout=5).json()
            if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return
        time.sleep(0.5)
    raise TryLater(
        "AIRFLOW", url, f"Airflow did not come up in {SECONDS} seconds", f"Read the logs in {folder / 'processes'}"
    )


def _alive(folder: Path) -> dict[str, int]:
    """Our processes that run, by name."""
    path = folder / "processes.json"
    if not path.exists():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))
    return {name: pid for name, (pid, began) in known.items() if began and _began(pid) == began}


def _began(pid: int) -> int | None:
    """When the process began, in ticks since the machine started; None if there is none, or only its remains."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(rest[18])


def _stop(pid: int) -> bool:
    """Ask the session to end, then make it."""
    for one in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, one)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if _began(pid) is None:
                break
            time.sleep(0.1)
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def announce(local: Local) -> None:
    """Where the pages are and who may sign in."""
    click.echo(f"Airflow: {local.url}")
    for user, password in local.passwords.items():
        click.echo(f"  {user:9} {password}")
