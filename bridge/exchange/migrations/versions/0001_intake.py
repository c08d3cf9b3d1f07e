"""Runs, inputs, records and what became of each: the collect side."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE exchange.run (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    run_key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    since TIMESTAMP WITH TIME ZONE,
    until TIMESTAMP WITH TIME ZONE,
    mapping TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    revision INTEGER NOT NULL,
    redeliver BOOLEAN DEFAULT false NOT NULL,
    state TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    selected BIGINT,
    covers BIGINT[],
    books JSONB,
    note TEXT,
    judgement JSONB,
    CONSTRAINT run_pkey PRIMARY KEY (id),
    CONSTRAINT run_run_key_attempt_key UNIQUE (run_key, attempt),
    CONSTRAINT run_kind_check CHECK (kind IN ('collect', 'share')),
    CONSTRAINT run_state_check CHECK (state IN ('running', 'sealed', 'failed', 'abandoned'))
);
CREATE INDEX run_kind_name_state_idx ON exchange.run (kind, name, state);

COMMENT ON TABLE exchange.run IS 'One row per attempt to collect a window or to share with a partner';
COMMENT ON COLUMN exchange.run.id IS 'number of the attempt; grows with time';
COMMENT ON COLUMN exchange.run.kind IS 'collect: a source''s window; share: one partner''s turn';
COMMENT ON COLUMN exchange.run.name IS 'the source or the partner';
COMMENT ON COLUMN exchange.run.run_key IS 'what the orchestrator calls this run; the same at every attempt';
COMMENT ON COLUMN exchange.run.attempt IS '1 for the first attempt under this key';
COMMENT ON COLUMN exchange.run.since IS 'start of the window, inclusive; null in a share of everything';
COMMENT ON COLUMN exchange.run.until IS 'end of the window, exclusive';
COMMENT ON COLUMN exchange.run.mapping IS 'name of the mapping';
COMMENT ON COLUMN exchange.run.fingerprint IS 'hash of the mapping with its code lists and schemas';
COMMENT ON COLUMN exchange.run.revision IS
    'place of the fingerprint in the order in which this mapping''s were first seen';
COMMENT ON COLUMN exchange.run.redeliver IS 'share: offers again what already has its end state';
COMMENT ON COLUMN exchange.run.state IS 'running, sealed, failed, or abandoned for a later attempt';
COMMENT ON COLUMN exchange.run.started_at IS 'when the attempt began';
COMMENT ON COLUMN exchange.run.finished_at IS 'when it was sealed or failed';
COMMENT ON COLUMN exchange.run.selected IS 'share: versions that must be settled in this run';
COMMENT ON COLUMN exchange.run.covers IS 'share: collect runs whose versions were all selected';
COMMENT ON COLUMN exchange.run.books IS 'counts and equations at the end';
COMMENT ON COLUMN exchange.run.note IS 'why it failed, free of values';
COMMENT ON COLUMN exchange.run.judgement IS 'what quality found, without values, and who let it pass';

CREATE TABLE exchange.sealed_window (
    source TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    rows_read BIGINT NOT NULL,
    CONSTRAINT sealed_window_pkey PRIMARY KEY (source, since, until),
    CONSTRAINT sealed_window_since_check CHECK (since < until),
    CONSTRAINT sealed_window_run_id_fkey FOREIGN KEY(run_id) REFERENCES exchange.run (id)
);

COMMENT ON TABLE exchange.sealed_window IS
    'Windows collected completely; windows of other lengths may overlap, for intake changes nothing twice';
COMMENT ON COLUMN exchange.sealed_window.source IS 'the source';
COMMENT ON COLUMN exchange.sealed_window.since IS 'start, inclusive';
COMMENT ON COLUMN exchange.sealed_window.until IS 'end, exclusive';
COMMENT ON COLUMN exchange.sealed_window.run_id IS 'the run that sealed it last';
COMMENT ON COLUMN exchange.sealed_window.sealed_at IS 'when';
COMMENT ON COLUMN exchange.sealed_window.rows_read IS 'rows read by that run';

CREATE TABLE exchange.input (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    arrival TIMESTAMP WITH TIME ZONE NOT NULL,
    counted BIGINT,
    rows_read BIGINT,
    same_as BIGINT,
    problem_code TEXT,
    problem_rule TEXT,
    problem TEXT,
    notes JSONB,
    CONSTRAINT input_pkey PRIMARY KEY (id),
    CONSTRAINT input_run_id_name_key UNIQUE (run_id, name),
    CONSTRAINT input_run_id_fkey FOREIGN KEY(run_id) REFERENCES exchange.run (id)
);
CREATE INDEX input_sha256_idx ON exchange.input (sha256);

COMMENT ON TABLE exchange.input IS 'Inputs of collect runs: files, or the extract of a window';
COMMENT ON COLUMN exchange.input.id IS 'number of the input in its run';
COMMENT ON COLUMN exchange.input.run_id IS 'the run that took it in';
COMMENT ON COLUMN exchange.input.name IS 'unique within the source: a path below the drop folder, or the window';
COMMENT ON COLUMN exchange.input.sha256 IS 'hash of the bytes as received, and their name in the archive';
COMMENT ON COLUMN exchange.input.size IS 'bytes';
COMMENT ON COLUMN exchange.input.arrival IS 'when it came to be there';
COMMENT ON COLUMN exchange.input.counted IS 'rows counted apart from reading; null if the connector cannot count';
COMMENT ON COLUMN exchange.input.rows_read IS 'rows read; null until sealed';
COMMENT ON COLUMN exchange.input.same_as IS 'input of this run with the same bytes, which is read instead';
COMMENT ON COLUMN exchange.input.problem_code IS 'why the input as a whole is held';
COMMENT ON COLUMN exchange.input.problem_rule IS 'what refused it';
COMMENT ON COLUMN exchange.input.problem IS 'the reason in words';
COMMENT ON COLUMN exchange.input.notes IS 'what else the connector says of it';

CREATE TABLE exchange.mapping_revision (
    mapping TEXT NOT NULL,
    revision INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT mapping_revision_pkey PRIMARY KEY (mapping, revision),
    CONSTRAINT mapping_revision_mapping_fingerprint_key UNIQUE (mapping, fingerprint)
);

COMMENT ON TABLE exchange.mapping_revision IS
    'The order of a mapping''s fingerprints: a higher revision decides between equal source versions';
COMMENT ON COLUMN exchange.mapping_revision.mapping IS 'name of the mapping';
COMMENT ON COLUMN exchange.mapping_revision.revision IS '1 for the first seen';
COMMENT ON COLUMN exchange.mapping_revision.fingerprint IS 'hash of the mapping with its code lists and schemas';
COMMENT ON COLUMN exchange.mapping_revision.first_seen IS 'when a run first used it';

CREATE TABLE exchange.record (
    bridge_id UUID NOT NULL,
    origin_system TEXT NOT NULL,
    origin_record_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    cancelled BOOLEAN NOT NULL,
    source_version TIMESTAMP WITH TIME ZONE NOT NULL,
    revision INTEGER NOT NULL,
    content_hash BYTEA NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT record_pkey PRIMARY KEY (bridge_id),
    CONSTRAINT record_origin_system_origin_record_id_key UNIQUE (origin_system, origin_record_id)
);

COMMENT ON TABLE exchange.record IS 'One row per seizure: its current version and its place in the order of versions';
COMMENT ON COLUMN exchange.record.bridge_id IS 'UUIDv5 of origin system and record id';
COMMENT ON COLUMN exchange.record.origin_system IS 'system that first recorded the seizure';
COMMENT ON COLUMN exchange.record.origin_record_id IS 'its identifier there';
COMMENT ON COLUMN exchange.record.version IS 'the current version';
COMMENT ON COLUMN exchange.record.cancelled IS 'order, first: a cancelled record never comes back';
COMMENT ON COLUMN exchange.record.source_version IS
    'order, second: the source''s version time, of the newest version with this content';
COMMENT ON COLUMN exchange.record.revision IS 'order, third: the mapping revision';
COMMENT ON COLUMN exchange.record.content_hash IS 'order, last: SHA-256 of the document, nominal part included';
COMMENT ON COLUMN exchange.record.run_id IS 'the run that last moved it';

CREATE TABLE exchange.record_version (
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    source_version TIMESTAMP WITH TIME ZONE NOT NULL,
    revision INTEGER NOT NULL,
    content_hash BYTEA NOT NULL,
    cancelled BOOLEAN NOT NULL,
    record_status TEXT,
    seizure_date TEXT,
    seizure_country TEXT,
    commodity_group TEXT,
    operation_code TEXT,
    input_id BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    payload TEXT NOT NULL,
    CONSTRAINT record_version_pkey PRIMARY KEY (bridge_id, version)
);
CREATE INDEX record_version_run_id_idx ON exchange.record_version (run_id) INCLUDE (bridge_id, version);

COMMENT ON TABLE exchange.record_version IS 'Every accepted version with its document; never changed';
COMMENT ON COLUMN exchange.record_version.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.record_version.version IS '1, 2, ... as accepted';
COMMENT ON COLUMN exchange.record_version.source_version IS 'the source''s version time';
COMMENT ON COLUMN exchange.record_version.revision IS 'mapping revision that made the document';
COMMENT ON COLUMN exchange.record_version.content_hash IS 'SHA-256 of the document, nominal part included';
COMMENT ON COLUMN exchange.record_version.cancelled IS 'the record status says it no longer stands';
COMMENT ON COLUMN exchange.record_version.record_status IS 'code';
COMMENT ON COLUMN exchange.record_version.seizure_date IS 'ISO date, month or year';
COMMENT ON COLUMN exchange.record_version.seizure_country IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN exchange.record_version.commodity_group IS 'code of the first goods line';
COMMENT ON COLUMN exchange.record_version.operation_code IS 'joint operation';
COMMENT ON COLUMN exchange.record_version.input_id IS 'the input it came from';
COMMENT ON COLUMN exchange.record_version.ordinal IS 'its number in that input, from 0';
COMMENT ON COLUMN exchange.record_version.run_id IS 'the run that accepted it';
COMMENT ON COLUMN exchange.record_version.payload IS 'canonical JSON of all non-nominal fields';

CREATE TABLE exchange_nominal.payload_nominal (
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    payload TEXT NOT NULL,
    CONSTRAINT payload_nominal_pkey PRIMARY KEY (bridge_id, version)
);

COMMENT ON TABLE exchange_nominal.payload_nominal IS
    'The nominal part of documents; read only where a release policy allows it';
COMMENT ON COLUMN exchange_nominal.payload_nominal.bridge_id IS 'the record';
COMMENT ON COLUMN exchange_nominal.payload_nominal.version IS 'its version';
COMMENT ON COLUMN exchange_nominal.payload_nominal.payload IS
    'canonical JSON of all other fields; lists keep their length';

CREATE TABLE exchange.intake (
    run_id BIGINT NOT NULL,
    input_id BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    position BIGINT,
    rows INTEGER NOT NULL,
    bridge_id UUID,
    disposition TEXT NOT NULL,
    code TEXT,
    CONSTRAINT intake_pkey PRIMARY KEY (run_id, input_id, ordinal),
    CONSTRAINT intake_disposition_check CHECK (
        disposition IN ('accepted', 'unchanged', 'superseded', 'held', 'out_of_scope', 'echo'))
);

COMMENT ON TABLE exchange.intake IS
    'One row per record of every run: nothing read is unaccounted, nothing is accounted twice';
COMMENT ON COLUMN exchange.intake.run_id IS 'the run';
COMMENT ON COLUMN exchange.intake.input_id IS 'the input';
COMMENT ON COLUMN exchange.intake.ordinal IS 'record number; -1 the input as a whole';
COMMENT ON COLUMN exchange.intake.position IS 'byte offset, line or sheet row';
COMMENT ON COLUMN exchange.intake.rows IS 'rows of the input that make this record';
COMMENT ON COLUMN exchange.intake.bridge_id IS 'the record, if its identifier could be read';
COMMENT ON COLUMN exchange.intake.disposition IS 'its end state in this run';
COMMENT ON COLUMN exchange.intake.code IS 'problem code of held, rule of out_of_scope, TIE for equal versions';

-- Documents of common size stay whole and plain in their row: pglz costs 50 microseconds a record and saves a quarter.
ALTER TABLE exchange.record_version ALTER COLUMN payload SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);
ALTER TABLE exchange_nominal.payload_nominal ALTER COLUMN payload SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);
-- A record's row is moved up in place: no column that a new version changes is in an index.
ALTER TABLE exchange.record SET (fillfactor = 90);
"""


def upgrade() -> None:
    """Two schemas, and nothing of either to the public."""
    op.execute("CREATE SCHEMA IF NOT EXISTS exchange")
    op.execute("CREATE SCHEMA exchange_nominal")
    op.execute("COMMENT ON SCHEMA exchange IS 'Records, runs and books; nothing nominal'")
    op.execute("COMMENT ON SCHEMA exchange_nominal IS 'The nominal part of documents'")
    op.execute("REVOKE ALL ON SCHEMA exchange, exchange_nominal FROM PUBLIC")
    op.execute(TABLES)


def downgrade() -> None:
    """Everything goes, documents included."""
    op.execute("DROP TABLE exchange_nominal.payload_nominal, exchange.intake, exchange.record_version, exchange.record")
    op.execute("DROP TABLE exchange.mapping_revision, exchange.input, exchange.sealed_window, exchange.run")
    op.execute("DROP SCHEMA exchange_nominal")
