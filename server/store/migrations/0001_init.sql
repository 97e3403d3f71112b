-- Both engines run this file. Constraints are unnamed: PostgreSQL's own names are the ones that
-- `StoreError::Conflict` carries on either engine. A `document` is the rest of an aggregate as JSON.
-- Columns marked "sealed" hold ciphertext.

CREATE TABLE data_keys (
    data_key_id BIGINT NOT NULL PRIMARY KEY,
    kek_id      TEXT   NOT NULL,
    wrapped     TEXT   NOT NULL -- sealed by the key-encryption key
);

CREATE TABLE settings (
    name     TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE marks (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE organizations (
    organization_id TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL UNIQUE,
    document        TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX organizations_paged ON organizations (created_at, organization_id);

-- Every name that an organization has, or had: those given up keep others out for a while (ORG-09).
CREATE TABLE organization_names (
    name            TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    released_at     BIGINT
);
CREATE INDEX organization_names_held ON organization_names (organization_id);

CREATE TABLE clients (
    client_id      TEXT    NOT NULL PRIMARY KEY,
    secret         TEXT    NOT NULL, -- sealed
    app_type       TEXT,
    is_first_party BOOLEAN NOT NULL,
    is_global      BOOLEAN NOT NULL,
    document       TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL
);
CREATE INDEX clients_paged ON clients (created_at, client_id);

CREATE TABLE connections (
    connection_id TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    strategy      TEXT   NOT NULL,
    options       TEXT   NOT NULL, -- sealed
    document      TEXT   NOT NULL,
    revision      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX connections_paged ON connections (created_at, connection_id);

CREATE TABLE connection_clients (
    connection_id TEXT NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    client_id     TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    PRIMARY KEY (connection_id, client_id)
);
CREATE INDEX connection_clients_by_client ON connection_clients (client_id, connection_id);

CREATE TABLE organization_connections (
    organization_id TEXT   NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    connection_id   TEXT   NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    document        TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, connection_id)
);
CREATE INDEX organization_connections_paged
    ON organization_connections (organization_id, created_at, connection_id);
CREATE INDEX organization_connections_by_connection
    ON organization_connections (connection_id, created_at, organization_id);

CREATE TABLE resource_servers (
    resource_server_id TEXT   NOT NULL PRIMARY KEY,
    identifier         TEXT   NOT NULL UNIQUE,
    document           TEXT   NOT NULL,
    created_at         BIGINT NOT NULL
);
CREATE INDEX resource_servers_paged ON resource_servers (created_at, resource_server_id);

CREATE TABLE client_grants (
    client_grant_id TEXT   NOT NULL PRIMARY KEY,
    client_id       TEXT   NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    audience        TEXT   NOT NULL REFERENCES resource_servers (identifier) ON DELETE CASCADE,
    document        TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    UNIQUE (client_id, audience)
);
CREATE INDEX client_grants_paged ON client_grants (created_at, client_grant_id);
CREATE INDEX client_grants_by_audience ON client_grants (audience);

CREATE TABLE client_grant_organizations (
    client_grant_id TEXT NOT NULL REFERENCES client_grants (client_grant_id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    PRIMARY KEY (client_grant_id, organization_id)
);
CREATE INDEX client_grant_organizations_by_organization
    ON client_grant_organizations (organization_id, client_grant_id);

CREATE TABLE roles (
    role_id     TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    description TEXT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX roles_paged ON roles (created_at, role_id);

CREATE TABLE role_permissions (
    role_id    TEXT NOT NULL REFERENCES roles (role_id) ON DELETE CASCADE,
    audience   TEXT NOT NULL REFERENCES resource_servers (identifier) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (role_id, audience, permission)
);
CREATE INDEX role_permissions_by_audience ON role_permissions (audience);

CREATE TABLE users (
    user_id          TEXT    NOT NULL PRIMARY KEY,
    email_normalized TEXT,
    name_folded      TEXT,
    nickname_folded  TEXT,
    document         TEXT    NOT NULL,
    blocked          BOOLEAN NOT NULL,
    logins_count     BIGINT  NOT NULL,
    last_login_at    BIGINT,
    last_ip          TEXT,
    session_epoch    BIGINT  NOT NULL,
    created_at       BIGINT  NOT NULL
);
CREATE INDEX users_paged ON users (created_at, user_id);
CREATE INDEX users_by_email ON users (email_normalized);
CREATE INDEX users_by_name ON users (name_folded);
CREATE INDEX users_by_nickname ON users (nickname_folded);

CREATE TABLE identities (
    connection_id TEXT   NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    subject       TEXT   NOT NULL,
    user_id       TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    position      BIGINT NOT NULL, -- 0 is the primary identity
    PRIMARY KEY (connection_id, subject)
);
CREATE INDEX identities_by_user ON identities (user_id, position);

CREATE TABLE credentials (
    connection_id       TEXT   NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    subject             TEXT   NOT NULL,
    user_id             TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    email_normalized    TEXT,
    username_normalized TEXT,
    password_hash       TEXT,
    history             TEXT   NOT NULL,
    changed_at          BIGINT NOT NULL,
    awaits_verification BOOLEAN NOT NULL,
    PRIMARY KEY (connection_id, subject),
    UNIQUE (connection_id, email_normalized),
    UNIQUE (connection_id, username_normalized)
);
CREATE INDEX credentials_by_user ON credentials (user_id);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles (role_id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_roles_by_role ON user_roles (role_id);

CREATE TABLE user_permissions (
    user_id    TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    audience   TEXT NOT NULL REFERENCES resource_servers (identifier) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (user_id, audience, permission)
);
CREATE INDEX user_permissions_by_audience ON user_permissions (audience);

CREATE TABLE memberships (
    organization_id TEXT   NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    user_id         TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_paged ON memberships (organization_id, created_at, user_id);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE member_roles (
    organization_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    role_id         TEXT NOT NULL REFERENCES roles (role_id) ON DELETE CASCADE,
    PRIMARY KEY (organization_id, user_id, role_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX member_roles_by_role ON member_roles (role_id);

CREATE TABLE invitations (
    invitation_id    TEXT   NOT NULL PRIMARY KEY,
    organization_id  TEXT   NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    api_ticket       TEXT   NOT NULL, -- sealed
    mail_ticket      TEXT,            -- sealed
    api_ticket_hash  TEXT   NOT NULL UNIQUE,
    mail_ticket_hash TEXT UNIQUE,
    document         TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    consumed_at      BIGINT,
    accepted_by      TEXT
);
CREATE INDEX invitations_paged ON invitations (organization_id, created_at, invitation_id);

-- The key is a hash: the handle itself is in the sealed document only.
CREATE TABLE transactions (
    transaction_hash TEXT    NOT NULL PRIMARY KEY,
    version          BIGINT  NOT NULL,
    browser          TEXT    NOT NULL,
    is_final         BOOLEAN NOT NULL,
    document         TEXT    NOT NULL, -- sealed
    created_at       BIGINT  NOT NULL,
    expires_at       BIGINT  NOT NULL
);
CREATE INDEX transactions_of_browser ON transactions (browser, created_at);
CREATE INDEX transactions_swept ON transactions (expires_at);

CREATE TABLE sessions (
    session_id      TEXT   NOT NULL PRIMARY KEY,
    cookie_hash     TEXT   NOT NULL UNIQUE,
    user_id         TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    document        TEXT   NOT NULL,
    used_at         BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_idle ON sessions (idle_expires_at);
CREATE INDEX sessions_swept ON sessions (expires_at);

CREATE TABLE session_clients (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL,
    PRIMARY KEY (session_id, client_id)
);

CREATE TABLE codes (
    code_hash   TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    document    TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX codes_by_user ON codes (user_id);
CREATE INDEX codes_swept ON codes (expires_at);

CREATE TABLE token_families (
    family_id       TEXT   NOT NULL PRIMARY KEY,
    client_id       TEXT   NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    user_id         TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    organization_id TEXT,
    session_id      TEXT,
    document        TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    revoked_at      BIGINT
);
CREATE INDEX token_families_by_client ON token_families (client_id);
CREATE INDEX token_families_by_user ON token_families (user_id);
CREATE INDEX token_families_by_session ON token_families (session_id);
CREATE INDEX token_families_swept ON token_families (created_at);

CREATE TABLE access_tokens (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    family_id  TEXT   NOT NULL REFERENCES token_families (family_id) ON DELETE CASCADE,
    scope      TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_family ON access_tokens (family_id);
CREATE INDEX access_tokens_swept ON access_tokens (expires_at);

-- One token per generation: a family cannot branch.
CREATE TABLE refresh_tokens (
    token_hash      TEXT   NOT NULL PRIMARY KEY,
    family_id       TEXT   NOT NULL REFERENCES token_families (family_id) ON DELETE CASCADE,
    generation      BIGINT NOT NULL,
    idle_expires_at BIGINT,
    expires_at      BIGINT,
    consumed_at     BIGINT,
    heir            TEXT,
    UNIQUE (family_id, generation)
);
CREATE INDEX refresh_tokens_idle ON refresh_tokens (idle_expires_at);
CREATE INDEX refresh_tokens_swept ON refresh_tokens (expires_at);

CREATE TABLE tickets (
    ticket_hash TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL,
    user_id     TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    document    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX tickets_by_user ON tickets (user_id, kind, created_at);
CREATE INDEX tickets_swept ON tickets (expires_at);

CREATE TABLE rules (
    rule_id    TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    script     TEXT    NOT NULL,
    position   BIGINT  NOT NULL UNIQUE,
    enabled    BOOLEAN NOT NULL,
    revision   BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL
);

CREATE TABLE rule_configs (
    config_key TEXT NOT NULL PRIMARY KEY,
    value      TEXT NOT NULL -- sealed
);

CREATE TABLE signing_keys (
    kid            TEXT   NOT NULL PRIMARY KEY,
    alg            TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    private        TEXT   NOT NULL, -- sealed
    public         TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    current_since  BIGINT,
    previous_since BIGINT
);

-- GCRA: `tat` is when the key is empty again, `period` the cost of an event, `capacity` how far `tat` may be ahead.
CREATE TABLE limits (
    limit_key TEXT   NOT NULL PRIMARY KEY,
    tat       BIGINT NOT NULL,
    period    BIGINT NOT NULL,
    capacity  BIGINT NOT NULL
);
CREATE INDEX limits_swept ON limits (tat);

CREATE TABLE events (
    event_id        TEXT   NOT NULL PRIMARY KEY,
    kind            TEXT   NOT NULL,
    user_id         TEXT,
    organization_id TEXT,
    occurred_at     BIGINT NOT NULL,
    document        TEXT   NOT NULL
);
CREATE INDEX events_by_kind ON events (kind, event_id);
CREATE INDEX events_by_user ON events (user_id, event_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_by_organization ON events (organization_id, event_id) WHERE organization_id IS NOT NULL;

CREATE TABLE outbox (
    mail_id         TEXT   NOT NULL PRIMARY KEY,
    recipient       TEXT   NOT NULL,
    template        TEXT   NOT NULL,
    organization_id TEXT,
    data            TEXT, -- sealed; gone once the message is sent or given up
    state           TEXT   NOT NULL,
    attempts        BIGINT NOT NULL,
    last_error      TEXT,
    created_at      BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'pending';
CREATE INDEX outbox_paged ON outbox (created_at, mail_id);
