-- Key pairs with certificates, which partners configure: what we sign for them, what they encrypt for us.
CREATE TABLE certified_keys (
    kid            TEXT   NOT NULL PRIMARY KEY,
    purpose        TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    certificate    TEXT   NOT NULL, -- base64 of DER
    private        TEXT   NOT NULL, -- sealed
    created_at     BIGINT NOT NULL,
    current_since  BIGINT,
    previous_since BIGINT
);

-- Answers of identity providers that were used: none is used twice.
CREATE TABLE used_answers (
    connection_id TEXT   NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    answer_hash   TEXT   NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, answer_hash)
);
CREATE INDEX used_answers_expires_at ON used_answers (expires_at);
