//! Owns [`Actions`] in SQL. What they are made of is sealed.
//! Never touches how they run.

use crate::{
    seal::{ACTION_DRAFT, ACTION_VERSION_CONTENT, Place},
    sql::{FromRow, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{ActionId, ActionVersionId},
    model::{
        Action, ActionBinding, ActionContent, ActionSecret, ActionVersion, BoundAction, Dependency, Trigger,
    },
    port::store::{ActionFilter, Actions, Page, StoreError},
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

const SELECT: &str =
    "SELECT a.action_id, a.name, a.trigger_id, a.trigger_version, a.draft, a.created_at, a.updated_at,
           v.version_id, v.number, v.content, v.created_at AS deployed_at
    FROM actions a LEFT JOIN action_versions v ON v.version_id = a.deployed_version WHERE ";

const SELECT_VERSION: &str =
    "SELECT version_id, action_id, number, content, created_at AS deployed_at FROM action_versions WHERE ";

/// An [`ActionContent`] as it is sealed.
#[derive(Deserialize, Serialize)]
struct Document {
    code: String,
    dependencies: Vec<Dependency>,
    runtime: String,
    secrets: Vec<SealedSecret>,
}

#[derive(Deserialize, Serialize)]
struct SealedSecret {
    name: String,
    value: String,
    updated_at: Timestamp,
}

impl Document {
    fn of(content: &ActionContent) -> Self {
        let secret = |secret: &ActionSecret| SealedSecret {
            name: secret.name.clone(),
            value: secret.value.expose().to_owned(),
            updated_at: secret.updated_at,
        };
        Self {
            code: content.code.clone(),
            dependencies: content.dependencies.clone(),
            runtime: content.runtime.clone(),
            secrets: content.secrets.iter().map(secret).collect(),
        }
    }

    fn open(row: &Row<'_>, place: &Place, key: &str) -> Result<ActionContent, StoreError> {
        let Self { code, dependencies, runtime, secrets } = row.open_json(place, key)?;
        let secret = |secret: SealedSecret| ActionSecret {
            name: secret.name,
            value: Secret::new(secret.value),
            updated_at: secret.updated_at,
        };
        let secrets = secrets.into_iter().map(secret).collect();
        Ok(ActionContent { code, dependencies, runtime, secrets })
    }
}

impl FromRow for Action {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: ActionId = row.parse("action_id")?;
        let deployed = row.get::<Option<String>>("version_id")?.is_some();
        Ok(Self {
            name: row.get("name")?,
            trigger: Trigger { id: row.get("trigger_id")?, version: row.get("trigger_version")? },
            draft: Document::open(row, &ACTION_DRAFT, id.as_str())?,
            deployed: deployed.then(|| ActionVersion::from_row(row)).transpose()?,
            created_at: row.at("created_at")?,
            updated_at: row.at("updated_at")?,
            id,
        })
    }
}

impl FromRow for ActionVersion {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: ActionVersionId = row.parse("version_id")?;
        Ok(Self {
            action_id: row.parse("action_id")?,
            number: row.get("number")?,
            content: Document::open(row, &ACTION_VERSION_CONTENT, id.as_str())?,
            created_at: row.at("deployed_at")?,
            id,
        })
    }
}

impl FromRow for BoundAction {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let version = ActionVersion::from_row(row)?;
        Ok(Self { id: version.action_id.clone(), name: row.get("name")?, version })
    }
}

impl FromRow for ActionBinding {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parse("binding_id")?,
            trigger_id: row.get("trigger_id")?,
            action_id: row.parse("action_id")?,
            display_name: row.get("display_name")?,
            created_at: row.at("created_at")?,
            updated_at: row.at("updated_at")?,
        })
    }
}

#[async_trait]
impl<S: Session> Actions for SqlUnit<S> {
    async fn find(&mut self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        self.optional(Sql::new(SELECT).push("a.action_id = ").bind(id)).await
    }

    async fn find_by_name(&mut self, name: &str) -> Result<Option<Action>, StoreError> {
        self.optional(Sql::new(SELECT).push("a.name = ").bind(name)).await
    }

    async fn list(&mut self, filter: &ActionFilter, page: &Page) -> Result<Vec<Action>, StoreError> {
        let query = restrict(Sql::new(SELECT).push("TRUE"), filter);
        self.all(query.page(page, "a.created_at", "a.action_id")).await
    }

    async fn count(&mut self, filter: &ActionFilter) -> Result<i64, StoreError> {
        self.number(restrict(Sql::new("SELECT COUNT(*) AS value FROM actions a WHERE TRUE"), filter)).await
    }

    async fn insert(&mut self, action: &Action) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO actions
                 (action_id, name, trigger_id, trigger_version, draft, deployed_version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &action.id,
            &action.name,
            &action.trigger.id,
            &action.trigger.version,
            self.seal_json(&ACTION_DRAFT, action.id.as_str(), &Document::of(&action.draft))?,
            action.deployed.as_ref().map(|version| &version.id),
            action.created_at,
            action.updated_at,
        ))
        .await
        .map(drop)
    }

    async fn update(&mut self, action: &Action) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE actions SET name = $2, trigger_id = $3, trigger_version = $4, draft = $5, deployed_version = $6,
                 updated_at = $7 WHERE action_id = $1",
            &action.id,
            &action.name,
            &action.trigger.id,
            &action.trigger.version,
            self.seal_json(&ACTION_DRAFT, action.id.as_str(), &Document::of(&action.draft))?,
            action.deployed.as_ref().map(|version| &version.id),
            action.updated_at,
        ))
        .await
    }

    async fn delete(&mut self, id: &ActionId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM actions WHERE action_id = $1", id)).await
    }

    async fn versions(&mut self, id: &ActionId, page: &Page) -> Result<Vec<ActionVersion>, StoreError> {
        let query = Sql::new(SELECT_VERSION).push("action_id = ").bind(id).push(" ORDER BY number DESC");
        self.all(query.limit(page)).await
    }

    async fn count_versions(&mut self, id: &ActionId) -> Result<i64, StoreError> {
        self.number(sql!("SELECT COUNT(*) AS value FROM action_versions WHERE action_id = $1", id)).await
    }

    async fn version(
        &mut self,
        id: &ActionId,
        version: &ActionVersionId,
    ) -> Result<Option<ActionVersion>, StoreError> {
        let query = Sql::new(SELECT_VERSION).push("version_id = ").bind(version);
        self.optional(query.push(" AND action_id = ").bind(id)).await
    }

    async fn insert_version(&mut self, version: &ActionVersion, keep: i64) -> Result<(), StoreError> {
        self.execute(sql!(
            "DELETE FROM action_versions WHERE action_id = $1 AND number <= $2",
            &version.action_id,
            version.number - keep,
        ))
        .await?;
        self.execute(sql!(
            "INSERT INTO action_versions (version_id, action_id, number, content, created_at)
             VALUES ($1, $2, $3, $4, $5)",
            &version.id,
            &version.action_id,
            version.number,
            self.seal_json(&ACTION_VERSION_CONTENT, version.id.as_str(), &Document::of(&version.content))?,
            version.created_at,
        ))
        .await
        .map(drop)
    }

    async fn bindings(&mut self, trigger: &str) -> Result<Vec<ActionBinding>, StoreError> {
        self.all(sql!(
            "SELECT binding_id, trigger_id, action_id, display_name, created_at, updated_at FROM action_bindings
             WHERE trigger_id = $1 ORDER BY position",
            trigger,
        ))
        .await
    }

    async fn bind(&mut self, trigger: &str, bindings: &[ActionBinding]) -> Result<(), StoreError> {
        self.execute(sql!("DELETE FROM action_bindings WHERE trigger_id = $1", trigger)).await?;
        if bindings.is_empty() {
            return Ok(());
        }
        let rows = bindings.iter().zip(1_i64..).map(|(binding, position)| {
            [
                trigger.into(),
                position.into(),
                (&binding.id).into(),
                (&binding.action_id).into(),
                (&binding.display_name).into(),
                binding.created_at.into(),
                binding.updated_at.into(),
            ]
        });
        let insert = Sql::new(
            "INSERT INTO action_bindings
                 (trigger_id, position, binding_id, action_id, display_name, created_at, updated_at) VALUES ",
        );
        self.execute(insert.bind_rows(rows)).await.map(drop)
    }
}

fn restrict<'v>(mut query: Sql<'v>, filter: &'v ActionFilter) -> Sql<'v> {
    if let Some(name) = &filter.name {
        query = query.push(" AND a.name = ").bind(name);
    }
    if let Some(trigger) = &filter.trigger {
        query = query.push(" AND a.trigger_id = ").bind(trigger);
    }
    match filter.deployed {
        Some(true) => query.push(" AND a.deployed_version IS NOT NULL"),
        Some(false) => query.push(" AND a.deployed_version IS NULL"),
        None => query,
    }
}
