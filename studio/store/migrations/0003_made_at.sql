-- The journal's sequence at which a row was made: the order of rows of several stages, which a clock that is set back cannot turn round.
-- Rows from before have negative numbers, in the order in which they were added.

ALTER TABLE page_revisions ADD COLUMN made_at BIGINT DEFAULT 0;
UPDATE page_revisions SET made_at = rowid - (SELECT count(*) FROM page_revisions);

ALTER TABLE workflow_handoffs ADD COLUMN made_at BIGINT DEFAULT 0;
UPDATE workflow_handoffs SET made_at = rowid - (SELECT count(*) FROM workflow_handoffs);
