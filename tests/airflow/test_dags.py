"""The DAG files: they load, say what they do, and a broken mapping costs only its own DAG."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.content import Content

TOP = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
import airflow.sdk
before = set(sys.modules)
bag = BundleDagBag(dag_folder=sys.argv[1], bundle_path=Path(sys.argv[1]).parent, bundle_name="here")
dags = {
    dag.dag_id: {
        "tasks": [task.task_id for task in dag.topological_sort()],
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "timetable": type(dag.timetable).__name__,
        "start": str(dag.start_date),
        "docs": dag.doc_md,
        "timeouts": all(task.execution_timeout for task in dag.tasks),
        "policies": all(task.retry_policy for task in dag.tasks),
    }
    for dag in bag.dags.values()
}
times = {stat.file: stat.duration.total_seconds() for stat in bag.dagbag_stats}
loaded = sorted(set(sys.modules) - before)
print("\\n" + json.dumps({"dags": dags, "errors": bag.import_errors, "times": times, "loaded": loaded}))
"""


def parsed(root: Path, home: Path) -> dict[str, Any]:
    """What Airflow makes of the DAG files of a bundle, in a process of its own, without a database."""
    import json

    environment = {
        **{name: value for name, value in os.environ.items() if name != "BRIDGE_CONTENT"},
        "AIRFLOW_HOME": str(home),
        "BRIDGE_START": "2026-11-22T22:40:12+00:00",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "False",
    }
    command = [sys.executable, "-c", SCRIPT, str(root / "dags")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The DAGs of this checkout."""
    found = parsed(TOP, tmp_path_factory.mktemp("airflow"))
    yield found
    sys.stdout.write(f"\nparse times, seconds: {found['times']}\n")


def test_every_source_and_partner_has_a_dag_and_every_dag_file_loads(ours: dict[str, Any]) -> None:
    content = Content.find()
    wanted = {f"collect_{name}" for name in content.sources()} | {f"share_{name}" for name in content.partners()}
    assert ours["errors"] == {}
    assert set(ours["dags"]) == wanted | {"upkeep", "switch_partner", "release_text"}


def test_to_parse_loads_nothing_that_takes_long(ours: dict[str, Any]) -> None:
    """Airflow parses each file in a new process that has Airflow's core, and nothing of ours, already."""
    assert "bridge.airflow.facts" in ours["loaded"]
    ours_late = r"bridge\.(exchange|flow)"
    heavy = re.compile(rf"(airflow\.providers\.standard|{ours_late}|great_expectations|lxml|polars|pyarrow)\b")
    assert [name for name in ours["loaded"] if heavy.match(name)] == []


def test_a_collect_dag_has_windows_catches_up_and_does_its_steps_in_order(ours: dict[str, Any]) -> None:
    for name in Content.find().sources():
        dag = ours["dags"][f"collect_{name}"]
        assert dag["tasks"] == ["extract", "map_and_validate", "quality", "accept"]
        assert dag["timetable"] == "CronDataIntervalTimetable", "any other gives windows without length"
        assert dag["catchup"] is True, "windows missed in an outage would be lost"
        assert dag["max_active_runs"] <= 2


@pytest.mark.parametrize(
    ("source", "begins"), [("cis", "2026-11-22 22:00:00+00:00"), ("cen", "2026-11-22 00:00:00+00:00")]
)
def test_the_first_window_of_a_source_is_the_one_that_an_installation_begins_in(
    ours: dict[str, Any], source: str, begins: str
) -> None:
    assert ours["dags"][f"collect_{source}"]["start"] == begins


def test_a_share_dag_is_woken_by_assets_and_by_time_one_run_after_another(ours: dict[str, Any]) -> None:
    for name in Content.find().partners():
        dag = ours["dags"][f"share_{name}"]
        assert dag["tasks"] == ["select", "deliver", "reconcile"]
        assert dag["timetable"] == "AssetOrTimeSchedule"
        assert dag["max_active_runs"] == 1


def test_every_task_has_a_time_limit_and_is_retried_by_what_went_wrong(ours: dict[str, Any]) -> None:
    assert all(dag["timeouts"] and dag["policies"] for dag in ours["dags"].values())


def test_a_dag_page_tells_the_legal_grounds_and_what_is_withheld(ours: dict[str, Any]) -> None:
    docs = ours["dags"]["share_cis"]["docs"]
    assert "Art. 24" in docs
    assert "ORIGIN_CIS" in docs
    assert "suggested_action" in docs


def test_a_dag_page_tells_what_is_left_out_and_why(ours: dict[str, Any]) -> None:
    assert "Left out on the source side" in ours["dags"]["collect_lemis"]["docs"]


def test_a_broken_mapping_costs_its_own_dag_and_the_error_names_file_and_line(tmp_path: Path) -> None:
    root = tmp_path / "content"
    for folder in ("dags", "mappings", "schemas"):
        shutil.copytree(TOP / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    broken = root / "mappings" / "lemis" / "collect.yaml"
    lines = broken.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("map:"))
    broken.write_text("\n".join([*lines[:at], "version: 2", *lines[at:]]), encoding="utf-8")
    found = parsed(root, tmp_path)
    assert set(found["errors"]) == {"dags/collect_lemis.py"}
    (message,) = found["errors"].values()
    assert message.startswith(f"M101 at {broken}:{at + 1}: ")
    assert "\n" not in message.strip(), "only the finding, no lines of our own code"
    assert len(found["dags"]) == len(list((TOP / "dags").glob("*.py"))) - 1


def test_content_of_a_bundle_stands_before_any_other(tmp_path: Path) -> None:
    """A run of an old commit must use the mappings of that commit, which lie in its bundle."""
    bundle = tmp_path / "bundle"
    for folder in ("dags", "mappings"):
        shutil.copytree(TOP / folder, bundle / folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = bundle / "mappings" / "cen" / "collect.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("version: 1", "version: 77", 1), encoding="utf-8")
    found = parsed(bundle, tmp_path)
    assert "version 77" in found["dags"]["collect_cen"]["docs"].lower()
