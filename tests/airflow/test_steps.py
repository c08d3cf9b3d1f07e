"""A task's errors: what is told of them, and what never is."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from sqlalchemy.exc import OperationalError

from bridge.airflow import steps
from bridge.errors import BridgeError, Misconfigured, Stop, TryLater

NAME = "Josefina Exemplo"


def failing(error: Exception) -> Callable[[], None]:
    """A step that ends with the error."""

    @steps.guarded
    def step() -> None:
        raise error

    return step


@pytest.mark.parametrize("error", [ValueError(NAME), KeyError(NAME), RuntimeError(f"row ({NAME})")])
def test_an_error_that_nobody_foresaw_loses_its_words(error: Exception) -> None:
    with pytest.raises(Stop) as raised:
        failing(error)()
    told = str(raised.value)
    assert NAME not in told
    assert type(error).__name__ in told
    assert "test_steps.py:" in told
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_what_led_to_an_error_of_ours_is_not_told_with_it() -> None:
    """Airflow writes an error's traceback into the task's log, and with it those of its causes."""

    def fail() -> None:
        raise ValueError(NAME)

    @steps.guarded
    def step() -> None:
        try:
            fail()
        except ValueError as error:
            raise TryLater("A", "b", "c", "d") from error

    with pytest.raises(TryLater) as raised:
        step()
    assert NAME not in "".join(traceback.format_exception(raised.value))
    assert "test_steps.py" in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("error", [OSError(NAME), MemoryError(NAME), OperationalError(NAME, {}, OSError(NAME))])
def test_what_may_pass_by_itself_is_tried_again(error: Exception) -> None:
    with pytest.raises(TryLater) as raised:
        failing(error)()
    assert NAME not in str(raised.value)


@pytest.mark.parametrize(
    "error", [Misconfigured("A", "b", "c", "d"), Stop("A", "b", "c", "d"), AirflowSkipException("e")]
)
def test_our_own_errors_and_airflows_pass_as_they_are(error: BridgeError | AirflowSkipException) -> None:
    with pytest.raises(type(error)) as raised:
        failing(error)()
    assert raised.value is error
