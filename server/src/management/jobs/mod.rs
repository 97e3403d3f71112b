//! Owns `/jobs` on the wire (contract §2.10).
//! Never touches how jobs are run.

mod download;
mod upload;

pub(super) use download::router as downloads;

use super::{
    App, Endpoint, Management,
    body::{Body, Fields, choice, integer, list, object, parsed, text},
    gate::{Acting, Segments},
};
use crate::http::{extract::bearer::Caller, voice::api::ApiFault};
use axum::{
    Json,
    body::Body as Stream,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use portico_core::{
    admin::{ExportDraft, ImportDraft},
    id::{ConnectionId, JobId, UserId},
    model::{ExportField, ExportFormat, Job, JobStatus, JobTask},
};
use serde_json::{Value, json};
use std::sync::Arc;
use upload::Upload;

/// What opens the jobs that are about users.
const USERS: &[&str] = &["create:users", "read:users"];
/// Who may delete a connection may follow that.
const ANY: &[&str] = &["create:users", "read:users", "delete:connections"];
/// Bytes of a request with a file: the file, and what multipart has around it.
const UPLOAD: usize = upload::MOST_BYTES + (32 << 10);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/jobs/users-imports", &["create:users"], import).up_to(UPLOAD),
        Endpoint::new(Method::POST, "/jobs/users-exports", &["read:users"], export),
        Endpoint::new(Method::POST, "/jobs/verification-email", &["update:users"], verification),
        Endpoint::new(Method::GET, "/jobs/{id}", ANY, show),
        Endpoint::new(Method::GET, "/jobs/{id}/errors", USERS, errors),
    ]
}

async fn import(State(app): App, Acting(actor): Acting, upload: Upload) -> Result<Response, ApiFault> {
    let Upload { users, connection_id, upsert, external_id } = upload;
    let draft = ImportDraft { connection_id, file: users, upsert, external_id };
    let job = app.admin.import_users(&actor, draft).await?;
    Ok((StatusCode::ACCEPTED, Json(view(&app, &job, false))).into_response())
}

async fn export(State(app): App, Acting(actor): Acting, body: Body) -> Result<Json<Value>, ApiFault> {
    const FORMATS: &[(&str, ExportFormat)] = &[("json", ExportFormat::Json), ("csv", ExportFormat::Csv)];
    let mut fields = body.fields()?;
    let draft = ExportDraft {
        connection_id: fields.optional(
            ("connection_id", "connection_id of the connection from which users will be exported"),
            parsed("connection-id", |id: &str| ConnectionId::parse(id)),
        )?,
        format: fields
            .optional(("format", "Format of the file"), choice(FORMATS))?
            .unwrap_or(ExportFormat::Json),
        limit: fields.optional(("limit", "Limit the number of records"), integer(1..=i64::MAX))?,
        fields: fields
            .optional(("fields", "List of fields to be included"), list(0..=100, field))?
            .unwrap_or_default(),
    };
    fields.finish()?;
    let job = app.admin.export_users(&actor, draft).await?;
    Ok(Json(view(&app, &job, false)))
}

fn field() -> impl FnOnce(Value, &str, &str) -> Result<ExportField, ApiFault> {
    |value, path, _what| {
        let mut fields = Fields::within(value, path)?;
        let name = fields.required(("name", "Name of the field in the profile"), text(1..=255))?;
        let export_as = fields.optional(("export_as", "Title of the column in the file"), text(1..=255))?;
        fields.finish()?;
        Ok(ExportField { name, export_as })
    }
}

async fn verification(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let user = fields.required(
        ("user_id", "user_id of the user to send the verification email to"),
        parsed("user-id", |id: &str| UserId::parse(id)),
    )?;
    // The link leads to our own page, which names the application if the user has signed in to one.
    fields.optional(("client_id", "client_id of the client"), text(0..=255))?;
    fields.optional(("identity", "The user's identity"), object)?;
    fields.finish()?;
    let job = app.admin.send_verification(&actor, &user).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &job, false))).into_response())
}

async fn show(
    State(app): App,
    caller: Caller,
    Segments(id): Segments<JobId>,
) -> Result<Json<Value>, ApiFault> {
    let job = app.admin.job(&id).await?;
    if job.task != JobTask::ConnectionDeletion {
        caller.require(USERS)?;
    }
    // The file holds what `GET /users` shows: the same scope opens both.
    Ok(Json(view(&app, &job, caller.may(&["read:users"]))))
}

async fn errors(State(app): App, Segments(id): Segments<JobId>) -> Result<Response, ApiFault> {
    const PAGE: i64 = 1_000;
    if app.admin.job_errors(&id, 0, 1).await?.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // There may be as many as the file had rows: they are read as they are sent.
    let pages = futures_util::stream::unfold(Some(0), move |from: Option<i64>| {
        let (app, id) = (Arc::clone(&app), id.clone());
        async move {
            let from = from?;
            let page = app.admin.job_errors(&id, from, PAGE).await;
            let next = page.as_ref().ok().and_then(|page| page.last()).map(|last| last.position + 1);
            let text = page.map(|page| rows(&page, from == 0));
            Some((text, next))
        }
    });
    let mut response = Stream::from_stream(pages).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A piece of the array: the first one begins it, and one without rows ends it.
fn rows(page: &[portico_core::model::JobError], first: bool) -> String {
    if page.is_empty() {
        return "]".to_owned();
    }
    let shown = page.iter().map(|row| json!({ "user": row.user, "errors": row.errors }).to_string());
    let begin = if first { "[" } else { "," };
    format!("{begin}{}", shown.collect::<Vec<_>>().join(","))
}

/// A job, with where its file is for those who may read it.
fn view(app: &Management, job: &Job, with_file: bool) -> Value {
    let mut shown = json!({
        "status": job.status.as_str(),
        "type": job.task.name(),
        "created_at": job.created_at.iso(),
        "id": job.id,
    });
    let optional = [
        ("connection_id", job.connection_id.as_ref().map(|id| json!(id))),
        ("connection", job.connection.as_ref().map(|name| json!(name))),
        ("external_id", job.external_id.as_ref().map(|id| json!(id))),
        ("status_details", job.failure.as_ref().map(|why| json!(why))),
        ("percentage_done", percentage(job).map(Value::from)),
        ("time_left_seconds", time_left(job).map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            shown[name] = value;
        }
    }
    match &job.task {
        JobTask::UsersImport { upsert } => {
            shown["upsert"] = json!(upsert);
            if job.status.is_final() {
                shown["summary"] = json!(job.summary);
                shown["summary"]["total"] = json!(job.done);
            }
        }
        JobTask::UsersExport { format, fields, .. } => {
            shown["format"] = json!(format);
            if !fields.is_empty() {
                shown["fields"] = json!(fields);
            }
            if with_file && job.status == JobStatus::Completed {
                shown["location"] = json!(download::location(app, job, *format));
            }
        }
        JobTask::ConnectionDeletion => {
            shown["summary"] = json!({ "deleted": job.done, "total": job.total });
        }
        JobTask::VerificationEmail => {}
    }
    shown
}

fn percentage(job: &Job) -> Option<i64> {
    match (job.status, job.total) {
        (JobStatus::Completed, _) => Some(100),
        (JobStatus::Pending, _) => None,
        (_, Some(total)) if total > 0 => Some((100 * job.done / total).clamp(0, 100)),
        _ => None,
    }
}

/// As long as what was done has taken, for what is left.
fn time_left(job: &Job) -> Option<i64> {
    let left = job.total?.saturating_sub(job.done);
    if job.status != JobStatus::Processing || job.done == 0 || left < 0 {
        return None;
    }
    let taken = i64::try_from(job.updated_at.since(job.created_at).as_secs()).ok()?;
    Some(taken.saturating_mul(left) / job.done)
}
