"""One seizure in several reports: what later ones add, what suppliers are asked to correct, and who may amend."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = """
CREATE TABLE exchange.contribution (
    run_id BIGINT NOT NULL,
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    first UUID NOT NULL,
    first_version INTEGER NOT NULL,
    added TEXT[] NOT NULL,
    why TEXT NOT NULL,
    CONSTRAINT contribution_pkey PRIMARY KEY (run_id, bridge_id)
);
COMMENT ON TABLE exchange.contribution IS 'What a share took from a later report of a seizure into the first';
COMMENT ON COLUMN exchange.contribution.run_id IS 'the share run';
COMMENT ON COLUMN exchange.contribution.bridge_id IS 'the later report';
COMMENT ON COLUMN exchange.contribution.version IS 'its version';
COMMENT ON COLUMN exchange.contribution.first IS 'the report that stands';
COMMENT ON COLUMN exchange.contribution.first_version IS 'its version';
COMMENT ON COLUMN exchange.contribution.added IS 'fields and lists of the first that the later report filled';
COMMENT ON COLUMN exchange.contribution.why IS
    'why it may add nothing: the rule that withholds it, or another; empty if it may';

CREATE TABLE exchange.correction (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    later UUID NOT NULL,
    later_version INTEGER NOT NULL,
    path TEXT NOT NULL,
    said BYTEA NOT NULL,
    supplier TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    stands BOOLEAN DEFAULT true NOT NULL,
    answer BIGINT,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT correction_pkey PRIMARY KEY (id),
    CONSTRAINT correction_bridge_id_later_kind_path_said_key UNIQUE (bridge_id, later, kind, path, said),
    CONSTRAINT correction_answer_fkey FOREIGN KEY (answer) REFERENCES exchange.decision (id),
    CONSTRAINT correction_kind_check CHECK (kind IN ('differs', 'unmatched', 'foreign'))
);
CREATE INDEX correction_later_idx ON exchange.correction (later);
COMMENT ON TABLE exchange.correction IS
    'What other suppliers'' reports say otherwise; only the supplier of a record corrects it';
COMMENT ON COLUMN exchange.correction.id IS 'number of the request';
COMMENT ON COLUMN exchange.correction.kind IS
    'two reports differ, an entry of the later one cannot be matched, or another supplier amends';
COMMENT ON COLUMN exchange.correction.bridge_id IS 'the record that its supplier is asked to correct';
COMMENT ON COLUMN exchange.correction.version IS 'its version when last compared';
COMMENT ON COLUMN exchange.correction.later IS
    'the report that says otherwise; of an amendment the record itself';
COMMENT ON COLUMN exchange.correction.later_version IS 'its version when last compared';
COMMENT ON COLUMN exchange.correction.path IS
    'the field or list, entries counted from 1; empty for the record';
COMMENT ON COLUMN exchange.correction.said IS
    'SHA-256 of what both or the amendment say, so that what was answered is not asked again';
COMMENT ON COLUMN exchange.correction.supplier IS 'who is asked';
COMMENT ON COLUMN exchange.correction.asked_by IS 'who says otherwise';
COMMENT ON COLUMN exchange.correction.stands IS 'both reports stand and still differ';
COMMENT ON COLUMN exchange.correction.answer IS 'the decision that answers it';
COMMENT ON COLUMN exchange.correction.at IS 'when it was found';

CREATE INDEX decision_case_idx ON exchange.decision (bridge_id, about) WHERE kind IN ('same', 'different');
ALTER TABLE exchange.decision DROP CONSTRAINT decision_kind_check;
ALTER TABLE exchange.decision ADD CONSTRAINT decision_kind_check CHECK (
    kind IN ('propose', 'approve', 'redrive', 'erase', 'extend', 'expire', 'exonerate', 'same', 'different', 'amend',
             'keep', 'handover'));
ALTER TABLE exchange.record ADD COLUMN supplier TEXT;
COMMENT ON COLUMN exchange.record.supplier IS
    'the country that supplied it first, which alone may amend it';
UPDATE exchange.record r SET supplier = CAST(v.payload AS jsonb) ->> 'supplier_country'
FROM exchange.record_version v WHERE v.bridge_id = r.bridge_id AND v.version = 1 AND v.payload <> '';
ALTER TABLE exchange.segment DROP CONSTRAINT segment_part_check;
ALTER TABLE exchange.segment ADD CONSTRAINT segment_part_check CHECK (
    part IN ('intake', 'versions', 'deliveries', 'decisions', 'authorisations', 'authorised', 'contributions'));

ALTER TABLE exchange.contribution ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON exchange.contribution FOR SELECT USING (true);
CREATE POLICY added ON exchange.contribution FOR INSERT WITH CHECK (true);
CREATE POLICY until_sealed ON exchange.contribution FOR UPDATE
    USING (EXISTS (SELECT FROM exchange.run r WHERE r.id = run_id AND r.state <> 'sealed')) WITH CHECK (true);
"""


def upgrade() -> None:
    """The tables, and an index over what people said of pairs."""
    op.execute(TABLES)


def downgrade() -> None:
    """All of it goes, and with it what seals committed to of it."""
    op.execute(
        """
        DROP TABLE exchange.contribution, exchange.correction;
        ALTER TABLE exchange.record DROP COLUMN supplier;
        DROP INDEX exchange.decision_case_idx;
        DELETE FROM exchange.decision WHERE kind IN ('amend', 'keep', 'handover');
        ALTER TABLE exchange.decision DROP CONSTRAINT decision_kind_check;
        ALTER TABLE exchange.decision ADD CONSTRAINT decision_kind_check CHECK (
            kind IN ('propose', 'approve', 'redrive', 'erase', 'extend', 'expire', 'exonerate', 'same', 'different'));
        DELETE FROM exchange.segment WHERE part = 'contributions';
        ALTER TABLE exchange.segment DROP CONSTRAINT segment_part_check;
        ALTER TABLE exchange.segment ADD CONSTRAINT segment_part_check CHECK (
            part IN ('intake', 'versions', 'deliveries', 'decisions', 'authorisations', 'authorised'));
        """
    )
