"""Who may have what: authorisations of onward transfer, who read nominal data, and pairs that may be one seizure."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

TABLES = """
CREATE TABLE exchange.authorisation (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id BIGINT NOT NULL,
    partner TEXT NOT NULL,
    revokes BIGINT,
    supplier TEXT,
    commodity_groups TEXT[],
    operation TEXT,
    bridge_id UUID,
    conditions TEXT,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_until TIMESTAMP WITH TIME ZONE,
    granted_by TEXT,
    entered_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT authorisation_pkey PRIMARY KEY (id),
    CONSTRAINT authorisation_revokes_key UNIQUE (revokes),
    CONSTRAINT authorisation_run_id_fkey FOREIGN KEY (run_id) REFERENCES exchange.run (id),
    CONSTRAINT authorisation_revokes_fkey FOREIGN KEY (revokes) REFERENCES exchange.authorisation (id),
    CONSTRAINT authorisation_kind_check CHECK (
        (revokes IS NULL) = (num_nulls(supplier, conditions, valid_from, valid_until, granted_by) = 0)),
    CONSTRAINT authorisation_period_check CHECK (valid_from < valid_until)
);
CREATE INDEX authorisation_run_id_idx ON exchange.authorisation (run_id);

COMMENT ON TABLE exchange.authorisation IS
    'Onward transfer that suppliers have authorised, and revocations of that; rows are added and never changed';
COMMENT ON COLUMN exchange.authorisation.id IS 'its number';
COMMENT ON COLUMN exchange.authorisation.run_id IS 'the run that sealed it';
COMMENT ON COLUMN exchange.authorisation.partner IS 'the partner that may receive';
COMMENT ON COLUMN exchange.authorisation.revokes IS
    'revocation: the authorisation that it ends; all that follows is null';
COMMENT ON COLUMN exchange.authorisation.supplier IS 'country that supplied the records, or their system of origin';
COMMENT ON COLUMN exchange.authorisation.commodity_groups IS
    'only records all of whose goods are of these; null for all';
COMMENT ON COLUMN exchange.authorisation.operation IS 'only records of this joint operation; null for any';
COMMENT ON COLUMN exchange.authorisation.bridge_id IS 'only this record; null for any';
COMMENT ON COLUMN exchange.authorisation.conditions IS 'the supplier''s conditions; they travel with the record';
COMMENT ON COLUMN exchange.authorisation.valid_from IS 'when it begins to hold, inclusive';
COMMENT ON COLUMN exchange.authorisation.valid_until IS 'when it ends, exclusive';
COMMENT ON COLUMN exchange.authorisation.granted_by IS 'who gave it at the supplier';
COMMENT ON COLUMN exchange.authorisation.entered_by IS 'who entered or revoked it here';
COMMENT ON COLUMN exchange.authorisation.reason IS 'its ground, such as the act or the letter; or why it is revoked';
COMMENT ON COLUMN exchange.authorisation.at IS 'when it was entered';

CREATE TABLE exchange.authorised (
    run_id BIGINT NOT NULL,
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    authorisation BIGINT NOT NULL,
    CONSTRAINT authorised_pkey PRIMARY KEY (run_id, bridge_id, version),
    CONSTRAINT authorised_authorisation_fkey FOREIGN KEY (authorisation) REFERENCES exchange.authorisation (id)
);

COMMENT ON TABLE exchange.authorised IS
    'Under which authorisation a share released a version that a rule would otherwise have withheld';
COMMENT ON COLUMN exchange.authorised.run_id IS 'the share run';
COMMENT ON COLUMN exchange.authorised.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.authorised.version IS 'its version';
COMMENT ON COLUMN exchange.authorised.authorisation IS 'the authorisation';

ALTER TABLE exchange.run ADD COLUMN approved JSONB;
COMMENT ON COLUMN exchange.run.approved IS
    'share: who let it pass the partner''s limits, when, and with what figures';
ALTER TABLE exchange.mapping_revision
    ADD COLUMN authorised BIGINT[] DEFAULT '{}' NOT NULL;
COMMENT ON COLUMN exchange.mapping_revision.authorised IS
    'share: authorisations in force for the partner; another set is another revision';
ALTER TABLE exchange.segment DROP CONSTRAINT segment_part_check;
ALTER TABLE exchange.segment ADD CONSTRAINT segment_part_check
    CHECK (part IN ('intake', 'versions', 'deliveries', 'decisions', 'authorisations', 'authorised'));

CREATE TABLE exchange.nominal_read (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    who TEXT NOT NULL,
    purpose TEXT NOT NULL,
    run_id BIGINT,
    records INTEGER NOT NULL,
    commitment BYTEA NOT NULL,
    bridge_ids UUID[],
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT nominal_read_pkey PRIMARY KEY (id)
);
CREATE INDEX nominal_read_at_idx ON exchange.nominal_read (at);

COMMENT ON TABLE exchange.nominal_read IS
    'Every read of nominal parts of documents; rows are added, never changed, and erased after six months';
COMMENT ON COLUMN exchange.nominal_read.id IS 'its number';
COMMENT ON COLUMN exchange.nominal_read.who IS 'the account that read, or the share that did';
COMMENT ON COLUMN exchange.nominal_read.purpose IS 'what for';
COMMENT ON COLUMN exchange.nominal_read.run_id IS 'share: the run, whose deliveries name the records';
COMMENT ON COLUMN exchange.nominal_read.records IS 'versions whose nominal part was read';
COMMENT ON COLUMN exchange.nominal_read.commitment IS
    'SHA-256 of their bridge ids and versions (16 and 4 bytes each), in ascending order';
COMMENT ON COLUMN exchange.nominal_read.bridge_ids IS 'the records; null for a share';
COMMENT ON COLUMN exchange.nominal_read.at IS 'when';

CREATE TABLE exchange.likeness (
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    origin_system TEXT NOT NULL,
    supplier TEXT NOT NULL,
    country TEXT,
    commodity_group TEXT,
    day DATE,
    quantity NUMERIC,
    step INTEGER,
    unit TEXT,
    containers TEXT[] NOT NULL,
    journeys TEXT[] NOT NULL,
    route TEXT,
    came BIGINT NOT NULL,
    CONSTRAINT likeness_pkey PRIMARY KEY (bridge_id)
);
CREATE INDEX likeness_goods_idx ON exchange.likeness (country, commodity_group, unit, step, day);

COMMENT ON TABLE exchange.likeness IS
    'What records are compared by to find probable duplicates; made anew from documents at any time';
COMMENT ON COLUMN exchange.likeness.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.likeness.version IS 'its version when it was compared';
COMMENT ON COLUMN exchange.likeness.origin_system IS 'system that first recorded it';
COMMENT ON COLUMN exchange.likeness.supplier IS 'country that supplied it, or its system of origin';
COMMENT ON COLUMN exchange.likeness.country IS 'country of seizure';
COMMENT ON COLUMN exchange.likeness.commodity_group IS 'of the first goods line';
COMMENT ON COLUMN exchange.likeness.day IS 'of the seizure, where it is a full date';
COMMENT ON COLUMN exchange.likeness.quantity IS 'of the first goods line';
COMMENT ON COLUMN exchange.likeness.step IS 'which step of 5 % above 1 the quantity has reached';
COMMENT ON COLUMN exchange.likeness.unit IS 'of that quantity';
COMMENT ON COLUMN exchange.likeness.containers IS 'container numbers';
COMMENT ON COLUMN exchange.likeness.journeys IS 'numbers of flights, voyages and trains';
COMMENT ON COLUMN exchange.likeness.route IS 'countries in their order';
COMMENT ON COLUMN exchange.likeness.came IS 'the run that accepted its first version';

CREATE TABLE exchange.likeness_key (
    key TEXT NOT NULL,
    bridge_id UUID NOT NULL,
    CONSTRAINT likeness_key_pkey PRIMARY KEY (key, bridge_id),
    CONSTRAINT likeness_key_bridge_id_fkey FOREIGN KEY (bridge_id) REFERENCES exchange.likeness (bridge_id)
        ON DELETE CASCADE
);
CREATE INDEX likeness_key_bridge_id_idx ON exchange.likeness_key (bridge_id);

COMMENT ON TABLE exchange.likeness_key IS
    'Containers and journeys under which a record is looked up when another may be its duplicate';
COMMENT ON COLUMN exchange.likeness_key.key IS 'number of a container, or of a journey with its day';
COMMENT ON COLUMN exchange.likeness_key.bridge_id IS 'the record';

CREATE TABLE exchange.duplicate (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    first UUID NOT NULL,
    second UUID NOT NULL,
    score INTEGER NOT NULL,
    parts TEXT[] NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT duplicate_pkey PRIMARY KEY (id),
    CONSTRAINT duplicate_first_second_key UNIQUE (first, second)
);

COMMENT ON TABLE exchange.duplicate IS
    'Pairs of records that may be one seizure; what a person says of them is a decision';
COMMENT ON COLUMN exchange.duplicate.id IS 'number of the pair';
COMMENT ON COLUMN exchange.duplicate.first IS 'the record that came first';
COMMENT ON COLUMN exchange.duplicate.second IS 'the other';
COMMENT ON COLUMN exchange.duplicate.score IS 'points of the parts that agree';
COMMENT ON COLUMN exchange.duplicate.parts IS 'what agrees, in words';
COMMENT ON COLUMN exchange.duplicate.at IS 'when it was found';

ALTER TABLE exchange.decision DROP CONSTRAINT decision_kind_check;
ALTER TABLE exchange.decision ADD CONSTRAINT decision_kind_check CHECK (
    kind IN ('propose', 'approve', 'redrive', 'erase', 'extend', 'expire', 'exonerate', 'same', 'different'));

CREATE FUNCTION exchange.only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'nominal_read' THEN
        IF OLD.at < clock_timestamp() - interval '6 months' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are added and never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER authorisation_only_added BEFORE UPDATE OR DELETE ON exchange.authorisation
    FOR EACH ROW EXECUTE FUNCTION exchange.only_added();
CREATE TRIGGER authorisation_not_emptied BEFORE TRUNCATE ON exchange.authorisation
    FOR EACH STATEMENT EXECUTE FUNCTION exchange.only_added();
CREATE TRIGGER nominal_read_only_added BEFORE UPDATE OR DELETE ON exchange.nominal_read
    FOR EACH ROW EXECUTE FUNCTION exchange.only_added();
CREATE TRIGGER nominal_read_not_emptied BEFORE TRUNCATE ON exchange.nominal_read
    FOR EACH STATEMENT EXECUTE FUNCTION exchange.only_added();
"""


def upgrade() -> None:
    """The tables, and the trigger that keeps rows as they were entered."""
    op.execute(TABLES)


def downgrade() -> None:
    """All of it goes, and with it what seals committed to of it."""
    op.execute(
        """
        DROP TABLE exchange.authorised, exchange.authorisation, exchange.nominal_read;
        DROP TABLE exchange.likeness_key, exchange.likeness, exchange.duplicate;
        ALTER TABLE exchange.decision DROP CONSTRAINT decision_kind_check;
        DELETE FROM exchange.applied a USING exchange.decision d
            WHERE d.id = a.decision_id AND d.kind IN ('same', 'different');
        DELETE FROM exchange.decision WHERE kind IN ('same', 'different');
        ALTER TABLE exchange.decision ADD CONSTRAINT decision_kind_check CHECK (
            kind IN ('propose', 'approve', 'redrive', 'erase', 'extend', 'expire', 'exonerate'));
        DROP FUNCTION exchange.only_added();
        ALTER TABLE exchange.mapping_revision DROP COLUMN authorised;
        ALTER TABLE exchange.run DROP COLUMN approved;
        DELETE FROM exchange.segment WHERE part IN ('authorisations', 'authorised');
        ALTER TABLE exchange.segment DROP CONSTRAINT segment_part_check;
        ALTER TABLE exchange.segment ADD CONSTRAINT segment_part_check
            CHECK (part IN ('intake', 'versions', 'deliveries', 'decisions'));
        """
    )
