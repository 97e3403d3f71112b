-- Browsers that are away to end their session upstream, and where they go when they come back.
CREATE TABLE departures (
    handle_hash TEXT   NOT NULL PRIMARY KEY,
    location    TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX departures_expires_at ON departures (expires_at);
