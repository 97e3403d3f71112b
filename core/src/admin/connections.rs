//! Owns what administrators do with connections.
//! Never touches what options mean: the connector's factory checks them.

use super::{Actor, Admin, AdminError, Change, actor::About, change::merge, text::for_people};
use crate::{
    connector::Population,
    id::{ClientId, ConnectionId},
    model::{Connection, EventKind},
    port::store::{ConnectionFilter, Page, UnitOfWork, UserFilter},
};
use serde_json::{Map, Value};

/// The strategy of databases: the one that keeps accounts which the Management API may make.
const DATABASE: &str = "auth0";

/// A connection to be.
#[derive(Clone, Debug)]
pub struct ConnectionDraft {
    /// Its unique name, for good.
    pub name: String,
    /// Which connector it is for, for good.
    pub strategy: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// The connector's own configuration.
    pub options: Map<String, Value>,
    /// The applications it is enabled for.
    pub enabled_clients: Vec<ClientId>,
    /// Names by which password grants mean it; its own name when there are none.
    pub realms: Vec<String>,
    /// Fields that are kept and given back.
    pub extra: Map<String, Value>,
}

/// What is to become of a connection.
#[derive(Clone, Debug, Default)]
pub struct ConnectionChange {
    /// Its name for people.
    pub display_name: Change<String>,
    /// New options in place of all the old ones; secret ones that are left out or masked stay.
    pub options: Option<Map<String, Value>>,
    /// The applications it is enabled for, in place of the old ones.
    pub enabled_clients: Option<Vec<ClientId>>,
    /// Names by which password grants mean it.
    pub realms: Change<Vec<String>>,
    /// Fields that are kept and given back; `null` removes one.
    pub extra: Map<String, Value>,
}

/// Whether a connection is to be enabled for an application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnabledClient {
    /// The application.
    pub client_id: ClientId,
    /// Enabled, or not.
    pub status: bool,
}

/// What stands in answers where a secret option is.
pub const MASK: &str = "********";

impl Admin {
    /// A page of the connections that fit, and how many do.
    pub async fn connections(
        &self,
        filter: ConnectionFilter,
        page: Page,
    ) -> Result<(Vec<Connection>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.connections().list(&filter, &page).await?;
                    Ok((rows, unit.connections().count(&filter).await?))
                })
            })
            .await
    }

    /// One connection.
    pub async fn connection(&self, id: &ConnectionId) -> Result<Connection, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// A connection's options as answers may show them: secrets masked (API-05).
    pub fn shown_options(&self, connection: &Connection) -> Value {
        let mut options = connection.options.clone();
        let secrets = self.factories.factory(&connection.strategy).map_or(&[][..], |f| f.secret_options());
        if let Value::Object(options) = &mut options {
            for name in secrets {
                if let Some(value) = options.get_mut(*name) {
                    mask(value);
                }
            }
        }
        options
    }

    /// Make one.
    pub async fn create_connection(
        &self,
        actor: &Actor,
        draft: ConnectionDraft,
    ) -> Result<Connection, AdminError> {
        if !is_name(&draft.name) {
            return Err(AdminError::property(
                format!("String does not match pattern {NAME_PATTERN}: {}", draft.name),
                "name",
                "The name of the connection",
            ));
        }
        check_texts(draft.display_name.as_deref(), &draft.extra)?;
        let options = self.checked_options(&draft.strategy, draft.options).await?;
        let at = self.clock.now();
        let realms = if draft.realms.is_empty() { vec![draft.name.clone()] } else { draft.realms };
        let connection = Connection {
            id: ConnectionId::random(self.entropy.as_ref()),
            name: draft.name,
            strategy: draft.strategy,
            display_name: draft.display_name,
            options,
            enabled_clients: draft.enabled_clients,
            realms,
            extra: draft.extra,
            revision: 1,
            created_at: at,
            updated_at: at,
        };
        let event = self.wrote(actor, "Create a connection", About::connection(&connection.id));
        self.write(event, move |unit| {
            Box::pin(async move {
                clients_exist(unit, &connection.enabled_clients).await?;
                unit.connections().insert(&connection).await?;
                Ok(connection)
            })
        })
        .await
        .map_err(|error| {
            error.taken(
                "connections_name_key",
                "connection_conflict",
                "A connection with the same name already exists",
            )
        })
    }

    /// Change one. A change of what it trusts is an entry of its own in the log.
    pub async fn update_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        change: ConnectionChange,
    ) -> Result<Connection, AdminError> {
        check_texts(change.display_name.value().map(String::as_str), &change.extra)?;
        let old = self.connection(id).await?;
        let options = match change.options {
            Some(given) => {
                let secrets = self.factories.factory(&old.strategy).map_or(&[][..], |f| f.secret_options());
                let options = keep_secrets(given, &old.options, secrets);
                let options = self.checked_options(&old.strategy, options).await?;
                self.may_change(&old, &options).await?;
                Some(options)
            }
            None => None,
        };
        let trust = options.as_ref().is_some_and(|new| trusted(new) != trusted(&old.options));
        let trust = trust.then(|| {
            let what = "What the connection trusts was changed";
            self.event(actor, EventKind::ConnectionTrustChanged, what, About::connection(id))
        });
        let event = self.wrote(actor, "Update a connection", About::connection(id));
        let at = self.clock.now();
        let mut connection = old.clone();
        connection.options = options.unwrap_or(connection.options);
        change.display_name.apply(&mut connection.display_name);
        change.realms.apply_or(&mut connection.realms, vec![connection.name.clone()]);
        merge(&mut connection.extra, change.extra);
        connection.revision += 1;
        connection.updated_at = at;
        let enabled = change.enabled_clients;
        self.write(event, move |unit| {
            Box::pin(async move {
                // The revision is compared: a change that came between is not overwritten.
                unit.connections().update(&connection).await?;
                if let Some(clients) = enabled {
                    clients_exist(unit, &clients).await?;
                    for gone in connection.enabled_clients.iter().filter(|id| !clients.contains(id)) {
                        unit.connections().enable(&connection.id, gone, false).await?;
                    }
                    for new in clients.iter().filter(|id| !connection.enabled_clients.contains(id)) {
                        unit.connections().enable(&connection.id, new, true).await?;
                    }
                    connection.enabled_clients = clients;
                }
                if let Some(trust) = trust {
                    unit.events().insert(&trust).await?;
                }
                Ok(connection)
            })
        })
        .await
    }

    /// A page of the applications a connection is enabled for.
    pub async fn connection_clients(
        &self,
        id: &ConnectionId,
        page: Page,
    ) -> Result<Vec<ClientId>, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    Ok(unit.connections().clients(id, &page).await?)
                })
            })
            .await
    }

    /// Enable a connection for applications, or disable it.
    pub async fn enable_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        clients: Vec<EnabledClient>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Update enabled clients of a connection", About::connection(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                for EnabledClient { client_id, status } in &clients {
                    if unit.clients().find(client_id).await?.is_none() {
                        return Err(AdminError::missing("inexistent_client", "The client does not exist"));
                    }
                    unit.connections().enable(&id, client_id, *status).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Whether options that are right in themselves may come after the old ones: some cannot be changed any more.
    async fn may_change(&self, old: &Connection, options: &Value) -> Result<(), AdminError> {
        let Some(factory) = self.factories.factory(&old.strategy) else { return Ok(()) };
        let filter = UserFilter { connection: Some(old.name.clone()), ..UserFilter::default() };
        let users = self
            .store
            .read(|unit| {
                Box::pin(
                    async move { Ok::<_, AdminError>(unit.users().list(&filter, &Page::first(1)).await?) },
                )
            })
            .await?;
        let population = if users.is_empty() { Population::Empty } else { Population::Inhabited };
        factory.check_change(&old.options, options, population).map_err(AdminError::body)
    }

    /// The options as they are saved: checked, and with what the other side publishes. No unit of work is open meanwhile.
    async fn checked_options(
        &self,
        strategy: &str,
        options: Map<String, Value>,
    ) -> Result<Value, AdminError> {
        let Some(factory) = self.factories.factory(strategy) else {
            return Err(AdminError::property(
                format!("No enum match for: {strategy}"),
                "strategy",
                "The type of the connection, related to the identity provider",
            ));
        };
        let options = Value::Object(options);
        let completed = match factory.check(&options) {
            Ok(()) => self.connectors.complete(strategy, options).await,
            Err(problems) => Err(problems),
        };
        completed.map_err(|problems| {
            let text = problems.iter().map(|problem| {
                let pointer = problem.pointer.trim_start_matches('/').replace('/', ".");
                let property =
                    if pointer.is_empty() { "options".to_owned() } else { format!("options.{pointer}") };
                format!("'{}' on property {property}", problem.message)
            });
            let text = text.collect::<Vec<_>>().join("; ");
            AdminError::body(format!("Payload validation error: {text} (The connection's options)."))
        })
    }
}

/// Whether the Management API may make accounts in connections of this strategy.
pub(super) fn keeps_accounts(strategy: &str) -> bool {
    strategy == DATABASE
}

async fn found(unit: &mut (dyn UnitOfWork + '_), id: &ConnectionId) -> Result<Connection, AdminError> {
    let missing = || AdminError::missing("inexistent_connection", "The connection does not exist");
    unit.connections().find(id).await?.ok_or_else(missing)
}

async fn clients_exist(unit: &mut (dyn UnitOfWork + '_), clients: &[ClientId]) -> Result<(), AdminError> {
    for client in clients {
        if unit.clients().find(client).await?.is_none() {
            return Err(AdminError::Invalid {
                code: "inexistent_client",
                message: format!("One or more of the enabled clients do not exist: {client}"),
            });
        }
    }
    Ok(())
}

/// `^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$`, at most 128 characters (contract §2.5).
fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = bytes
        .first()
        .zip(bytes.last())
        .is_some_and(|(a, z)| a.is_ascii_alphanumeric() && z.is_ascii_alphanumeric());
    ends && bytes.len() <= 128
        && !name.contains("--")
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn check_texts(display_name: Option<&str>, extra: &Map<String, Value>) -> Result<(), AdminError> {
    if let Some(text) = display_name {
        for_people(text, "display_name", "Connection name used in the login screen")?;
    }
    let metadata = extra.get("metadata").and_then(Value::as_object);
    let short = |text: &str| text.chars().count() <= 255;
    let fits = metadata.is_none_or(|map| {
        map.len() <= 10 && map.iter().all(|(key, value)| short(key) && value.as_str().is_some_and(short))
    });
    if fits {
        return Ok(());
    }
    Err(AdminError::property(
        "At most 10 texts of at most 255 characters each",
        "metadata",
        "Metadata associated with the connection",
    ))
}

/// The given options, with the stored secrets where they were left out or come back as answers show them.
fn keep_secrets(mut given: Map<String, Value>, old: &Value, secrets: &[&str]) -> Map<String, Value> {
    for name in secrets {
        let stored = old.get(*name).cloned();
        match (given.get_mut(*name), stored) {
            (None, Some(stored)) => {
                given.insert((*name).to_owned(), stored);
            }
            (Some(value), stored) => unmask(value, stored.as_ref()),
            (None, None) => {}
        }
    }
    given
}

/// Hide every text of a secret option, and show which there are.
fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(mask),
        Value::Array(list) => list.iter_mut().for_each(mask),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => *value = Value::from(MASK),
    }
}

fn unmask(value: &mut Value, stored: Option<&Value>) {
    if value.as_str() == Some(MASK) {
        *value = stored.cloned().unwrap_or_default();
    } else if let Value::Object(map) = value {
        for (key, inner) in map {
            unmask(inner, stored.and_then(|stored| stored.get(key)));
        }
    }
}

/// The options that say whom a connection believes.
fn trusted(options: &Value) -> Vec<Option<&Value>> {
    const NAMES: &[&str] = &[
        "issuer",
        "discovery_url",
        "oidc_metadata",
        "jwks_uri",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "client_id",
        "signingCert",
        "cert",
        "metadataUrl",
        "metadataXml",
        "published",
        "entityId",
        "signOutEndpoint",
        "signInEndpoint",
        "customScripts",
        "enabledDatabaseCustomization",
        "import_mode",
        "domain",
        "tenant_domain",
        "domain_aliases",
    ];
    NAMES.iter().map(|name| options.get(*name)).collect()
}

const NAME_PATTERN: &str = "^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_words_joined_by_single_hyphens() {
        for good in ["hoekstra", "Hoekstra-DB-1", "a"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "a b", "a_b", "ä", &"a".repeat(129)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn secrets_that_are_left_out_or_masked_stay() {
        let old = json!({"client_secret": "old", "configuration": {"URL": "u", "KEY": "k"}, "issuer": "i"});
        let secrets = ["client_secret", "configuration"];
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let kept = keep_secrets(object(json!({"issuer": "j"})), &old, &secrets);
        assert_eq!(kept["client_secret"], "old");
        assert_eq!(kept["issuer"], "j");
        let given = json!({"client_secret": MASK, "configuration": {"URL": MASK, "KEY": "new"}});
        let kept = keep_secrets(object(given), &old, &secrets);
        assert_eq!(kept["client_secret"], "old");
        assert_eq!(kept["configuration"], json!({"URL": "u", "KEY": "new"}));
        let kept = keep_secrets(object(json!({"client_secret": "new", "configuration": {}})), &old, &secrets);
        assert_eq!(kept["client_secret"], "new");
        assert_eq!(kept["configuration"], json!({}));
    }
}
