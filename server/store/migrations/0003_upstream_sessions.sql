-- What an identity provider calls a session's owner, so that sessions end here when they end there.
ALTER TABLE sessions ADD COLUMN upstream TEXT; -- sealed
ALTER TABLE sessions ADD COLUMN upstream_hash TEXT;
CREATE INDEX sessions_by_upstream ON sessions (upstream_hash);
