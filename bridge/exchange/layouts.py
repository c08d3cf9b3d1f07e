"""Arrow tables that go into the exchange and come out of it."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_ID: Final = pa.binary(16)
_HASH: Final = pa.binary(32)
_TIME: Final = pa.timestamp("us", tz="UTC")


def _schema(**fields: pa.DataType) -> pa.Schema:
    """Names that end in _opt lose the ending and may be null."""
    return pa.schema([pa.field(n.removesuffix("_opt"), kind, n.endswith("_opt")) for n, kind in fields.items()])


CANDIDATES: Final = _schema(
    input_sha256=pa.string(),
    ordinal=pa.int64(),
    position_opt=pa.int64(),
    rows=pa.int32(),
    bridge_id=_ID,
    origin_system=pa.string(),
    origin_record_id=pa.string(),
    source_version=_TIME,
    record_status_opt=pa.string(),
    seizure_date_opt=pa.string(),
    seizure_country_opt=pa.string(),
    commodity_group_opt=pa.string(),
    operation_code_opt=pa.string(),
    payload=pa.string(),
    nominal_opt=pa.string(),
    content_hash=_HASH,
    supplier_opt=pa.string(),
)
"""Sound records of a collect run. ``rows`` is how many rows of the input make the record, ``ordinal`` the number of the
first of them; ``supplier`` the country that supplied this version."""

HOLDS: Final = _schema(
    input_sha256=pa.string(),
    ordinal=pa.int64(),
    position_opt=pa.int64(),
    rows=pa.int32(),
    code=pa.string(),
    field=pa.string(),
    rule=pa.string(),
    reason=pa.string(),
    origin_record_id_opt=pa.string(),
    bridge_id_opt=_ID,
)
"""Problems of a collect run, one row each; all of one record are given together. An input as a whole: ordinal -1,
rows 0."""

OUT_OF_SCOPE: Final = _schema(
    input_sha256=pa.string(), ordinal=pa.int64(), position_opt=pa.int64(), rows=pa.int32(), rule=pa.string()
)
"""Rows of an input that the mapping's scope leaves out, and by which rule."""

STAGING: Final = _schema(
    input_sha256=pa.string(),
    ordinal=pa.int64(),
    origin_system_opt=pa.string(),
    origin_record_id_opt=pa.string(),
    record_status_opt=pa.string(),
    source_version_opt=_TIME,
    seizure_date_opt=pa.string(),
    seizure_day_opt=pa.date32(),
    seizure_country_opt=pa.string(),
    location_type_opt=pa.string(),
    direction_opt=pa.string(),
    seizure_status_opt=pa.string(),
    fraud_type_opt=pa.string(),
    operation_code_opt=pa.string(),
    commodity_group_opt=pa.string(),
    goods_lines=pa.int32(),
    goods_without_quantity=pa.int32(),
    goods_without_unit=pa.int32(),
    route_steps=pa.int32(),
    conveyances=pa.int32(),
    persons=pa.int32(),
)
"""Header columns of a window's sound records, for expectations over the whole batch."""

SELECTED: Final = _schema(
    ordinal=pa.int64(),
    bridge_id=_ID,
    version=pa.int32(),
    source_version=_TIME,
    revision=pa.int32(),
    content_hash=_HASH,
    cancelled=pa.bool_(),
    record_status_opt=pa.string(),
    origin_system=pa.string(),
    origin_record_id=pa.string(),
    payload=pa.string(),
    nominal_opt=pa.string(),
    seen_by=pa.list_(pa.string()),
    prior_holds_opt=pa.bool_(),
    prior_effect_opt=pa.string(),
    prior_version_opt=pa.int32(),
    prior_revision_opt=pa.int32(),
    prior_hash_opt=_HASH,
    unsettled=pa.bool_(),
    outbox_opt=pa.string(),
)
"""Versions that a share run must settle. ``ordinal``: place in the run's selection. ``seen_by``: the origin system and
the partners that hold the record. ``prior_*``: the last thing that moved at this partner; ``prior_holds`` is null if
nothing ever did. ``unsettled``: the partner may hold other than that, from a share that never said so. ``outbox``: null
if the version is to be decided; superseded if a newer one was taken in since it was selected; and where it is asked
for settled in this run already, or waits for a message of the record that another run is sending."""

MESSAGES: Final = _schema(
    bridge_id=_ID,
    version=pa.int32(),
    effect=pa.string(),
    code_opt=pa.string(),
    decisions=pa.int32(),
    released_hash=_HASH,
    idempotency_key=_HASH,
    body=pa.binary(),
)
"""What is to be sent for orders: ``effect`` is what it will do at the partner, ``code`` the rule by which a record
is taken back, ``decisions`` how many decisions about the record were regarded, ``body`` the bytes."""

DISPOSITIONS: Final = _schema(
    bridge_id=_ID,
    version=pa.int32(),
    disposition=pa.string(),
    effect_opt=pa.string(),
    code_opt=pa.string(),
    withdraw=pa.bool_(),
    released_hash_opt=_HASH,
    idempotency_key_opt=pa.binary(32),
    receipt_opt=pa.string(),
)
"""What became of selected versions. ``effect`` stands if and only if delivered; ``code`` is the problem code of held or
the rule of withheld; ``withdraw`` says that the order was to withdraw."""

PROBLEMS: Final = _schema(
    bridge_id=_ID, version=pa.int32(), code=pa.string(), field=pa.string(), rule=pa.string(), reason=pa.string()
)
"""Why versions are held at a partner, one row per problem."""


def conform(table: pa.Table, schema: pa.Schema, name: str) -> pa.Table:
    """The table's columns in the schema's order and types.

    Raises:
        ValueError: a column is missing, has nulls where none may be, or another type; the message names it.
    """
    missing = [field.name for field in schema if field.name not in table.column_names]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}")
    columns = []
    for field in schema:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            raise ValueError(f"{name}.{field.name} has {column.null_count} nulls")
        try:
            columns.append(column if column.type == field.type else column.cast(field.type))
        except pa.ArrowException:
            raise ValueError(f"{name}.{field.name} is {column.type}, not {field.type}") from None
    return pa.table(columns, schema=schema)
