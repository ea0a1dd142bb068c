-- Views for people who open the file with another tool, and for the costs query. A workflow that names its final state
-- otherwise says so in project_meta. Replaced whole when this text changes.

CREATE OR REPLACE VIEW v_page_status_summary AS
SELECT c.position AS chapter, c.title AS chapter_title, p.position AS page, p.slug, p.title, p.state,
       p.archived, p.updated_at, p.id AS page_id,
       (SELECT count(*) FROM page_revisions r WHERE r.page_id = p.id) AS revisions,
       (SELECT count(*) FROM page_stages s WHERE s.page_id = p.id AND s.approved_id IS NOT NULL) AS approved_stages
FROM story_pages p JOIN chapters c ON c.id = p.chapter_id;

CREATE OR REPLACE VIEW v_chapter_progress AS
SELECT c.id AS chapter_id, c.position, c.slug, c.title,
       count(p.id) AS pages,
       count(CASE WHEN p.state = coalesce((SELECT value FROM project_meta WHERE key = 'final_state'), 'page_approved')
                  THEN 1 END) AS approved
FROM chapters c LEFT JOIN story_pages p ON p.chapter_id = c.id AND NOT p.archived
GROUP BY c.id, c.position, c.slug, c.title;

CREATE OR REPLACE VIEW v_costs AS
SELECT e.id AS execution_id, e.run_id, r.page_id, r.stage, r.kind AS run_kind,
       p.slug AS page_slug, p.chapter_id, c.slug AS chapter_slug,
       e.role, e.provider, e.model, e.status, e.started_at, CAST(e.started_at AS DATE) AS day,
       coalesce(e.input_tokens, 0) AS input_tokens, coalesce(e.cached_tokens, 0) AS cached_tokens,
       coalesce(e.output_tokens, 0) AS output_tokens, e.cost_usd, e.cost_source, e.latency_ms
FROM agent_execution_log e
LEFT JOIN runs r ON r.id = e.run_id
LEFT JOIN story_pages p ON p.id = r.page_id
LEFT JOIN chapters c ON c.id = p.chapter_id;
