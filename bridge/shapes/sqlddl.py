"""A shape from SQL DDL: the root table is the record, tables that refer to it are its lists."""

from __future__ import annotations

import re
from pathlib import Path

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError

from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, Type, shape_of
from bridge.shapes.notes import FULL_DATE, Notes

_WANTED = re.compile(r"(create (unlogged |temporary )?table|comment on)\b", re.IGNORECASE)
_ANNOTATION = re.compile(r"\s*\[([^\[\]]*)\]\s*$")
_SAID = re.compile(r'([a-z]+)=(?:"([^"]*)"|(\S+))')
_TEXTS = {exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.NVARCHAR, exp.DataType.Type.NCHAR}
_INTEGERS = {exp.DataType.Type.INT, exp.DataType.Type.BIGINT, exp.DataType.Type.SMALLINT, exp.DataType.Type.TINYINT}
_SERIALS = {exp.DataType.Type.SERIAL, exp.DataType.Type.BIGSERIAL, exp.DataType.Type.SMALLSERIAL}
_DECIMALS = {exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}
_MOMENTS = {exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.DATETIME}


def sql_shape(path: Path, name: str, record: str | None) -> Shape:
    """The columns of table ``record``, and as lists those of the tables whose foreign key refers to it.

    A list is called by its table's name, with the schema's name before it if that differs from the root's. The
    columns that hold the root's key, serials and generated columns are not fields: the connector or the database fills
    them. ``CHECK (x IN ('A'))`` gives codes, ``CHECK (x ~ '^A')`` a pattern.
    ``COMMENT ON COLUMN`` may end in ``[class=event sensitivity=NON_NOMINAL codes=country cite="..."]``.

    Raises:
        Misconfigured: the DDL cannot be parsed, or has no such table.
    """
    tables: dict[str, exp.Schema] = {}
    comments: dict[str, str] = {}
    for statement in _statements(path.read_text(encoding="utf-8"), name):
        if isinstance(statement, exp.Create) and isinstance(statement.this, exp.Schema):
            tables[_name(statement.this.this)] = statement.this
        elif isinstance(statement, exp.Comment) and isinstance(statement.expression, exp.Literal):
            comments[_name(statement.this)] = statement.expression.name
    if record is None or record.lower() not in tables:
        raise Misconfigured("BAD_SCHEMA", name, f"no table {record}", f"Set record: to one of {', '.join(tables)}")
    root = record.lower()
    fields = _columns(tables[root], "", root, name, comments, set())
    lists: dict[str, bool] = {}
    keys = _keys(tables, root)
    for table, schema in tables.items():
        if table in keys and table != root:
            called = table.removeprefix(f"{root.rpartition('.')[0]}.") if "." in root else table
            lists[called] = False
            fields += _columns(schema, called, table, name, comments, keys[table])
    return shape_of(name, fields, lists)


def _statements(text: str, name: str) -> list[exp.Expr | None]:
    """The CREATE TABLE and COMMENT statements; others (functions, grants) say nothing about fields and are left out."""
    postgres = Dialect.get_or_raise("postgres")
    kept: list[Token] = []
    statement: list[Token] = []
    try:
        for token in (*postgres.tokenize(text), Token(TokenType.SEMICOLON, ";")):
            statement.append(token)
            if token.token_type is TokenType.SEMICOLON:
                if _WANTED.match(" ".join(part.text for part in statement[:3])):
                    kept += statement
                statement = []
        return list(postgres.parser().parse(kept, text))
    except (ParseError, TokenError) as bad:
        raise Misconfigured(
            "BAD_SCHEMA", name, f"the DDL cannot be parsed: {str(bad).splitlines()[0]}", "Correct it"
        ) from None


def _name(node: exp.Expression) -> str:
    return ".".join(part.name for part in node.parts).lower() if isinstance(node, exp.Table | exp.Column) else node.name


def _keys(tables: dict[str, exp.Schema], root: str) -> dict[str, set[str]]:
    """The root, the tables that refer to it or to one that does, and in each the columns that hold the root's key."""
    keys: dict[str, set[str]] = {root: set(_primary(tables[root]))}
    grown = True
    while grown:
        grown = False
        for table, schema in tables.items():
            if table in keys:
                continue
            for local, other, remote in _references(schema):
                if other in keys:
                    named = remote or _primary(tables[other])
                    keys[table] = {here for here, there in zip(local, named, strict=False) if there in keys[other]}
                    grown = True
    return keys


def _references(schema: exp.Schema) -> list[tuple[list[str], str, list[str]]]:
    """Foreign keys: own columns, the table referred to, its columns if they are named."""
    found: list[tuple[list[str], str, list[str]]] = []
    for reference in schema.find_all(exp.Reference):
        named = reference.this.expressions if isinstance(reference.this, exp.Schema) else []
        other = reference.this.this if isinstance(reference.this, exp.Schema) else reference.this
        key = reference.parent
        column = reference.find_ancestor(exp.ColumnDef)
        local = key.expressions if isinstance(key, exp.ForeignKey) else [column] if column is not None else []
        found.append(([one.name.lower() for one in local], _name(other), [one.name.lower() for one in named]))
    return found


def _primary(schema: exp.Schema) -> list[str]:
    """Columns of the primary key, in its order."""
    for key in schema.find_all(exp.PrimaryKey):
        return [part.name.lower() for part in key.find_all(exp.Identifier)]
    return [
        column.name.lower()
        for column in schema.expressions
        if isinstance(column, exp.ColumnDef)
        and any(isinstance(rule.kind, exp.PrimaryKeyColumnConstraint) for rule in column.constraints)
    ]


def _columns(
    schema: exp.Schema, called: str, table: str, file: str, comments: dict[str, str], keys: set[str]
) -> list[Field]:
    allowed, patterns = _checks(schema)
    found: list[Field] = []
    primary = _primary(schema)
    for column in schema.expressions:
        if not isinstance(column, exp.ColumnDef) or column.name.lower() in keys:
            continue
        rules = [constraint.kind for constraint in column.constraints]
        kind = column.kind
        generated = (exp.GeneratedAsIdentityColumnConstraint, exp.ComputedColumnConstraint)
        if kind is None or kind.this in _SERIALS or any(isinstance(rule, generated) for rule in rules):
            continue
        name = column.name.lower()
        text, notes = _comment(comments.get(f"{table}.{name}", ""), f"{file}: {table}.{name}")
        must = name in primary or any(
            isinstance(r, exp.NotNullColumnConstraint | exp.PrimaryKeyColumnConstraint) for r in rules
        )
        has_default = any(isinstance(rule, exp.DefaultColumnConstraint) for rule in rules)
        codes = allowed.get(name, ())
        type_ = notes.type or _type(kind, bool(codes))
        sizes = [int(size.name) for size in kind.find_all(exp.Literal) if size.name.isdigit()]
        found.append(
            Field(
                list=called,
                name=name,
                type=type_,
                required=must and not has_default,
                cls=notes.cls,
                sensitivity=notes.sensitivity,
                max_length=sizes[0] if sizes and kind.this in _TEXTS else None,
                scale=(sizes[1] if len(sizes) > 1 else 0) if sizes and kind.this in _DECIMALS else None,
                pattern=FULL_DATE if type_ is Type.DATE else patterns.get(name, ""),
                codes=codes,
                code_list=notes.code_list,
                description=text,
                cite=notes.cite,
            )
        )
    return found


def _type(kind: exp.DataType, coded: bool) -> Type:
    named = {
        exp.DataType.Type.ARRAY: Type.LIST,
        exp.DataType.Type.DATE: Type.DATE,
        exp.DataType.Type.BOOLEAN: Type.BOOLEAN,
    }
    groups = ((_INTEGERS, Type.INTEGER), (_DECIMALS, Type.DECIMAL), (_MOMENTS, Type.DATETIME))
    found = named.get(kind.this) or next((type_ for some, type_ in groups if kind.this in some), None)
    return found or (Type.CODE if coded else Type.TEXT)


def _checks(schema: exp.Schema) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """What CHECK constraints on one column demand: the values allowed, the pattern."""
    codes: dict[str, tuple[str, ...]] = {}
    patterns: dict[str, str] = {}
    for check in (*schema.find_all(exp.CheckColumnConstraint), *schema.find_all(exp.Check)):
        for test in check.this.flatten() if isinstance(check.this, exp.And) else [check.this]:
            bare = test.unnest()
            if not isinstance(bare.this, exp.Column):
                continue
            name = bare.this.name.lower()
            values = [value.name for value in bare.expressions if isinstance(value, exp.Literal) and value.is_string]
            if isinstance(bare, exp.In) and values and len(values) == len(bare.expressions):
                codes[name] = tuple(values)
            elif isinstance(bare, exp.RegexpLike) and isinstance(bare.expression, exp.Literal):
                patterns[name] = bare.expression.name
    return codes, patterns


def _comment(text: str, where: str) -> tuple[str, Notes]:
    match = _ANNOTATION.search(text)
    if match is None:
        return text, Notes()
    said = {name: quoted or plain for name, quoted, plain in _SAID.findall(match[1])}
    if _SAID.sub("", match[1]).strip():
        raise Misconfigured(
            "BAD_SCHEMA", where, "the annotation in brackets is not understood", "Write [name=value ...]"
        )
    return text[: match.start()], Notes().read(said, where)
