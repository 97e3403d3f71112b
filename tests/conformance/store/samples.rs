//! Owns the things that tests store.
//! Never touches a store, but to furnish one.

use super::write;
use portico_core::{
    connector::{Evidence, Intent, Memo, Subject},
    email::Email,
    id::{
        ClientGrantId, ClientId, ConnectionId, FamilyId, InvitationId, LogId, MailId, OrganizationId,
        ResourceServerId, RoleId, RuleId, SessionId, TransactionId, UserId,
    },
    jose::jwk::Jwk,
    login::{Awaiting, Stage, Transaction},
    model::{
        AuditEvent, AuthorizationCode, Client, ClientAuthentication, ClientGrant, CodeChallenge, Connection,
        EventKind, Identity, Invitation, KeyState, Organization, OrganizationConnection, OrganizationName,
        OrganizationUsage, OutboxMail, OutboxState, PasswordCredential, RefreshTokenPolicy, RequireBehavior,
        ResourceServer, Role, Rule, Scope, Session, SigningKey, Ticket, TicketKind, TokenFamily, User,
    },
    oauth::{AuthorizeRequest, ResponseMode},
    port::store::Store,
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// The audience of the API that a furnished store has.
pub(crate) const AUDIENCE: &str = "https://api.travel0.test";

pub(crate) fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

pub(crate) fn organization_id(n: i64) -> OrganizationId {
    OrganizationId::parse(format!("org_{n:04}")).unwrap()
}

pub(crate) fn connection_id(n: i64) -> ConnectionId {
    ConnectionId::parse(format!("con_{n:04}")).unwrap()
}

pub(crate) fn client_id(n: i64) -> ClientId {
    ClientId::parse(format!("client{n:04}")).unwrap()
}

pub(crate) fn user_id(n: i64) -> UserId {
    UserId::parse(format!("auth0|{n:04}")).unwrap()
}

pub(crate) fn role_id(n: i64) -> RoleId {
    RoleId::parse(format!("rol_{n:04}")).unwrap()
}

pub(crate) fn session_id(n: i64) -> SessionId {
    SessionId::parse(format!("ses_{n:04}")).unwrap()
}

pub(crate) fn family_id(n: i64) -> FamilyId {
    FamilyId::parse(format!("fam_{n:04}")).unwrap()
}

pub(crate) fn organization_name(n: i64) -> OrganizationName {
    OrganizationName::parse(&format!("acme{n:04}")).unwrap()
}

pub(crate) fn organization(n: i64) -> Organization {
    Organization {
        id: organization_id(n),
        name: organization_name(n),
        display_name: Some(format!("Acme {n}")),
        branding: None,
        metadata: Some(map(&json!({"plan": "gold"}))),
        extra: map(&json!({"kept": [1, "two"]})),
        created_at: Timestamp(1000 + n),
    }
}

pub(crate) fn connection(n: i64) -> Connection {
    Connection {
        id: connection_id(n),
        name: format!("connection-{n:04}"),
        strategy: if n % 2 == 0 { "auth0" } else { "oidc" }.to_owned(),
        display_name: None,
        options: json!({"client_secret": "canary-options", "scopes": ["openid"]}),
        enabled_clients: vec![client_id(0)],
        realms: vec!["realm".to_owned()],
        extra: Map::new(),
        revision: 1,
        created_at: Timestamp(1000 + n),
        updated_at: Timestamp(1000 + n),
    }
}

pub(crate) fn organization_connection(organization: i64, connection: i64) -> OrganizationConnection {
    OrganizationConnection {
        organization_id: organization_id(organization),
        connection_id: connection_id(connection),
        assign_membership_on_login: true,
        show_as_button: false,
        is_signup_enabled: false,
        organization_connection_name: None,
        organization_access_level: Some("full".to_owned()),
        is_enabled: true,
        created_at: Timestamp(1000 + organization + connection),
    }
}

pub(crate) fn client(n: i64) -> Client {
    Client {
        id: client_id(n),
        secret: Secret::new(format!("canary-client-secret-{n}")),
        name: format!("Client {n}"),
        app_type: Some(if n % 2 == 0 { "regular_web" } else { "spa" }.to_owned()),
        authentication: ClientAuthentication::ClientSecretPost,
        callbacks: vec!["https://app.test/callback".to_owned()],
        allowed_logout_urls: Vec::new(),
        web_origins: Vec::new(),
        allowed_origins: Vec::new(),
        initiate_login_uri: None,
        grant_types: vec!["authorization_code".to_owned()],
        is_first_party: n != 2,
        organization_usage: OrganizationUsage::Allow,
        organization_require_behavior: RequireBehavior::PreLoginPrompt,
        id_token_lifetime: 36_000,
        refresh_token: RefreshTokenPolicy::default(),
        is_global: n == 3,
        extra: map(&json!({"logo_uri": "https://app.test/logo.svg"})),
        created_at: Timestamp(1000 + n),
        updated_at: Timestamp(1000 + n),
    }
}

pub(crate) fn resource_server(n: i64) -> ResourceServer {
    ResourceServer {
        id: ResourceServerId::parse(format!("{n:024x}")).unwrap(),
        identifier: if n == 0 { AUDIENCE.to_owned() } else { format!("https://api{n}.test") },
        name: Some("Travel0".to_owned()),
        scopes: vec![Scope { value: "read:trips".to_owned(), description: None }],
        allow_offline_access: true,
        token_lifetime: 86_400,
        token_lifetime_for_web: 7200,
        enforce_policies: true,
        token_dialect: "access_token_authz".to_owned(),
        is_system: false,
        extra: Map::new(),
        created_at: Timestamp(1000 + n),
    }
}

pub(crate) fn client_grant(n: i64, client: i64) -> ClientGrant {
    ClientGrant {
        id: ClientGrantId::parse(format!("cgr_{n:04}")).unwrap(),
        client_id: client_id(client),
        audience: AUDIENCE.to_owned(),
        scope: vec!["read:trips".to_owned()],
        organization_usage: OrganizationUsage::Require,
        allow_any_organization: false,
        organizations: vec![organization_id(0)],
        revision: 1,
        created_at: Timestamp(1000 + n),
    }
}

pub(crate) fn role(n: i64) -> Role {
    Role {
        id: role_id(n),
        name: format!("Role {n:04}"),
        description: Some("what it is for".to_owned()),
        created_at: Timestamp(1000 + n),
    }
}

pub(crate) fn identity(connection: i64, subject: &str) -> Identity {
    Identity {
        connection_id: connection_id(connection),
        connection: format!("connection-{connection:04}"),
        provider: if connection % 2 == 0 { "auth0" } else { "oidc" }.to_owned(),
        subject: Subject(subject.to_owned()),
    }
}

pub(crate) fn user(n: i64) -> User {
    User {
        id: user_id(n),
        identities: vec![identity(0, &format!("subject \"{n}\" ñ"))],
        email: Some(Email::parse(&format!("User{n}@Example.test")).unwrap()),
        email_verified: true,
        username: None,
        profile: map(&json!({"name": format!("Ann {n}"), "nickname": format!("nick{n}")})),
        user_metadata: map(&json!({"theme": "dark"})),
        app_metadata: map(&json!({"groups": ["a", "b"]})),
        blocked: false,
        logins_count: 0,
        last_login: None,
        last_ip: None,
        last_password_reset: None,
        session_epoch: 1,
        created_at: Timestamp(1000 + n),
        updated_at: Timestamp(1000 + n),
    }
}

pub(crate) fn credential(n: i64) -> PasswordCredential {
    PasswordCredential {
        connection_id: connection_id(0),
        user_id: user_id(n),
        subject: Subject(format!("subject \"{n}\" ñ")),
        email_normalized: Some(format!("user{n}@example.test")),
        username_normalized: Some(format!("user{n}")),
        password_hash: Some(Secret::new(format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${n}"))),
        history: Vec::new(),
        changed_at: Timestamp(1000 + n),
        awaits_verification: false,
    }
}

pub(crate) fn invitation(n: i64) -> Invitation {
    Invitation {
        id: InvitationId::parse(format!("uinv_{n:04}")).unwrap(),
        organization_id: organization_id(0),
        inviter_name: "Bob".to_owned(),
        invitee_email: Email::parse("ann@example.test").unwrap(),
        client_id: client_id(0),
        connection_id: None,
        roles: vec![role_id(0)],
        app_metadata: Map::new(),
        user_metadata: Map::new(),
        api_ticket: Secret::new(format!("canary-api-ticket-{n}")),
        mail_ticket: Some(Secret::new(format!("canary-mail-ticket-{n}"))),
        created_at: Timestamp(1000 + n),
        expires_at: Timestamp(9000),
        consumed_at: None,
        accepted_by: None,
    }
}

pub(crate) fn request() -> AuthorizeRequest {
    AuthorizeRequest {
        client_id: client_id(0),
        redirect_uri: "https://app.test/callback".to_owned(),
        redirect_uri_given: true,
        response_mode: ResponseMode::Query,
        scope: vec!["openid".to_owned()],
        state: Some("xyz".to_owned()),
        nonce: None,
        code_challenge: Some(CodeChallenge::S256("challenge".to_owned())),
        audience: None,
        prompt: Vec::new(),
        max_age: None,
        login_hint: None,
        screen_hint: None,
        connection: None,
        organization: Some(organization_id(0)),
        organization_by_name: false,
        invitation: None,
        acr_values: Vec::new(),
        ui_locales: Vec::new(),
    }
}

pub(crate) fn transaction_id(n: i64) -> TransactionId {
    TransactionId::parse(format!("txn_canary{n:04}")).unwrap()
}

pub(crate) fn transaction(n: i64) -> Transaction {
    Transaction {
        id: transaction_id(n),
        version: 1,
        browser: hash("browser"),
        request: request(),
        stage: Stage::Awaiting(Awaiting {
            connection: connection_id(0),
            intent: Intent::SignIn,
            memo: Memo::write(&"canary-memo").unwrap(),
            prompt: None,
            refusals: 0,
            candidates: Vec::new(),
        }),
        ip: Some("192.0.2.1".to_owned()),
        user_agent: None,
        created_at: Timestamp(1000 + n),
        expires_at: Timestamp(9000),
        trace: vec!["began".to_owned()],
    }
}

pub(crate) fn session(n: i64, user: i64) -> Session {
    Session {
        id: session_id(n),
        cookie: hash(&format!("cookie{n}")),
        user_id: user_id(user),
        connection_id: connection_id(0),
        organization_id: Some(organization_id(0)),
        amr: vec!["pwd".to_owned()],
        clients: vec![client_id(0)],
        epoch: 1,
        authenticated_at: Timestamp(1000),
        used_at: Timestamp(1000),
        idle_expires_at: Timestamp(5000 + n),
        expires_at: Timestamp(9000),
        upstream: Evidence {
            session_index: Some(format!("canary-index{n}")),
            name: Some(format!("canary-name{n}")),
            ..Evidence::default()
        },
    }
}

pub(crate) fn family(n: i64, user: i64) -> TokenFamily {
    TokenFamily {
        id: family_id(n),
        client_id: client_id(0),
        user_id: user_id(user),
        connection_id: connection_id(0),
        organization_id: Some(organization_id(0)),
        audience: Some(AUDIENCE.to_owned()),
        scope: vec!["openid".to_owned(), "offline_access".to_owned()],
        session_id: Some(session_id(0)),
        auth_time: Timestamp(1000),
        amr: vec!["pwd".to_owned()],
        epoch: 1,
        created_at: Timestamp(1000 + n),
        revoked_at: None,
    }
}

pub(crate) fn code(n: i64) -> AuthorizationCode {
    AuthorizationCode {
        hash: hash(&format!("code{n}")),
        family: family(100 + n, 0),
        redirect_uri: "https://app.test/callback".to_owned(),
        redirect_uri_given: true,
        nonce: Some("nonce".to_owned()),
        code_challenge: Some(CodeChallenge::S256("challenge".to_owned())),
        id_token_claims: map(&json!({"https://app.test/roles": ["admin"]})),
        access_token_claims: Map::new(),
        expires_at: Timestamp(5000 + n),
        consumed_at: None,
    }
}

pub(crate) fn ticket(n: i64, kind: TicketKind) -> Ticket {
    Ticket {
        hash: hash(&format!("ticket{n}")),
        kind,
        user_id: user_id(0),
        email: Email::parse("user0@example.test").unwrap(),
        proves_address: true,
        result_url: None,
        connection_id: connection_id(0),
        client_id: None,
        organization_id: None,
        created_at: Timestamp(1000 + n),
        expires_at: Timestamp(9000),
        consumed_at: None,
    }
}

pub(crate) fn rule(n: i64) -> Rule {
    Rule {
        id: RuleId::parse(format!("rul_{n:04}")).unwrap(),
        name: format!("Rule {n}"),
        script: "function rule(user, context, callback) { callback(null, user, context); }".to_owned(),
        order: n,
        enabled: n % 2 == 0,
        revision: 1,
        created_at: Timestamp(1000 + n),
    }
}

pub(crate) fn signing_key(n: i64) -> SigningKey {
    SigningKey {
        kid: format!("kid{n}"),
        alg: "ES256".to_owned(),
        private: b"canary-private-key".to_vec().into(),
        public: Jwk {
            kty: "EC".to_owned(),
            usage: "sig".to_owned(),
            alg: "ES256".to_owned(),
            kid: format!("kid{n}"),
            n: None,
            e: None,
            crv: Some("P-256".to_owned()),
            x: Some("x".to_owned()),
            y: Some("y".to_owned()),
            x5c: None,
            x5t: None,
        },
        state: KeyState::Next,
        created_at: Timestamp(1000 + n),
        current_since: None,
        previous_since: None,
    }
}

pub(crate) fn event(n: i64, kind: EventKind) -> AuditEvent {
    AuditEvent {
        id: LogId::parse(format!("{:013}{n:06}", 1000 + n)).unwrap(),
        kind,
        at: Timestamp(1000 + n),
        description: None,
        client_id: None,
        client_name: None,
        connection_id: None,
        connection: None,
        strategy: None,
        organization_id: (n % 2 == 0).then(|| organization_id(0)),
        organization_name: None,
        user_id: Some(user_id(n)),
        user_name: None,
        session_id: None,
        ip: None,
        user_agent: None,
        scope: None,
        audience: None,
        reference: None,
        details: map(&json!({"reason": "none"})),
    }
}

pub(crate) fn mail(n: i64) -> OutboxMail {
    OutboxMail {
        id: MailId::parse(format!("mail_{n:04}")).unwrap(),
        to: "ann@example.test".to_owned(),
        template: "user_invitation".to_owned(),
        organization_id: Some(organization_id(0)),
        data: map(&json!({"ticket": "canary-mail-data"})),
        state: OutboxState::Pending,
        attempts: 0,
        last_error: None,
        created_at: Timestamp(1000 + n),
        next_attempt_at: Timestamp(1000 + n),
    }
}

/// Client 0, connections 0 and 1, the API, organization 0, role 0, and users 0 and 1 at connection 0.
pub(crate) async fn furnish(store: &dyn Store) {
    write!(store, unit => {
        unit.clients().insert(&client(0)).await?;
        unit.connections().insert(&connection(0)).await?;
        unit.connections().insert(&connection(1)).await?;
        unit.resource_servers().insert(&resource_server(0)).await?;
        unit.organizations().insert(&organization(0), Timestamp(0)).await?;
        unit.roles().insert(&role(0)).await?;
        unit.users().insert(&user(0)).await?;
        unit.users().insert(&user(1)).await?;
    });
}

/// Equality of things that hold secrets: what they serialize to.
pub(crate) fn same<T: serde::Serialize>(one: &T, other: &T) -> bool {
    serde_json::to_value(one).unwrap() == serde_json::to_value(other).unwrap()
}
