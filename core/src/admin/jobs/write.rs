//! Owns what becomes of the rows of an import in one unit of work: who is made, who is changed, who is refused.
//! Never touches how rows are read.

use super::{
    import::Prepared,
    row::{Kind, fault, shown},
};
use crate::{
    account::end_everything,
    connector::AdoptionFault,
    id::UserId,
    model::{Connection, JobError, JobSummary, PasswordCredential, User, is_foreign},
    port::store::{StoreError, UnitOfWork},
    time::Timestamp,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What became of rows.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) summary: JobSummary,
    pub(super) errors: Vec<JobError>,
}

/// Write rows. Whoever exists is looked up for all of them at once.
pub(super) async fn write(
    unit: &mut (dyn UnitOfWork + '_),
    connection: &Connection,
    rows: &[Prepared],
    upsert: bool,
    at: Timestamp,
) -> Result<Written, StoreError> {
    let known = Known::look_up(unit, connection, rows).await?;
    let mut written = Written::default();
    let (mut users, mut credentials) = (Vec::new(), Vec::new());
    for prepared in rows {
        match known.verdict(prepared, upsert) {
            Verdict::Insert => {
                let (user, credential) = made(connection, prepared, at);
                users.push(user);
                credentials.push(credential);
                written.summary.inserted += 1;
            }
            Verdict::Update(credential, user) => {
                change(unit, connection, (credential, user), prepared, at).await?;
                written.summary.updated += 1;
            }
            Verdict::Refuse(errors) => {
                let (position, user) = (prepared.position, shown(&prepared.given));
                written.errors.push(JobError { position, user, errors });
                written.summary.failed += 1;
            }
        }
    }
    unit.users().insert_all(&users).await?;
    unit.credentials().insert_all(&credentials).await?;
    Ok(written)
}

/// Who exists of those that rows are about.
struct Known {
    credentials: Vec<PasswordCredential>,
    emails: BTreeMap<String, usize>,
    usernames: BTreeMap<String, usize>,
    subjects: BTreeMap<String, usize>,
    users: BTreeMap<UserId, User>,
}

/// What is to become of a row.
enum Verdict<'k> {
    Insert,
    Update(&'k PasswordCredential, &'k User),
    Refuse(Vec<AdoptionFault>),
}

impl Known {
    async fn look_up(
        unit: &mut (dyn UnitOfWork + '_),
        connection: &Connection,
        rows: &[Prepared],
    ) -> Result<Self, StoreError> {
        let texts = |of: fn(&Prepared) -> Option<String>| rows.iter().filter_map(of).collect::<Vec<_>>();
        let emails = texts(|row| Some(row.row.email.canonical().to_owned()));
        let usernames = texts(|row| row.credential.username.as_ref().map(|name| name.to_lowercase()));
        let subjects = texts(|row| row.row.subject.clone());
        let credentials = unit.credentials().find_all(&connection.id, &emails, &usernames, &subjects).await?;
        let mut ids: BTreeSet<_> =
            rows.iter().filter(|row| row.row.subject.is_some()).map(|row| row.user_id.clone()).collect();
        ids.extend(credentials.iter().map(|credential| credential.user_id.clone()));
        let ids: Vec<_> = ids.into_iter().collect();
        let users = if ids.is_empty() { Vec::new() } else { unit.users().find_all(&ids).await? };
        let mut known = Self {
            emails: BTreeMap::new(),
            usernames: BTreeMap::new(),
            subjects: BTreeMap::new(),
            users: users.into_iter().map(|user| (user.id.clone(), user)).collect(),
            credentials,
        };
        for (n, credential) in known.credentials.iter().enumerate() {
            known.emails.extend(credential.email_normalized.clone().map(|email| (email, n)));
            known.usernames.extend(credential.username_normalized.clone().map(|name| (name, n)));
            known.subjects.insert(credential.subject.0.clone(), n);
        }
        Ok(known)
    }

    fn verdict(&self, prepared: &Prepared, upsert: bool) -> Verdict<'_> {
        let email = prepared.row.email.canonical();
        let username = prepared.credential.username.as_ref().map(|name| name.to_lowercase());
        let found = [
            (Kind::Subject, prepared.row.subject.as_ref().and_then(|subject| self.subjects.get(subject))),
            (Kind::Email, self.emails.get(email)),
            (Kind::Username, username.as_ref().and_then(|name| self.usernames.get(name))),
        ];
        let found: Vec<(Kind, usize)> =
            found.into_iter().filter_map(|(kind, n)| n.map(|n| (kind, *n))).collect();
        let Some((_, first)) = found.first() else {
            if self.users.contains_key(&prepared.user_id) {
                return Verdict::Refuse(vec![taken(Kind::Subject, "a user of another connection")]);
            }
            return Verdict::Insert;
        };
        if !upsert {
            return Verdict::Refuse(
                found.iter().map(|(kind, _)| taken(*kind, "a user who exists")).collect(),
            );
        }
        let others = found.iter().filter(|(_, n)| n != first);
        let others: Vec<_> = others.map(|(kind, _)| taken(*kind, "another user who exists")).collect();
        if !others.is_empty() {
            return Verdict::Refuse(others);
        }
        self.same_person(*first, prepared, username.as_deref())
    }

    /// A row that is about somebody who exists: by what they are known, it cannot change (`security.md` API-09).
    fn same_person(&self, n: usize, prepared: &Prepared, username: Option<&str>) -> Verdict<'_> {
        let Some((credential, user)) = self
            .credentials
            .get(n)
            .and_then(|credential| Some((credential, self.users.get(&credential.user_id)?)))
        else {
            return Verdict::Refuse(vec![taken(Kind::Email, "a user who is being deleted")]);
        };
        let differs = [
            (Kind::Email, credential.email_normalized.as_deref() != Some(prepared.row.email.canonical())),
            (Kind::Username, username.is_some() && credential.username_normalized.as_deref() != username),
            (
                Kind::Subject,
                prepared.row.subject.as_ref().is_some_and(|subject| *subject != credential.subject.0),
            ),
        ];
        let differs = differs.into_iter().filter(|(_, differs)| *differs);
        let faults: Vec<_> = differs
            .map(|(kind, _)| {
                let (code, path) = kind.conflict();
                fault(code, path, "The user exists with another one, which an import does not change.")
            })
            .collect();
        if faults.is_empty() { Verdict::Update(credential, user) } else { Verdict::Refuse(faults) }
    }
}

pub(super) fn taken(kind: Kind, by: &str) -> AdoptionFault {
    let (code, path) = kind.conflict();
    fault(code, path, format!("It is taken by {by}."))
}

/// A user to be, and their credential.
fn made(connection: &Connection, prepared: &Prepared, at: Timestamp) -> (User, PasswordCredential) {
    let Prepared { row, subject, credential, user_id, .. } = prepared;
    let mut profile = row.profile.clone();
    for (claim, text) in [("name", row.email.canonical()), ("nickname", row.email.local_part())] {
        if !profile.contains_key(claim) {
            profile.insert(claim.to_owned(), Value::from(text));
        }
    }
    let user = User {
        email: Some(row.email.clone()),
        email_verified: row.email_verified,
        username: credential.username.clone(),
        profile,
        user_metadata: row.user_metadata.clone().unwrap_or_default(),
        app_metadata: row.app_metadata.clone().unwrap_or_default(),
        blocked: row.blocked.unwrap_or(false),
        ..User::new(user_id.clone(), connection, subject.clone(), at)
    };
    let credential =
        PasswordCredential::new(&connection.id, user_id, subject.clone(), credential.clone(), at);
    (user, credential)
}

/// Change somebody who exists: profile, metadata (which is replaced, not merged) and the block. Whether their address is
/// verified stays, and so does their password, unless it came with an import and was never used (contract §2.10).
async fn change(
    unit: &mut (dyn UnitOfWork + '_),
    connection: &Connection,
    (credential, user): (&PasswordCredential, &User),
    prepared: &Prepared,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = &prepared.row;
    let mut changed = user.clone();
    changed.profile.extend(row.profile.clone());
    if let Some(metadata) = &row.user_metadata {
        changed.user_metadata.clone_from(metadata);
    }
    if let Some(metadata) = &row.app_metadata {
        changed.app_metadata.clone_from(metadata);
    }
    changed.blocked = row.blocked.unwrap_or(user.blocked);
    changed.updated_at = at;
    unit.users().update(&changed).await?;
    if changed.blocked && !user.blocked {
        end_everything(unit, &user.id, at).await?;
    }
    let imported = credential.password_hash.as_ref().filter(|hash| is_foreign(hash));
    if let (Some(old), Some(new), 0) = (imported, &prepared.credential.password_hash, user.logins_count) {
        unit.credentials().rehash(&connection.id, &credential.subject, old, new).await?;
    }
    Ok(())
}
