-- The app workflow: builds, tasks, conversations, tool calls, versions, findings, publications.

-- What an outside program named when it began a build, and how the change stands to the files that were there.
CREATE TABLE build_workflows (
    page_id TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    returns INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    project_id TEXT NOT NULL,
    build_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    model TEXT NOT NULL,
    requirements TEXT NOT NULL
);

CREATE TABLE workflow_handoffs (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    from_role TEXT NOT NULL,
    to_role TEXT NOT NULL,
    from_stage TEXT NOT NULL,
    to_stage TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revision_id TEXT
);

-- The conversation of each role about a page; workers of one run keep theirs apart by task_id.
CREATE TABLE role_messages (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    role TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    data TEXT,
    run_id TEXT,
    task_id TEXT
);

-- needs is a JSON list of keys. (page_id, plan_revision, key) is unique.
CREATE TABLE build_tasks (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    plan_revision TEXT NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    type TEXT NOT NULL,
    description TEXT NOT NULL,
    priority INTEGER NOT NULL,
    needs TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    model TEXT,
    run_id TEXT,
    summary TEXT NOT NULL,
    error TEXT NOT NULL,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    edited_by TEXT NOT NULL
);

-- Every call a model made of a tool, refused ones too. arguments names a blob (JSON); changes is a JSON list; time in milliseconds.
CREATE TABLE tool_calls (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT,
    execution_id TEXT,
    role TEXT NOT NULL,
    iteration INTEGER NOT NULL,
    name TEXT NOT NULL,
    arguments_digest TEXT NOT NULL,
    status TEXT NOT NULL,
    path TEXT,
    line TEXT NOT NULL,
    result TEXT NOT NULL,
    changes TEXT NOT NULL,
    elapsed_ms DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE app_versions (
    id TEXT PRIMARY KEY,
    page_id TEXT,
    number TEXT NOT NULL,
    status TEXT NOT NULL,
    origin TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    run_id TEXT,
    parent_id TEXT,
    operation TEXT NOT NULL,
    finished_at TIMESTAMP,
    summary TEXT NOT NULL,
    changelog TEXT NOT NULL,
    error TEXT NOT NULL,
    cost_usd DOUBLE PRECISION,
    approved BOOLEAN NOT NULL,
    restored_from TEXT
);

-- The whole tree of each version; the bytes are in the content-addressed store beside the database.
CREATE TABLE version_files (
    version_id TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    mode INTEGER NOT NULL,
    change TEXT,
    PRIMARY KEY (version_id, path)
);

-- What validators, rules, reviewers and checks said, and what became of it.
CREATE TABLE findings (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL,
    source TEXT NOT NULL,
    rule TEXT NOT NULL,
    path TEXT NOT NULL,
    line INTEGER NOT NULL,
    message TEXT NOT NULL,
    severity TEXT NOT NULL,
    suggestion TEXT NOT NULL,
    quote TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    run_id TEXT,
    task_id TEXT,
    version_id TEXT,
    stage TEXT,
    settled_by TEXT NOT NULL,
    reason TEXT NOT NULL
);

-- steps is JSON: id -> what the step reported when it was done; plan is the plan that the person saw.
CREATE TABLE publications (
    id TEXT PRIMARY KEY,
    version_id TEXT NOT NULL,
    target TEXT NOT NULL,
    publisher TEXT NOT NULL,
    plan TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    status TEXT NOT NULL,
    steps TEXT NOT NULL,
    url TEXT NOT NULL,
    detail TEXT NOT NULL,
    error TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
