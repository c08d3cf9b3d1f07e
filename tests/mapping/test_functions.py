# ruff: noqa: E501 -- each case stands on one line
"""Python rules: named, typed, called once for each text, gated by their examples, silent about what they refuse."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from bridge.errors import Misconfigured
from bridge.mapping import check, forward, refuse_findings
from bridge.mapping.back import reverse_of
from bridge.mapping.samples import batch_of
from tests.mapping.world import PERSONAL, TEXT, World, problems, values

DECIMAL = {"type": "string", "x-type": "decimal"}
CONTAINER = '''
from decimal import Decimal
from datetime import date
from bridge.mapping.functions import REFUSED, function

CALLS = []
LETTERS = "0123456789A?BCDEFGHIJK?LMNOPQRSTU?VWXYZ"


def digit(name: str) -> int:
    return sum(LETTERS.index(letter) * 2**at for at, letter in enumerate(name[:10])) % 11 % 10


@function(examples={"csqu 305438-3": "CSQU3054383", "CSQU3054384": REFUSED, "n/a": None}, back=str.lower)
def container(text: str) -> str | None:
    """A container's number by ISO 6346, as people type it, with its check digit."""
    CALLS.append(text)
    bare = "".join(letter for letter in text.upper() if letter.isalnum())
    if bare == "NA":
        return None
    if len(bare) != 11 or digit(bare) != int(bare[10]):
        raise ValueError(f"not a container: {text}")
    return bare


@function(examples={"12.5": Decimal("25")}, back=lambda whole: str(whole / 2))
def twice(number: Decimal) -> Decimal:
    """A number, doubled."""
    return number * 2


@function(examples={"2025-03-09": date(2025, 3, 10)}, one_way="the day after tells the day")
def day_after(day: date) -> date:
    """A day, and the one after it."""
    return date.fromordinal(day.toordinal() + 1)


@function(examples={"x": "x"}, one_way="it breaks")
def broken(text: str) -> str:
    """A text that is short."""
    return {}[text] if len(text) > 1 else text
'''


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(
        tmp_path,
        {"number": TEXT, "name": {**TEXT, **PERSONAL}, "amount": DECIMAL, "day": {"type": "string", "x-type": "date"}},
        {
            "container": TEXT,
            "who": {**TEXT, **PERSONAL},
            "amount": DECIMAL,
            "day": {"type": "string", "x-type": "date"},
        },
    )
    (made.root / "rules").mkdir()
    write(made, CONTAINER)
    return made


def write(world: World, code: str) -> None:
    (world.root / "rules" / "goods.py").write_text(dedent(code))


def told(world: World, rule: str, field: str = "container") -> list[str]:
    """Findings that speak of the function in a mapping with this rule."""
    world.write(f"{field}: {rule}", "ignore: {'*': {why: x}}")
    return [str(one) for one in check(world.load()) if one.code in ("M010", "M052", "M014")]


def test_a_function_makes_values_and_refuses_texts_without_saying_them(world: World) -> None:
    records = [{"number": text} for text in ("csqu 305438-3", "CSQU3054384", "N/A", None)]
    mapped = world.run("container: {from: number, use: goods.container}", records)
    assert values(mapped, "container") == ["CSQU3054383", None, None]
    assert problems(mapped) == [(1, "BAD_VALUE", "container")]
    (problem,) = mapped.problems
    assert problem.rule == "use:goods.container"
    assert "goods.container (rules/goods.py:14) does not take it: A container's number by ISO 6346" in problem.reason
    assert "CSQU3054384" not in problem.reason


def test_an_error_in_a_function_holds_the_record_and_names_the_line_and_no_value(world: World) -> None:
    mapped = world.run("who: {from: name, use: goods.broken}", [{"name": "Canary"}, {"name": "x"}])
    assert values(mapped, "who") == ["x"]
    (problem,) = mapped.problems
    assert (problem.code, problem.row, problem.field) == ("FUNCTION_FAILED", 0, "who")
    assert "broke off in line 41 with KeyError" in problem.reason
    assert "Canary" not in str(problem)


@pytest.mark.parametrize(
    ("body", "error"), [("sys.exit(text)", "SystemExit"), ("fractions.Fraction(1, 0)", "ZeroDivisionError")]
)
def test_whatever_a_function_does_one_record_is_held_and_the_line_is_its_own(
    world: World, body: str, error: str
) -> None:
    head = "import fractions\nimport sys\nfrom bridge.mapping.functions import function\n"
    write(world, f'''{head}
@function(examples={{"x": "x"}}, one_way="it breaks")
def f(text: str) -> str:
    """A text."""
    return str({body}) if len(text) > 1 else text
''')  # fmt: skip
    mapped = world.run("who: {from: name, use: goods.f}", [{"name": "Canary"}, {"name": "x"}])
    assert values(mapped, "who") == ["x"]
    (problem,) = mapped.problems
    assert f"broke off in line 8 with {error}" in problem.reason


def test_a_function_is_called_once_for_each_distinct_text(world: World) -> None:
    world.write("container: {from: number, use: goods.container}")
    mapping = world.load()
    batch = batch_of([{"number": "csqu 305438-3"}] * 500 + [{"number": None}] * 50, mapping.source_shape, "x")
    from bridge.mapping.functions import read_function

    calls = read_function(world.content, "goods.container").call.__globals__["CALLS"]
    calls.clear()
    assert len(forward(mapping, batch).batch) == 550
    assert calls == ["csqu 305438-3"]


def test_typed_functions_take_and_give_canonical_values(world: World) -> None:
    rules = "amount: {from: amount, use: goods.twice}\nday: {from: day, use: goods.day_after}"
    mapped = world.run(rules, [{"amount": "12.50", "day": "2024-02-28"}, {"amount": "x"}, {"day": "2024"}])
    assert values(mapped, "amount") == ["25"]
    assert values(mapped, "day") == ["2024-02-29"]
    assert [problem.code for problem in mapped.problems] == ["BAD_VALUE", "BAD_VALUE"]


def test_a_declared_way_back_is_part_of_the_derived_reverse(world: World) -> None:
    mapped = world.run(
        "container: {from: number, use: goods.container}\namount: {from: amount, use: goods.twice}",
        [{"number": "CSQU 3054383", "amount": "1.5"}],
    )
    reverse = reverse_of(world.load())
    assert list(reverse.losses()) == []
    returned = reverse.back(mapped.batch)
    assert returned.batch.root.column("number").to_pylist() == ["csqu3054383"]
    assert forward(reverse.mapping, returned.batch).batch.root.to_pylist()[0]["amount"] == "3"


def test_without_a_way_back_the_rule_says_what_is_lost(world: World) -> None:
    world.write("day: {from: day, use: goods.day_after}", "ignore: {number: {why: x}, name: {why: x}, amount: {why: x}}\n"
                "absent: {container: {why: x}, who: {why: x}, amount: {why: x}}")  # fmt: skip
    said = [str(one) for one in check(world.load())]
    assert said == ["mappings/here/collect.yaml:8: M050 day: cannot be turned back: the day after tells the day. "
                    "Say one_way: and what is lost, or change the rule."]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "field", "says"),
    [
        ("{from: number, use: goods.nothing}", "container", "rules/goods.py declares no such function"),
        ("{from: number, use: other.container}", "container", "no such file below"),
        ("{from: number, use: goods.digit}", "container", "rules/goods.py declares no such function"),
        ("{from: number, use: goods.container}", "amount", "number gives text, amount wants a number"),
        ("{from: number, use: goods.container, date: iso}", "container", "date and use cannot both be"),
        ("{from: day, use: goods.twice}", "amount", "takes Decimal, and day is date"),
    ],
)
def test_what_cannot_be_used_is_a_finding(world: World, rule: str, field: str, says: str) -> None:
    assert any(says in one for one in told(world, rule, field)), told(world, rule, field)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ('@function(examples={"a": "b"}, back=str)\ndef f(text: str) -> str:\n    """A."""\n    return text', "gives 'a', not 'b'"),
        ('@function(examples={"a": "A"}, back=lambda v: "z")\ndef f(text: str) -> str:\n    """A."""\n    return text.upper()', "does not make 'A' again"),
        ('@function(examples={"a": "a"})\ndef f(text: str) -> str:\n    """A."""\n    return text', "neither a way back nor a reason"),
        ('@function(examples={"a": "a"}, back=str, one_way="x")\ndef f(text: str) -> str:\n    """A."""\n    return text', "it has both"),
        ('@function(examples={}, back=str)\ndef f(text: str) -> str:\n    """A."""\n    return text', "no docstring or no examples"),
        ('@function(examples={"a": 1.5}, one_way="x")\ndef f(text: str) -> float:\n    """A."""\n    return 1.5', "does not give one str"),
        ('@function(examples={"a": "a"}, one_way="x")\ndef f(text: str, more: str) -> str:\n    """A."""\n    return text', "does not take one str"),
        ('@function(examples={"a": "a"}, back=str)\ndef f(text: "strr") -> str:\n    """A."""\n    return text', "its annotations mean nothing: NameError (rules/goods.py:2)"),
        ("def f(text: str) -> str:\n    return text text", "it cannot be loaded: SyntaxError in line 3. Mend"),
        ("import json\njson.loads('{')", "it cannot be loaded: JSONDecodeError in line 3. Mend"),
        ("raise SystemExit", "it cannot be loaded: SystemExit in line 2. Mend"),
        ("def f(text: str) -> str:\n    return 1 / 0\nf('x')", "it cannot be loaded: ZeroDivisionError in line"),
    ],
)  # fmt: skip
def test_a_function_that_is_not_as_it_must_be_keeps_the_mapping_from_running(
    world: World, code: str, says: str
) -> None:
    write(world, f"from bridge.mapping.functions import function\n{code}\n")
    found = told(world, "{from: number, use: goods.f}")
    assert len(found) == 1
    assert says in found[0]
    with pytest.raises(Misconfigured):
        refuse_findings(world.load())


def test_a_changed_function_is_another_mapping(world: World) -> None:
    world.write("container: {from: number, use: goods.container}")
    before = world.load().fingerprint
    write(world, CONTAINER + "\n# changed\n")
    assert world.load().fingerprint != before


@pytest.mark.parametrize(
    "line", ["import helping", "from helping import x", "from . import helping", "import rules.helping"]
)
def test_a_module_that_rests_on_another_file_of_the_content_is_refused(world: World, line: str) -> None:
    """A change of that file would change what the mapping makes, and not its fingerprint."""
    (world.root / "rules" / "helping.py").write_text("x = 1\n")
    write(world, f"{line}\n{dedent(CONTAINER)}")
    (finding,) = told(world, "{from: number, use: goods.container}")
    assert "line 1 imports" in finding
    assert "Move what it needs into the module" in finding
