-- What each text of a page was written for: the approved texts of the page's other stages as they were then, or as they are when a
-- person approves it. Texts from before this table have no rows. No primary key: an approval replaces the rows of its text, which
-- DuckDB refuses within one transaction where there is one.
CREATE TABLE text_sources (
    page_id TEXT NOT NULL,
    revision_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    source_id TEXT NOT NULL
);
