//! Owns the proof that a login costs the same with ten organizations and with ten thousand: no lookup reads a table
//! from end to end.
//! Never touches time: it asks the planner.

use crate::{
    migrate::{MIGRATIONS, Schema, prepare},
    seal::{Kek, Keks, Vault},
    sql::{FromRow, Sql},
    sqlite,
    unit::{Session, SqlUnit},
};
use portico_core::{
    connector::Subject,
    email::Email,
    id::{
        ClientGrantId, ClientId, ConnectionId, FamilyId, InvitationId, LogId, MailId, OrganizationId,
        ResourceServerId, RoleId, RuleId, SessionId, TransactionId, UserId,
    },
    model::{OrganizationName, OutboxState, TicketKind},
    port::store::{
        Charge, ClientFilter, ClientGrantFilter, ConnectionFilter, EventFilter, Page, StoreError, UnitOfWork,
        UserFilter, Verdict,
    },
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use rusqlite::Connection;
use std::sync::Arc;

/// A connection that notes how each statement would be run.
struct Explained {
    connection: Connection,
    steps: Vec<String>,
}

impl Explained {
    fn explain(&mut self, sql: &Sql<'_>) {
        let mut explain = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text)).unwrap();
        // Without binding anything: a plan does not depend on values.
        let mut steps = explain.raw_query();
        while let Some(step) = steps.next().unwrap() {
            self.steps.push(format!("{} in: {}", step.get::<_, String>("detail").unwrap(), sql.text));
        }
    }
}

impl Session for Explained {
    const ENGINE: &'static str = Connection::ENGINE;
    const BEGIN_MIGRATION: &'static str = Connection::BEGIN_MIGRATION;
    const ORDER_BY_BYTES: &'static str = Connection::ORDER_BY_BYTES;
    const BEGIN_READING: &'static str = Connection::BEGIN_READING;
    const ARRAY_OF: &'static str = Connection::ARRAY_OF;
    const TUPLE: &'static str = Connection::TUPLE;

    async fn rows<T: FromRow>(&mut self, sql: &Sql<'_>, vault: &Vault) -> Result<Vec<T>, StoreError> {
        self.explain(sql);
        self.connection.rows(sql, vault).await
    }

    async fn execute(&mut self, sql: &Sql<'_>) -> Result<u64, StoreError> {
        self.explain(sql);
        Session::execute(&mut self.connection, sql).await
    }

    async fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.connection.script(text).await
    }

    async fn finish(&mut self, verdict: Verdict) -> Result<(), StoreError> {
        self.connection.finish(verdict).await
    }
}

async fn explained() -> (tempfile::TempDir, SqlUnit<Explained>) {
    let folder = tempfile::tempdir().unwrap();
    let mut unit = sqlite::unit(&folder.path().join("store.db")).unwrap();
    let keks = Keks::new(Kek::new([1; 32]), Vec::new());
    let vault = prepare(&mut unit, MIGRATIONS, Schema::Update, &keks).await.unwrap();
    let session = Explained { connection: unit.session, steps: Vec::new() };
    (folder, SqlUnit::new(session, Arc::new(vault)))
}

fn scans(unit: &SqlUnit<Explained>) -> Vec<&String> {
    assert!(unit.session.steps.len() > 10, "the control: something was explained");
    // Rows that a statement brings along are no table.
    let table = |step: &&String| !step.contains("CONSTANT ROW") && !step.contains("VALUES CLAUSE");
    unit.session.steps.iter().filter(|step| step.starts_with("SCAN")).filter(table).collect()
}

fn organization() -> OrganizationId {
    OrganizationId::parse("org_1").unwrap()
}

fn connection() -> ConnectionId {
    ConnectionId::parse("con_1").unwrap()
}

fn user() -> UserId {
    UserId::parse("auth0|1").unwrap()
}

fn client() -> ClientId {
    ClientId::parse("client").unwrap()
}

#[tokio::test]
async fn no_lookup_of_a_login_reads_a_whole_table() {
    let (_folder, mut unit) = explained().await;
    let (unit_of_work, hash, at) = (&mut unit as &mut dyn UnitOfWork, TokenHash::of("x"), Timestamp(1));
    let (organization, connection, user, client) = (organization(), connection(), user(), client());
    let subject = Subject("1".to_owned());
    let look = async {
        let unit = unit_of_work;
        unit.clients().find(&client).await?;
        unit.organizations().find(&organization).await?;
        unit.organizations().find_by_name(&OrganizationName::parse("acme").unwrap()).await?;
        unit.organizations().connections(&organization, &Page::first(50)).await?;
        unit.organizations().connection(&organization, &connection).await?;
        unit.organizations().with_connection(&connection, 2).await?;
        unit.connections().find(&connection).await?;
        unit.connections().find_by_name("acme").await?;
        unit.connections().find_all(&[connection.clone(), connection.clone()]).await?;
        unit.connections().of_client(&client).await?;
        unit.transactions().find(&TransactionId::parse("txn_1").unwrap()).await?;
        unit.transactions().count_of(&hash).await?;
        unit.credentials().find_by_identifier(&connection, "ann@example.test").await?;
        unit.credentials().find(&connection, &subject).await?;
        unit.credentials().rehash(&connection, &subject, &Secret::new("a"), &Secret::new("b")).await?;
        let charge = Charge { key: "k".to_owned(), burst: 1, period: std::time::Duration::from_secs(1) };
        unit.limits().charge(&[charge.clone(), Charge { key: "l".to_owned(), ..charge }], at).await?;
        unit.users().find(&user).await?;
        unit.users().find_by_identity(&connection, &subject).await?;
        unit.users().find_by_email(&Email::parse("ann@example.test").unwrap()).await?;
        unit.users().record_login(&user, at, None).await?;
        unit.users().next_epoch(&user).await?;
        unit.members().find(&organization, &user).await?;
        unit.members().organizations_of(&user, &Page::first(50)).await?;
        unit.members().count_of(&user).await?;
        unit.members().roles(&organization, &user, &Page::first(50)).await?;
        unit.roles().permissions_of(&[RoleId::parse("rol_1").unwrap()]).await?;
        unit.roles().of_user(&user, &Page::first(50)).await?;
        unit.roles().permissions_of_user(&user, &Page::first(50)).await?;
        unit.sessions().find_by_cookie(&hash).await?;
        unit.sessions().touch(&SessionId::parse("ses_1").unwrap(), &client, at, at).await?;
        unit.sessions().delete_of(&user, None).await?;
        unit.codes().find(&hash).await?;
        unit.codes().consume(&hash, at).await?;
        unit.grants().find_family(&FamilyId::parse("fam_1").unwrap()).await?;
        unit.grants().find_access_token(&hash).await?;
        unit.grants().find_refresh_token(&hash).await?;
        unit.grants().consume_refresh_token(&hash, at, None).await?;
        unit.grants().revoke_of_user(&user, Some(&organization), at).await?;
        unit.grants().revoke_of_session(&SessionId::parse("ses_1").unwrap(), at).await?;
        unit.invitations().find_by_ticket(&hash).await?;
        unit.invitations().consume(&InvitationId::parse("uinv_1").unwrap(), None, at).await?;
        unit.tickets().find(TicketKind::VerifyEmail, &hash).await?;
        unit.tickets().consume(&hash, at).await?;
        unit.resource_servers().find_by_identifier("https://api.test").await?;
        unit.client_grants().find_for(&client, "https://api.test").await?;
        Ok::<_, StoreError>(())
    };
    look.await.unwrap();
    assert_eq!(scans(&unit), Vec::<&String>::new());
}

#[tokio::test]
async fn pages_and_searches_use_an_index_for_their_order() {
    let (_folder, mut unit) = explained().await;
    let page = Page { after: Some((5, "x".to_owned())), ..Page::first(50) };
    let (organization, user) = (organization(), user());
    let work = &mut unit as &mut dyn UnitOfWork;
    let look = async {
        work.organizations().list(&page).await?;
        work.members().list(&organization, &page).await?;
        work.invitations().list(&organization, &page).await?;
        work.users().list(&UserFilter::default(), &page).await?;
        work.clients().list(&ClientFilter::default(), &page).await?;
        work.client_grants().list(&ClientGrantFilter::default(), &page).await?;
        work.connections().list(&ConnectionFilter::default(), &page).await?;
        work.resource_servers().list(&[], &page).await?;
        work.roles().list(None, &page).await?;
        work.events().list(&EventFilter::default(), &page).await?;
        let filter = EventFilter { user_id: Some(user.clone()), ..EventFilter::default() };
        work.events().list(&filter, &page).await?;
        let filter = EventFilter { organization_id: Some(organization.clone()), ..EventFilter::default() };
        work.events().list(&filter, &page).await?;
        work.outbox().list(None, &page).await?;
        work.outbox().claim(Timestamp(1), Timestamp(2), 10).await?;
        Ok::<_, StoreError>(())
    };
    look.await.unwrap();
    let not_keyed =
        |step: &&&String| !step.contains(" USING INDEX ") && !step.contains(" USING COVERING INDEX ");
    // A page may walk along the index of its order, since it stops when it is full; it may not sort.
    assert_eq!(scans(&unit).iter().filter(not_keyed).count(), 0, "{:#?}", scans(&unit));
    let sorts = unit.session.steps.iter().filter(|step| step.starts_with("USE TEMP B-TREE FOR ORDER BY"));
    assert_eq!(sorts.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test]
async fn deleting_and_sweeping_read_no_whole_table() {
    let (_folder, mut unit) = explained().await;
    let (organization, connection, user, client) = (organization(), connection(), user(), client());
    let at = Timestamp(1);
    let work = &mut unit as &mut dyn UnitOfWork;
    let delete = async {
        work.users().delete(&user).await?;
        work.organizations().delete(&organization, at).await?;
        work.connections().delete(&connection).await?;
        work.clients().delete(&client).await?;
        work.roles().delete(&RoleId::parse("rol_1").unwrap()).await?;
        work.rules().delete(&RuleId::parse("rul_1").unwrap()).await?;
        work.client_grants().delete(&ClientGrantId::parse("cgr_1").unwrap()).await?;
        work.resource_servers().delete(&ResourceServerId::parse("0".repeat(24)).unwrap()).await?;
        work.events().find(&LogId::parse("00000000000010").unwrap()).await?;
        work.outbox().settle(&MailId::parse("mail_1").unwrap(), OutboxState::Sent, None, at).await?;
        work.transactions().sweep(at).await?;
        work.sessions().sweep(at).await?;
        work.codes().sweep(at).await?;
        work.grants().sweep(at).await?;
        work.tickets().sweep(at).await?;
        work.limits().sweep(at).await?;
        work.events().sweep(at).await?;
        Ok::<_, StoreError>(())
    };
    delete.await.unwrap();
    assert_eq!(scans(&unit), Vec::<&String>::new());
}

/// Deleting a row looks for those that refer to it: every reference needs an index that begins with its columns.
#[tokio::test]
async fn every_reference_has_an_index() {
    let (_folder, unit) = explained().await;
    let database = &unit.session.connection;
    let texts = |statement: &str| -> Vec<String> {
        let mut statement = database.prepare(statement).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let references = texts(
        "SELECT m.name || ' ' || group_concat(f.\"from\", ',' ORDER BY f.seq)
         FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' GROUP BY m.name, f.id",
    );
    assert!(references.len() > 20, "the control: {references:?}");
    let indexes = texts(
        "SELECT m.name || ' ' || group_concat(i.name, ',' ORDER BY i.seqno)
         FROM sqlite_master AS m, pragma_index_list(m.name) AS l, pragma_index_info(l.name) AS i
         WHERE m.type = 'table' AND l.partial = 0 GROUP BY m.name, l.name",
    );
    for reference in references {
        let covered =
            indexes.iter().any(|index| *index == reference || index.starts_with(&format!("{reference},")));
        assert!(covered, "no index for {reference}");
    }
}
