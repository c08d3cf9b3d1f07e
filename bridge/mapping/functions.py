"""Python rules: what the vocabulary cannot say, as a named, typed function of one text, with its way back and examples.

A content root keeps them in ``rules/<module>.py``; a mapping names one by ``use: module.name``. The function is called
once for each distinct text of a column, it alone decides, and its examples gate every mapping that uses it.

    from bridge.mapping.functions import function

    @function(examples={"msku 305438-3": "MSKU3054383", "305438": REFUSED}, back=str.lower)
    def container(text: str) -> str:
        "A container's number by ISO 6346, as people type it."
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.mapping.rules import WHITE, Refused, plain_number
from bridge.shape import Type

REFUSED: Final = object()
"""In examples: the function does not take this text."""
_TAKES: Final = (str, int, Decimal, date)
_GIVES: Final = {
    str: Type.TEXT,
    int: Type.INTEGER,
    Decimal: Type.DECIMAL,
    date: Type.DATE,
    bool: Type.BOOLEAN,
}
_MARK: Final = "_bridge_function"


@dataclass(frozen=True, slots=True)
class Declared:
    """What @function says of a function."""

    examples: Mapping[str, Any]
    back: Callable[[Any], Any] | None
    one_way: str


def function(
    *, examples: Mapping[str, Any], back: Callable[[Any], Any] | None = None, one_way: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of one text as a rule. It gives None for no value, and raises ValueError for a text that it
    does not take; what it raises is never shown, since it may hold the text, but the first line of its docstring is.

    Args:
        examples: what each of these texts becomes: a value of its return type, None, or REFUSED. At least one.
        back: from a value to a text that makes the same value again.
        one_way: what is lost; said if and only if there is no ``back``.
    """

    def register(made: Callable[..., Any]) -> Callable[..., Any]:
        setattr(made, _MARK, Declared(dict(examples), back, one_way))
        return made

    return register


@dataclass(frozen=True, slots=True)
class Function:
    """A function of ``rules/``, ready to run.

    Args:
        where: its file and line, as people name them.
        takes: the type it is given: a text, or what a text is read as before.
        gives: the type of its values.
        one_way: what is lost; "" if it has a way back.
    """

    name: str
    where: str
    takes: type
    gives: Type
    one_way: str
    call: Callable[[Any], Any] = field(repr=False)
    declared: Declared = field(repr=False)
    about: str = ""

    def step(self, text: str) -> str | Refused | None:
        """The canonical text of what the function makes of a text."""
        given = _read(text, self.takes)
        if given is None:
            return Refused(
                "BAD_VALUE",
                f"use:{self.name}",
                f"{self.name} ({self.where}) takes {_ARTICLE[self.takes]}, and this is none; "
                "correct it at the source, or the rule",
            )
        return self._tried(self.call, given)

    def undo(self, text: str) -> str | Refused | None:
        """A text that makes this canonical value again; None if there is no way back."""
        if self.declared.back is None:
            return None
        given = _read(text, _PYTHON[self.gives])
        return None if given is None else self._tried(self.declared.back, given)

    def _tried(self, call: Callable[[Any], Any], given: Any) -> str | Refused | None:
        try:
            return canonical(call(given))
        except ValueError:
            fix = "correct it at the source"
            return Refused(
                "BAD_VALUE", f"use:{self.name}", f"{self.name} ({self.where}) does not take it: {self.about}; {fix}"
            )
        except (Exception, SystemExit) as bad:  # noqa: BLE001 -- whatever it does, the run goes on, one record is held
            line = _line(bad, self.call.__code__.co_filename)
            return Refused(
                "FUNCTION_FAILED",
                f"use:{self.name}",
                f"{self.name} ({self.where}) broke off in line {line} with {type(bad).__name__}; mend the function",
            )

    def failures(self) -> Iterator[str]:
        """What goes otherwise than its examples and its way back say, without any text but the examples' own."""
        for text, expected in self.declared.examples.items():
            made = self.step(text)
            got = "refused" if isinstance(made, Refused) else repr(made)
            wanted = "refused" if expected is REFUSED else repr(canonical(expected))
            if got != wanted:
                yield f"the example {text!r} gives {got}, not {wanted}"
            elif isinstance(made, str) and self.declared.back is not None:
                back = self.undo(made)
                again = self.step(back) if isinstance(back, str) else None
                if again != made:
                    yield f"the way back of the example {text!r} does not make {made!r} again"


_ARTICLE: Final = {str: "a text", int: "a whole number", Decimal: "a number", date: "a day such as 2025-03-09"}
_PYTHON: Final = {kind: python for python, kind in _GIVES.items()}


def canonical(value: Any) -> str | None:
    """A Python value as canonical text.

    Raises:
        TypeError: no value that a rule can give.
    """
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return value if value.strip(WHITE) else None
        case int():
            return str(value)
        case Decimal():
            number = plain_number(f"{value:f}") if value.is_finite() else None
            if number is None:
                raise TypeError("no plain number")
            return number
        case date():
            return date(value.year, value.month, value.day).isoformat()
    raise TypeError(type(value).__name__)


def _read(text: str, kind: type) -> Any:
    """A text as the type that a function takes; None if it is none."""
    if kind is str:
        return text
    bare = text.strip(WHITE)
    if kind is bool:
        return {"true": True, "false": False}.get(bare)
    if kind is date:
        try:
            return date.fromisoformat(bare) if len(bare) == len("2025-03-09") else None
        except ValueError:
            return None
    number = plain_number(bare)
    if number is None or (kind is int and "." in number):
        return None
    return Decimal(number) if kind is Decimal else int(number)


def function_path(name: str) -> str:
    """Where a function's module stands below a content root."""
    return f"rules/{name.partition('.')[0]}.py"


def read_function(content: Content, name: str) -> Function:
    """The function ``module.name`` of the first content root that has the module.

    Raises:
        Misconfigured: there is no such file or function, the module cannot be loaded, or the function is not declared
            and typed as a rule must be.
    """
    path = content.path(function_path(name))
    module = _module(path, path.stat().st_mtime_ns)
    called = getattr(module, name.partition(".")[2], None)
    declared = getattr(called, _MARK, None)
    if not callable(called) or not isinstance(declared, Declared):
        raise Misconfigured(
            "M052", name, f"{function_path(name)} declares no such function", "Write it with @function, or correct use:"
        )
    line = called.__code__.co_firstlineno
    where = f"{function_path(name)}:{line}"
    takes, gives = _types(called, name, where)
    if bool(declared.one_way) == (declared.back is not None):
        what = "it has neither a way back nor a reason why not" if declared.back is None else "it has both"
        raise Misconfigured("M052", name, f"{what} ({where})", "Say one of back= and one_way=")
    about = (called.__doc__ or "").strip().splitlines()
    if not about or not declared.examples:
        raise Misconfigured(
            "M052", name, f"it has no docstring or no examples ({where})", "Say what it takes, and show it"
        )
    return Function(name, where, takes, gives, declared.one_way, called, declared, about[0].rstrip("."))


@lru_cache(maxsize=64)
def _module(path: Path, changed: int) -> types.ModuleType:
    name = f"bridge_rules_{path.stem}_{changed}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misconfigured("M052", f"rules/{path.name}", "it is no Python module", "Write Python into it")
    _refuse_imports(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as bad:  # noqa: BLE001 -- what a module does when it is loaded is told as its fault
        del sys.modules[name]
        place = _line(bad, str(path))
        raise Misconfigured(
            "M052",
            f"rules/{path.name}",
            f"it cannot be loaded: {type(bad).__name__} in line {place}",
            "Mend the module",
        ) from None
    return module


def _refuse_imports(path: Path) -> None:
    """A module may import the engine, Python's library and what is installed, but no other file of the content: a
    mapping's fingerprint would not change with that file."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError):
        return  # loading it tells where
    root = path.parent.parent
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." if node.level else str(node.module)]
        for name in names:
            top = name.partition(".")[0]
            beside = any((folder / top).is_dir() or (folder / f"{top}.py").is_file() for folder in (root, path.parent))
            if not top or (top != "bridge" and beside):
                line = getattr(node, "lineno", 1)
                what = f"line {line} imports {name}, and what a mapping rests on is this file alone"
                raise Misconfigured("M052", f"rules/{path.name}", what, "Move what it needs into the module")


def _line(bad: BaseException, file: str) -> int:
    """The last line of this file on the way to an error: what lies deeper is not its writer's to mend."""
    if isinstance(bad, SyntaxError) and bad.filename == file:
        return bad.lineno or 1
    lines = [frame.lineno for frame in traceback.extract_tb(bad.__traceback__) if frame.filename == file]
    return (lines[-1] if lines else None) or 1


def _types(called: Callable[..., Any], name: str, where: str) -> tuple[type, Type]:
    """The one type that it takes and the one that it gives, beside None."""
    try:
        hints = typing.get_type_hints(called)
    except Exception as bad:  # noqa: BLE001 -- an annotation in quotes is any expression
        what = f"its annotations mean nothing: {type(bad).__name__} ({where})"
        raise Misconfigured("M052", name, what, "Correct the name, or import it") from None
    gives = hints.pop("return", None)
    kinds = [one for one in (typing.get_args(gives) or (gives,)) if one is not type(None)]
    takes = list(hints.values())
    if len(takes) != 1 or called.__code__.co_argcount != 1 or takes[0] not in _TAKES:
        raise Misconfigured(
            "M052", name, f"it does not take one str, int, Decimal or date ({where})", "Annotate its one argument so"
        )
    if len(kinds) != 1 or kinds[0] not in _GIVES:
        raise Misconfigured(
            "M052", name, f"it does not give one str, int, Decimal, date or bool, or None ({where})", "Annotate it so"
        )
    return takes[0], _GIVES[kinds[0]]
