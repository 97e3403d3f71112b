//! Owns `/logs` on the wire (contract §2.12).
//! Never touches what is logged.

use super::{
    App, Endpoint,
    gate::Segments,
    list::{Listing, Paging},
    query::Query,
};
use crate::http::voice::api::ApiFault;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::Method;
use portico_core::{
    id::{LogId, OrganizationId, UserId},
    model::{AuditEvent, EventKind},
    port::store::{Direction, EventFilter, Page},
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const READ: &[&str] = &["read:logs", "read:logs_users"];
    vec![
        Endpoint::new(Method::GET, "/logs", READ, index),
        Endpoint::new(Method::GET, "/logs/{id}", READ, show),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    let fields = query.fields()?;
    let shown = |row: &AuditEvent| {
        let mut row = view(row);
        fields.apply(&mut row);
        row
    };
    if query.text("from")?.is_some() || query.text("take")?.is_some() {
        // Checkpoints of the log are entries' own ids; the answer is a bare array, oldest first.
        let rows = app.admin.logs(EventFilter::default(), after(&query)?).await?;
        return Ok(Json(rows.iter().map(shown).collect::<Vec<_>>()).into_response());
    }
    let paging = query.pages()?;
    let filter = filter(query.text("q")?.or(query.text("search")?).unwrap_or_default())?;
    let direction = query.sort("date")?.unwrap_or(Direction::Descending);
    let rows = app.admin.logs(filter.clone(), paging.directed(direction)).await?;
    let total = match &paging {
        Paging::Offset { totals: true, .. } => Some(app.admin.count_logs(filter).await?),
        Paging::Offset { .. } | Paging::Checkpoint { .. } => None,
    };
    let rows = rows.iter().map(shown).collect();
    Ok(Listing::of("logs", rows).counted(total).with_length().answer(&paging, &app.cursors))
}

async fn show(State(app): App, Segments(id): Segments<LogId>) -> Result<Json<Value>, ApiFault> {
    Ok(Json(view(&app.admin.log(&id).await?)))
}

/// The entries behind this one. An id begins with its time, so an entry that was swept meanwhile is no obstacle.
fn after(query: &Query) -> Result<Page, ApiFault> {
    let take = query.take()?.unwrap_or(50);
    let from = query.parsed("from", |text| LogId::parse(text))?;
    let time = |id: &LogId| id.as_str().get(..13).and_then(|digits| digits.parse().ok());
    let after = match &from {
        Some(id) => {
            let at = time(id).ok_or_else(|| ApiFault::query("Invalid log id", "from", "Where to begin"))?;
            Some((at, id.to_string()))
        }
        None => None,
    };
    Ok(Page { skip: 0, after, take, direction: Direction::Ascending })
}

/// `type:s`, `type:(s OR f)`, `user_id:"x"`, `organization_id:"x"`, joined by `AND`; anything else is refused by name.
fn filter(query: &str) -> Result<EventFilter, ApiFault> {
    let mut filter = EventFilter::default();
    for term in query.split(" AND ").map(str::trim).filter(|term| !term.is_empty()) {
        let refused = || {
            ApiFault::query(
                "Supported are type:s, type:(s OR f), user_id:\"x\" and organization_id:\"x\", joined by AND",
                "q",
                "Query in Lucene query string syntax",
            )
        };
        let (field, value) = term.split_once(':').ok_or_else(refused)?;
        let value = value.trim();
        let plain = value.trim_matches('"');
        match field {
            "type" => {
                let codes =
                    value.strip_prefix('(').and_then(|value| value.strip_suffix(')')).unwrap_or(value);
                for code in codes.split(" OR ").map(|code| code.trim().trim_matches('"')) {
                    let kind = EventKind::deserialize(Value::from(code)).map_err(|_unknown| refused())?;
                    filter.kinds.push(kind);
                }
            }
            "user_id" => filter.user_id = Some(UserId::parse(plain).map_err(|_not_one| refused())?),
            "organization_id" => {
                filter.organization_id = Some(OrganizationId::parse(plain).map_err(|_not_one| refused())?);
            }
            _ => return Err(refused()),
        }
    }
    Ok(filter)
}

fn view(event: &AuditEvent) -> Value {
    let mut shown = json!({
        "_id": event.id,
        "log_id": event.id,
        "date": event.at.iso(),
        "type": event.kind,
        "details": event.details,
    });
    let texts = [
        ("description", event.description.clone()),
        ("client_id", event.client_id.as_ref().map(ToString::to_string)),
        ("client_name", event.client_name.clone()),
        ("connection_id", event.connection_id.as_ref().map(ToString::to_string)),
        ("connection", event.connection.clone()),
        ("strategy", event.strategy.clone()),
        ("organization_id", event.organization_id.as_ref().map(ToString::to_string)),
        ("organization_name", event.organization_name.clone()),
        ("user_id", event.user_id.as_ref().map(ToString::to_string)),
        ("user_name", event.user_name.clone()),
        ("session_id", event.session_id.as_ref().map(ToString::to_string)),
        ("ip", event.ip.clone()),
        ("user_agent", event.user_agent.clone()),
        ("scope", event.scope.clone()),
        ("audience", event.audience.clone()),
        ("reference", event.reference.as_ref().map(ToString::to_string)),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            shown[name] = json!(text);
        }
    }
    shown
}
