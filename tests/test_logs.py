"""No log line of a command or a task holds a value of a record, whoever wrote it."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa

from bridge.errors import Stop
from bridge.logs import quiet

NAME = "Josefina Exemplo"


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """All that is logged, at every level."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield told
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def fail(error: Exception) -> None:
    """An error as a library raises it."""
    raise error


def message() -> None:
    """Put together before it is logged."""
    logging.getLogger("library.part").error(" ".join(["cannot read", NAME]))


def argument() -> None:
    """Put together by the logger."""
    logging.getLogger("library").warning("cannot read %s", NAME)


def trace() -> None:
    """An exception with its words."""
    try:
        fail(ValueError(NAME))
    except ValueError:
        logging.getLogger("library").exception("failed")


def our_trace() -> None:
    """The same from us."""
    try:
        fail(KeyError(NAME))
    except KeyError:
        logging.getLogger("bridge.flow").exception("100 % failed")


def chained() -> None:
    """An error of ours that a library's led to."""
    try:
        try:
            fail(ValueError(NAME))
        except ValueError as error:
            raise Stop("TEST", "here", "it failed", "Look") from error
    except Stop:
        logging.getLogger("bridge.flow").exception("stopped")


def as_argument() -> None:
    """A library's error as what a trusted logger is given to say."""
    logging.getLogger("airflow.task").error("failed: %s %r", ValueError(NAME), KeyError(NAME))
    logging.getLogger("airflow.task").error("failed: %(error)s", {"error": ValueError(NAME)})


def as_message() -> None:
    """The same as the message itself."""
    logging.getLogger("airflow.task").error(ValueError(NAME))


@pytest.mark.parametrize("speak", [message, argument, trace, our_trace, chained])
def test_what_others_say_is_told_by_its_place_alone(heard: io.StringIO, speak: Callable[[], None]) -> None:
    with quiet():
        speak()
    assert "test_logs.py:" in heard.getvalue()
    assert NAME not in heard.getvalue()
    speak()
    assert NAME in heard.getvalue(), "outside of it nothing is changed"


@pytest.mark.parametrize("speak", [as_argument, as_message])
def test_an_error_given_to_a_trusted_logger_is_told_by_its_kind(heard: io.StringIO, speak: Callable[[], None]) -> None:
    with quiet():
        speak()
    assert "ValueError" in heard.getvalue()
    assert NAME not in heard.getvalue()
    speak()
    assert NAME in heard.getvalue(), "outside of it nothing is changed"


def test_warnings_are_logged_without_their_words(heard: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)  # pytest has put its own catcher in place of the module's
        warnings.warn(f"odd: {NAME}", stacklevel=1)
    assert "a message of py.warnings" in heard.getvalue()
    assert NAME not in heard.getvalue() + "".join(capfd.readouterr())


def test_our_own_messages_and_errors_pass(heard: io.StringIO) -> None:
    with quiet():
        logging.getLogger("bridge.flow").info("%d records of %s", 3, "cen")
        try:
            fail(Stop("BOOKS_UNBALANCED", "run 7", "3 is not 4", "Look"))
        except Stop:
            logging.getLogger("bridge.flow").exception("stopped")
    assert "bridge.flow INFO 3 records of cen" in heard.getvalue()
    assert "BOOKS_UNBALANCED at run 7: 3 is not 4. Look" in heard.getvalue()


def test_a_database_that_is_told_to_log_everything_tells_nothing(heard: io.StringIO, postgres_url: str) -> None:
    """SQLAlchemy's engine at DEBUG logs every statement, its parameters and the rows that come back."""
    with quiet():
        engine = sa.create_engine(postgres_url, echo="debug")
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT :name"), {"name": NAME}).scalar() == NAME
            with pytest.raises(sa.exc.DBAPIError):
                connection.execute(sa.text("SELECT CAST(:name AS int)"), {"name": NAME})
        engine.dispose()
        with psycopg.connect(postgres_url.replace("+psycopg", "")) as session:
            session.add_notice_handler(lambda notice: logging.getLogger("psycopg").warning(notice.message_primary))
            session.execute(f"DO $$ BEGIN RAISE NOTICE '{NAME}'; END $$".encode())
    assert "a message of sqlalchemy.engine" in heard.getvalue()
    assert "a message of psycopg" in heard.getvalue()
    assert NAME not in heard.getvalue()
