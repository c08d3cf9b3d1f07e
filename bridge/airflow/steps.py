"""How a step of the flow becomes an Airflow task: its connections, its errors, its retries, its links.

Logs, XComs and error messages of a task can be read by everyone who may open Airflow. So a step hands on
counts and never records, and an error that is not one of ours loses its text here: a library's message may
quote the value it failed on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from airflow.sdk import DAG, BaseOperator, ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.exceptions import AirflowException

from bridge.airflow.links import LINKS
from bridge.errors import BridgeError, Misconfigured, Stop, TryLater, unforeseen
from bridge.logs import quiet

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bridge.connector import Window
    from bridge.ledger import Books

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

DEFAULTS: Final[dict[str, Any]] = {
    "owner": "bridge",
    "retries": 4,
    "retry_delay": timedelta(minutes=1),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(exception=Misconfigured, action=RetryAction.FAIL, reason="a file must be mended first"),
            RetryRule(exception=Stop, action=RetryAction.FAIL, reason="a law is broken; a person must look"),
            RetryRule(
                exception=TryLater,
                action=RetryAction.RETRY,
                retry_delay=timedelta(seconds=30),
                reason="the other side is not there now",
            ),
        ]
    ),
}
"""Only what may pass by itself is tried again: a partner that is away, a worker that died, a task that ran too long."""


class Step(BaseOperator):
    """A task that calls a function without arguments.

    Airflow's own decorator does no more for us, and its modules take longer to load than all of ours: in every
    parse of a DAG file and at the start of every task.
    """

    def __init__(self, *, call: Callable[[], Any], **options: Any) -> None:
        super().__init__(**options)
        self.call = call

    def execute(self, context: Context) -> Any:  # noqa: ARG002 -- Airflow's signature
        """Do it; what it gives is pushed as the task's XCom."""
        return self.call()


def step(hours: float) -> Callable[[Callable[[], Any]], Callable[..., Step]]:
    """A task that runs one step of the flow, at most so long; a step is fit to be run again at any time."""

    def made(function: Callable[[], Any]) -> Callable[..., Step]:
        def task(**options: Any) -> Step:
            return Step(
                task_id=function.__name__,
                call=guarded(function),
                doc=function.__doc__,
                execution_timeout=timedelta(hours=hours),
                on_failure_callback=note_failure,
                **options,
            )

        return task

    return made


def linked(dag: DAG) -> DAG:
    """The DAG with ways from each of its tasks to the bridge's pages."""
    for operator in dag.tasks:
        operator.operator_extra_links = LINKS
    return dag


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """The step with Airflow's connections known to the bridge, and errors that quote nothing.

    BRIDGE_CONN_<NAME> is looked for first, then the Airflow connection of that name.
    """

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        from bridge import settings
        from bridge.airflow.connections import airflow_connection

        settings.also_ask(airflow_connection)
        try:
            with quiet():
                return function(*args, **kwargs)
        except BridgeError as error:
            raise error from None  # what led to it is told in its own words, which may quote a value
        except AirflowException:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, its text may quote a value
            raise unforeseen(error, f"step {function.__name__}") from None

    return inner


def note_failure(context: Context) -> None:
    """Tell the exchange that the run of a task, now out of tries, has failed, and why.

    Airflow also calls this for a worker that vanished. What goes wrong here is logged and no more: the task has
    failed already, and Airflow says so.
    """
    try:
        error = context.get("exception")
        run = context["dag_run"]
        _fail(f"{run.dag_id}/{run.run_id}", error if isinstance(error, BridgeError) else _silent(context, error))
    except BridgeError as trouble:
        log.warning("The exchange was not told of this failure: %s", trouble)


def _silent(context: Context, error: Any) -> BridgeError:
    instance = context["task_instance"]
    kind = type(error).__name__ if isinstance(error, BaseException) else "the worker vanished"
    return Stop("TASK_FAILED", f"task {instance.task_id}", kind, "Read the task's log")


def _fail(key: str, error: BridgeError) -> None:
    from bridge import settings
    from bridge.airflow.connections import airflow_connection
    from bridge.exchange import Exchange, Role

    settings.also_ask(airflow_connection)
    role = Role.COLLECT if key.startswith("collect_") else Role.SHARE
    with Exchange.of(role) as exchange:
        try:
            run = exchange.resume(key)
        except Stop:
            return  # it failed before it had begun one
        exchange.fail(run, error)


def run_key() -> str:
    """What the exchange knows this run by; the same for every task and every try of it."""
    run = get_current_context()["dag_run"]
    return f"{run.dag_id}/{run.run_id}"


def run_window() -> Window:
    """The run's window: its data interval, and nothing else.

    Raises:
        Misconfigured: the run has none.
    """
    from bridge.connector import Window

    run = get_current_context()["dag_run"]
    since, until = run.data_interval_start, run.data_interval_end
    if since is None or until is None or since >= until:
        raise Misconfigured(
            "NO_WINDOW",
            f"{run.dag_id}/{run.run_id}",
            "the run has no data interval, so nothing says which window to collect",
            "Trigger it with a logical date or with an interval, or use a backfill",
        )
    return Window(utc(since), utc(until))


def utc(moment: Any) -> datetime:
    """The moment as a plain datetime in UTC."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def extra(books: Books) -> dict[str, Any]:
    """The books as the extra of an asset event: JSON values, counts only."""
    values: dict[str, Any] = json.loads(json.dumps(books.as_dict(), default=str))
    return values
