//! Owns [`Users`] in SQL.
//! Never touches passwords.

use crate::{
    sql::{FromRow, JsonText, Row, Scalar, Sql, Value, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    connector::Subject,
    email::Email,
    id::{ConnectionId, UserId},
    model::{Identity, User},
    port::store::{Page, StoreError, UserFilter, Users},
    time::Timestamp,
};
use serde::Deserialize;

/// Users as `u`, with their identities; `WHERE` comes next.
pub(crate) fn select<S: Session>() -> Sql<'static> {
    Sql::new(
        "SELECT u.user_id, u.document, u.blocked, u.logins_count, u.last_login_at, u.last_ip, u.session_epoch,
             CAST((SELECT ",
    )
    .push(S::ARRAY_OF)
    .push("(")
    .push(S::TUPLE)
    .push(
        "(i.connection_id, c.name, c.strategy, i.subject) ORDER BY i.position)
             FROM identities AS i JOIN connections AS c ON c.connection_id = i.connection_id
                 AND c.retired_at IS NULL
             WHERE i.user_id = u.user_id) AS TEXT) AS identities
         FROM users AS u",
    )
}

/// An identity as the query has it.
#[derive(Deserialize)]
struct StoredIdentity(ConnectionId, String, String, Subject);

impl From<StoredIdentity> for Identity {
    fn from(StoredIdentity(connection_id, connection, provider, subject): StoredIdentity) -> Self {
        Self { connection_id, connection, provider, subject }
    }
}

impl FromRow for User {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let identities: Option<JsonText<Vec<StoredIdentity>>> = row.get("identities")?;
        let identities = identities.into_iter().flat_map(|JsonText(identities)| identities);
        Ok(Self {
            identities: identities.map(Identity::from).collect(),
            logins_count: row.get("logins_count")?,
            last_login: row.at_optional("last_login_at")?,
            last_ip: row.get("last_ip")?,
            session_epoch: row.get("session_epoch")?,
            ..row.json("document")?
        })
    }
}

#[async_trait]
impl<S: Session> Users for SqlUnit<S> {
    async fn find(&mut self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.optional(select::<S>().push(" WHERE u.user_id = ").bind(id)).await?.filter(is_somebody))
    }

    async fn find_all(&mut self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        self.all(select::<S>().push(" WHERE u.user_id IN ").bind_all(ids)).await
    }

    async fn find_by_identity(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
    ) -> Result<Option<User>, StoreError> {
        let query =
            select::<S>().push(" WHERE u.user_id = (SELECT user_id FROM identities WHERE connection_id = ");
        let found = self.optional(query.bind(connection).push(" AND subject = ").bind(subject).push(")"));
        Ok(found.await?.filter(is_somebody))
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Vec<User>, StoreError> {
        let query = select::<S>().push(" WHERE u.email_normalized = ").bind(email.canonical());
        self.all(query.push(" ORDER BY u.created_at, u.user_id")).await
    }

    async fn list(&mut self, filter: &UserFilter, page: &Page) -> Result<Vec<User>, StoreError> {
        let query = restrict(select::<S>().push(" WHERE TRUE"), filter);
        self.all(query.page(page, "u.created_at", "u.user_id")).await
    }

    async fn count(&mut self, filter: &UserFilter) -> Result<i64, StoreError> {
        self.number(restrict(Sql::new("SELECT COUNT(*) AS value FROM users AS u WHERE TRUE"), filter)).await
    }

    async fn insert(&mut self, user: &User) -> Result<(), StoreError> {
        self.insert_all(std::slice::from_ref(user)).await
    }

    async fn insert_all(&mut self, users: &[User]) -> Result<(), StoreError> {
        for some in batches(users) {
            let rows = some.iter().map(columns).collect::<Result<Vec<_>, _>>()?;
            self.execute(Sql::new(INSERT).bind_rows(rows)).await?;
            let identities: Vec<_> = some
                .iter()
                .flat_map(|user| {
                    (0..).zip(&user.identities).map(move |(position, identity)| (user, position, identity))
                })
                .map(|(user, position, identity)| {
                    [
                        Value::from(&identity.connection_id),
                        Value::from(&identity.subject),
                        Value::from(&user.id),
                        Value::Integer(position),
                    ]
                })
                .collect();
            if !identities.is_empty() {
                let insert =
                    Sql::new("INSERT INTO identities (connection_id, subject, user_id, position) VALUES ");
                self.execute(insert.bind_rows(identities)).await?;
            }
        }
        Ok(())
    }

    async fn update(&mut self, user: &User) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE users SET email_normalized = $2, name_folded = $3, nickname_folded = $4, document = $5, blocked = $6
             WHERE user_id = $1",
            &user.id,
            user.email.as_ref().map(Email::canonical),
            folded(user, "name"),
            folded(user, "nickname"),
            JsonText(user).encode()?,
            user.blocked,
        ))
        .await
    }

    async fn record_login(&mut self, id: &UserId, at: Timestamp, ip: Option<&str>) -> Result<(), StoreError> {
        self.execute(sql!(
            "UPDATE users SET logins_count = logins_count + 1, last_login_at = $2, last_ip = $3 WHERE user_id = $1",
            id,
            at,
            ip,
        ))
        .await
        .map(drop)
    }

    async fn next_epoch(&mut self, id: &UserId) -> Result<Option<i64>, StoreError> {
        let epoch = sql!(
            "UPDATE users SET session_epoch = session_epoch + 1 WHERE user_id = $1 RETURNING session_epoch AS value",
            id,
        );
        Ok(self.optional(epoch).await?.map(|Scalar(epoch)| epoch))
    }

    async fn delete(&mut self, id: &UserId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM users WHERE user_id = $1", id)).await
    }
}

const INSERT: &str =
    "INSERT INTO users (user_id, email_normalized, name_folded, nickname_folded, document, blocked,
         logins_count, last_login_at, last_ip, session_epoch, created_at)
     VALUES ";

fn columns(user: &User) -> Result<[Value<'_>; 11], StoreError> {
    Ok([
        (&user.id).into(),
        user.email.as_ref().map(Email::canonical).into(),
        folded(user, "name").into(),
        folded(user, "nickname").into(),
        JsonText(user).encode()?,
        user.blocked.into(),
        user.logins_count.into(),
        user.last_login.into(),
        user.last_ip.as_deref().into(),
        user.session_epoch.into(),
        user.created_at.into(),
    ])
}

/// Whether a user has a connection that is in use: those of one that was deleted are nobody, and are deleted soon.
fn is_somebody(user: &User) -> bool {
    !user.identities.is_empty()
}

/// Rows for statements of many: in powers of two, so that there are few texts to prepare.
pub(crate) fn batches<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = (1..=MOST_ROWS.min(rows.len())).rev().find(|size| size.is_power_of_two())?;
        let (some, others) = rows.split_at(size);
        rows = others;
        Some(some)
    })
}

/// Rows in one statement.
const MOST_ROWS: usize = 64;

fn folded(user: &User, claim: &str) -> Option<String> {
    user.text(claim).map(str::to_ascii_lowercase)
}

fn restrict<'v>(mut query: Sql<'v>, filter: &'v UserFilter) -> Sql<'v> {
    if let Some(id) = &filter.user_id {
        query = query.push(" AND u.user_id = ").bind(id);
    }
    if let Some(email) = &filter.email {
        query = query.push(" AND u.email_normalized = ").bind(email.canonical());
    }
    if let Some(domain) = &filter.email_domain {
        let domain = domain.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query = query.push(" AND u.email_normalized LIKE ").bind(format!("%@{domain}")).push(" ESCAPE '\\'");
    }
    if let Some(blocked) = filter.blocked {
        query = query.push(" AND u.blocked = ").bind(blocked);
    }
    if let Some(connection) = &filter.connection {
        query = query
            .push(
                " AND EXISTS (SELECT 1 FROM identities AS i JOIN connections AS c ON c.connection_id = i.connection_id
                     WHERE i.user_id = u.user_id AND c.name = ",
            )
            .bind(connection)
            .push(")");
    }
    if let Some(text) = &filter.text {
        // A range, not LIKE: it is the same on both engines, needs no escaping and uses an index.
        let (first, last) = (text.to_ascii_lowercase(), format!("{}\u{10ffff}", text.to_ascii_lowercase()));
        for (n, column) in
            ["u.email_normalized", "u.name_folded", "u.nickname_folded"].into_iter().enumerate()
        {
            query = query.push(if n == 0 { " AND (" } else { " OR " }).push(column).push(" BETWEEN ");
            query = query.bind(first.clone()).push(" AND ").bind(last.clone());
        }
        query = query.push(")");
    }
    query
}
