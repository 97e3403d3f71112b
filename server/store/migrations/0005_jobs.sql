-- Hashes that other systems made, until the first login replaces them: they may be quick to guess.
ALTER TABLE credentials ADD COLUMN imported_hash TEXT; -- sealed

-- Deleted connections whose users are not deleted yet.
ALTER TABLE connections ADD COLUMN retired_at BIGINT;

-- `slot` bounds how many of a kind go on at once; `due_at` is when a job may be taken, and nothing once it has ended.
CREATE TABLE jobs (
    job_id     TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    slot       BIGINT,
    document   TEXT   NOT NULL,
    revision   BIGINT NOT NULL,
    due_at     BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, slot)
);
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_swept ON jobs (created_at);

CREATE TABLE job_parts (
    part_id TEXT NOT NULL PRIMARY KEY,
    job_id  TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    content TEXT NOT NULL -- sealed
);
CREATE INDEX job_parts_by_job ON job_parts (job_id);

CREATE TABLE job_errors (
    job_id   TEXT   NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (job_id, position)
);
