-- The first schema. Ids are text (UUID version 7); times are UTC without a zone. Primary keys only: a foreign key or a second
-- index would block later ALTERs in DuckDB, and looking up a page among 1,000,000 revisions takes 1.5 ms without one.

CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMP NOT NULL
);

CREATE TABLE project_meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE chapters (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    archived BOOLEAN NOT NULL
);

-- state mirrors orchestrator_state.
CREATE TABLE story_pages (
    id TEXT PRIMARY KEY,
    chapter_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    archived BOOLEAN NOT NULL
);

CREATE TABLE orchestrator_state (
    page_id TEXT PRIMARY KEY,
    workflow TEXT NOT NULL,
    state TEXT NOT NULL,
    stage TEXT,
    run_id TEXT,
    updated_at TIMESTAMP NOT NULL
);

CREATE TABLE page_stages (
    page_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    revision_id TEXT,
    approved_id TEXT,
    PRIMARY KEY (page_id, stage)
);

-- Rows are never changed.
CREATE TABLE page_revisions (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL,
    origin TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    outcome TEXT NOT NULL,
    data TEXT,
    model TEXT,
    run_id TEXT,
    parent_id TEXT,
    feedback_id TEXT,
    note TEXT NOT NULL
);

CREATE TABLE user_feedback (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    revision_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    quote TEXT,
    used_by_run TEXT,
    resolved BOOLEAN NOT NULL
);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    kind TEXT NOT NULL,
    job_key TEXT NOT NULL,
    status TEXT NOT NULL,
    model TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    base_revision TEXT,
    feedback_id TEXT,
    template_digest TEXT,
    prompt_digest TEXT,
    revision_id TEXT,
    partial TEXT NOT NULL,
    outcome TEXT,
    error_code TEXT,
    error_message TEXT,
    ended_at TIMESTAMP
);

-- One row per request to a model's service. Money in US dollars, times in milliseconds; usage_raw is the provider's own JSON.
CREATE TABLE agent_execution_log (
    id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    role TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    status TEXT NOT NULL,
    prompt_digest TEXT,
    template_digest TEXT,
    input_tokens BIGINT,
    cached_tokens BIGINT,
    cache_write_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_cost_usd DOUBLE PRECISION,
    usage_estimated BOOLEAN NOT NULL,
    usage_raw TEXT NOT NULL,
    cost_usd DOUBLE PRECISION,
    cost_source TEXT NOT NULL,
    price_version TEXT,
    latency_ms DOUBLE PRECISION NOT NULL,
    first_token_ms DOUBLE PRECISION,
    finish_reason TEXT,
    error_code TEXT,
    error_message TEXT
);

-- The journal: seq has no gaps; payload is the event's JSON.
CREATE TABLE workflow_events (
    seq BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    page_id TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    payload TEXT NOT NULL
);

-- Texts by the SHA-256 of their UTF-8.
CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- Every version of every canon document. digest covers the whole file, blob names the body; meta is JSON of the front matter.
CREATE TABLE canonical_refs (
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    blob TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    meta TEXT NOT NULL,
    gone BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (path, version)
);

CREATE TABLE context_ledger (
    run_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    digest TEXT NOT NULL,
    detail TEXT NOT NULL,
    left_out TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
);

CREATE TABLE context_pins (
    page_id TEXT NOT NULL,
    path TEXT NOT NULL,
    mode TEXT NOT NULL,
    PRIMARY KEY (page_id, path)
);

CREATE TABLE kept_words (
    author TEXT NOT NULL,
    page_id TEXT NOT NULL,
    place TEXT NOT NULL,
    text TEXT NOT NULL,
    base_revision TEXT,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (author, page_id, place)
);

-- deliveries counts how often the same key was handed in; all after the first change nothing.
CREATE TABLE jobs (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    deliveries INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

CREATE TABLE requests (
    request TEXT PRIMARY KEY,
    result TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE token_ratios (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    ratio DOUBLE PRECISION NOT NULL,
    samples INTEGER NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (provider, model, kind)
);

CREATE TABLE mirror_state (
    page_id TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
