"""Pages of docs/reference, made from the code they describe.

    python -m tests.docs.render

writes them; tests/docs/test_reference.py fails when one is behind the code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from bridge import errors
from bridge.cli import main
from bridge.mapping.findings import FINDINGS
from tests.findings import test_findings

TOP = Path(__file__).parents[2]
FOLDER = TOP / "docs" / "reference"
KINDS = {kind.__name__: kind for kind in (errors.Misconfigured, errors.Held, errors.TryLater, errors.Stop)}
NEXT = {
    "Misconfigured": "a file, setting or connection must be mended; trying again changes nothing",
    "Held": "this record or input is held; the run goes on",
    "TryLater": "tried again by itself",
    "Stop": "nothing more leaves until a person has looked",
    "Problem": "the record is held; the run goes on",
    "Input": "the file is held as one, nothing of it flows, its bytes stay; the run goes on",
}

MADE: dict[str, tuple[str, int, int, int]] = {
    **{kind: (kind, 0, 2, 4) for kind in KINDS},
    "Problem": ("Problem", 2, 5, 6),
    "Refused": ("Problem", 0, 2, 3),  # how the files connector words one record's problem
    "whole": ("Input", 0, 4, 6),  # and that of a file as a whole
}
"""Functions that make one, with the kind, and where among their arguments the code and the words stand."""


def commands() -> str:
    """The commands with their own help."""
    parts = ["# Commands", "", "Made from `bridge --help`.", ""]
    parts += ["Exit codes: 0 well, 1 findings, 2 mend a file, 3 held, 4 a law is broken, 75 try again.", ""]
    for name, command in _every("bridge", main):
        settings = {**main.context_settings, **command.context_settings}
        with click.Context(command, info_name=name, max_content_width=100, **settings) as context:
            parts += [f"## {name}", "", "```", command.get_help(context), "```", ""]
    return "\n".join(parts)


def _every(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command of a group, and of the groups in it, with its whole name."""
    for one, command in sorted(group.commands.items()):
        yield f"{name} {one}", command
        if isinstance(command, click.Group):
            yield from _every(f"{name} {one}", command)


def findings() -> str:
    """What `bridge check` may find in a mapping, a section for each."""
    shown = dict(told())
    parts = ["# Findings", "", "What `bridge check` may find in a mapping before a record moves. An error keeps the"]
    parts += ["mapping from running; a warning tells that records will be held. Every message ends with what to do;"]
    parts += ["`bridge check --fix` does it where there is no choice, in the file, leaving all else as it is.", ""]
    for code, kind in sorted(FINDINGS.items()):
        parts += [f"## {code}", "", f"{kind.about} ({kind.severity.name.lower()})", ""]
        parts += ["```", (kind.__doc__ or "").strip().splitlines()[0], "```", ""]
        if code in shown:
            parts += ["For example:", "", "```", shown[code], "```", ""]
        if kind.mended:
            parts += [f"`bridge check --fix` {kind.mended}.", ""]
    return "\n".join(parts)


def told() -> Iterator[tuple[str, str]]:
    """Each finding's message about one broken mapping, as its test has it."""
    for cases in (test_findings.CASES, test_findings.RELEASE_CASES):
        for case in reversed(cases):
            yield case[0], case[-1] if case[-1].startswith("mappings/") else test_findings.FILE + case[-1]
    yield from ((case[0], case[3]) for case in reversed((*test_findings.LIST_CASES, *test_findings.VERSION_CASES)))
    yield from test_findings.REVIEW_CASES
    for file_case in reversed(test_findings.FILE_CASES):
        yield file_case[0], file_case[-1].replace("{file}", test_findings.FILE)


def codes() -> str:
    """Every error code with what it says, as it stands in the code."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted([*(TOP / "bridge").rglob("*.py"), *(TOP / "connectors").rglob("*.py")]):
        for kind, code, said in _raised(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault((code, kind), set()).add(said)
    parts = ["# Error and problem codes", "", "Every message reads: code at place: what is wrong. What to do."]
    parts += ["What stands in braces is filled in when it happens, never with a value of a personal field.", ""]
    parts += ["| code | kind | says |", "|---|---|---|"]
    for (code, kind), ways in sorted(found.items()):
        text = "<br>".join(sorted(one for one in ways if one)).replace("|", "\\|")
        parts.append(f"| {code} | {kind} | {text} |")
    parts += ["", *(f"- **{kind}**: {what}" for kind, what in NEXT.items()), ""]
    return "\n".join(parts)


def _raised(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Kind, code and words of each error or problem that is made with a code written out."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        arguments = node.args
        kind, at, first, last = MADE.get(node.func.id, ("", 0, 0, 0))
        if not kind or len(arguments) <= at:
            continue
        code = arguments[at]
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            yield kind, code.value, ". ".join(_words(word) for word in arguments[first:last])


def _words(node: ast.expr) -> str:
    """A text as written, with a name in braces for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return "{" + ast.unparse(node.value).split("(")[-1].split(")")[0].split(".")[-1].split("[")[0] + "}"
    if isinstance(node, ast.BinOp):
        return _words(node.left) + _words(node.right)
    return "{…}"


PAGES: dict[str, Callable[[], str]] = {"commands.md": commands, "findings.md": findings, "errors.md": codes}
"""What makes each page, by file name."""

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made(), encoding="utf-8")
