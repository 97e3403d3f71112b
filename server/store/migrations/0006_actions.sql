-- Actions: scripts of a trigger, what of them was deployed, and in which order they run.
CREATE TABLE actions (
    action_id        TEXT   NOT NULL PRIMARY KEY,
    name             TEXT   NOT NULL UNIQUE,
    trigger_id       TEXT   NOT NULL,
    trigger_version  TEXT   NOT NULL,
    draft            TEXT   NOT NULL, -- sealed
    deployed_version TEXT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);

CREATE TABLE action_versions (
    version_id TEXT   NOT NULL PRIMARY KEY,
    action_id  TEXT   NOT NULL REFERENCES actions (action_id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,
    content    TEXT   NOT NULL, -- sealed
    created_at BIGINT NOT NULL,
    UNIQUE (action_id, number)
);

CREATE TABLE action_bindings (
    trigger_id   TEXT   NOT NULL,
    position     BIGINT NOT NULL,
    binding_id   TEXT   NOT NULL,
    action_id    TEXT   NOT NULL REFERENCES actions (action_id) ON DELETE CASCADE,
    display_name TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (trigger_id, position)
);
CREATE INDEX action_bindings_action_id ON action_bindings (action_id);
