"""What may be logged: our own messages, which hold no values, and of all other libraries only where they spoke.

A library's message, its arguments and the words of an exception may quote the record that it worked on.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from bridge.errors import BridgeError

TRUSTED: Final = ("bridge", "airflow")
"""Loggers whose messages pass, with all below them: ours, and those of Airflow, which never see a record."""


@contextmanager
def quiet() -> Iterator[None]:
    """While the block runs no log record of this process holds a message that is not ours, nor does a warning."""
    before = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _reduced(before(*args, **kwargs))

    logging.setLogRecordFactory(make)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        logging.setLogRecordFactory(before)


def _reduced(record: logging.LogRecord) -> logging.LogRecord:
    if str(record.name).partition(".")[0] not in TRUSTED:
        record.msg, record.args = f"a message of {record.name} ({record.filename}:{record.lineno})", ()
    record.msg = _plain(record.msg)
    if isinstance(record.args, Mapping):
        record.args = {name: _plain(one) for name, one in record.args.items()}
    elif record.args:
        record.args = tuple(map(_plain, record.args))
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[:-5:-1])
        said = f": {error}" if isinstance(error, BridgeError) else ""
        record.msg, record.args = f"{record.getMessage()} ({type(error).__name__} at {places}{said})", ()
        # Not even for an error of ours: a traceback tells those that led to it, too, in their own words.
        record.exc_info = record.exc_text = None
    record.stack_info = None
    return record


def _plain(said: object) -> object:
    """What may stand in a message: of an error that is not ours only its kind."""
    return type(said).__name__ if isinstance(said, BaseException) and not isinstance(said, BridgeError) else said
