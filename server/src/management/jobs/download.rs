//! Owns the address of a file that an export made, and the file: whoever has the address may read it, for a while.
//! Never touches bearer tokens: programs that fetch the file send none.

use super::super::{Management, cursor::Cursors};
use crate::http::voice::api::ApiFault;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};
use portico_core::{
    admin::AdminError,
    id::JobId,
    model::{ExportFormat, Job, JobStatus, JobTask},
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// How long an address is good; `GET /jobs/{id}` gives a new one.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// What addresses are signed for, so that no cursor is one.
const PURPOSE: &str = "export";

/// Where the file of a completed export is, from now on and for ten minutes.
pub(super) fn location(app: &Management, job: &Job, format: ExportFormat) -> String {
    let until = app.clock.now().plus(GOOD_FOR);
    let key = app.cursors.make(PURPOSE, &(until.0, job.id.to_string()));
    format!("{}exports/{key}/{}.{}.gz", app.issuer, job.id, format.as_str())
}

/// The job whose file an address is of, if we made it and it is still good.
fn job_of(cursors: &Cursors, key: &str, now: Timestamp) -> Option<JobId> {
    let (until, id) = cursors.read(PURPOSE, key).ok()?;
    (now < Timestamp(until)).then(|| JobId::parse(id).ok()).flatten()
}

/// The route, outside of the gate of the Management API.
pub(crate) fn router(management: Arc<Management>) -> Router {
    Router::new().route("/exports/{key}/{file}", get(file)).with_state(management)
}

async fn file(
    State(app): State<Arc<Management>>,
    Path((key, _name)): Path<(String, String)>,
) -> Result<Response, ApiFault> {
    let gone = || {
        ApiFault::plain(StatusCode::NOT_FOUND, "The file is not there, or its address is not good any more.")
    };
    let id = job_of(&app.cursors, &key, app.clock.now()).ok_or_else(gone)?;
    let job = app.admin.job(&id).await.map_err(|_missing| gone())?;
    let JobTask::UsersExport { format, .. } = job.task else { return Err(gone()) };
    if job.status != JobStatus::Completed {
        return Err(gone());
    }
    let parts = futures_util::stream::unfold(0, move |number: i64| {
        let (app, id) = (Arc::clone(&app), id.clone());
        async move {
            let part = match app.admin.export_part(&id, number).await {
                Ok(Some(part)) => {
                    STANDARD.decode(part.expose()).map(Bytes::from).map_err(|_broken| AdminError::Busy)
                }
                Ok(None) => return None,
                Err(error) => Err(error),
            };
            Some((part, number + 1))
        }
    });
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"{}.{}.gz\"", job.id, format.as_str());
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_its_job_until_its_time_is_up() {
        let cursors = Cursors::new([7; 32]);
        let key = cursors.make(PURPOSE, &(1_000, "job_0000000000000001".to_owned()));
        let id = JobId::parse("job_0000000000000001").ok();
        assert_eq!(job_of(&cursors, &key, Timestamp(999)), id);
        assert_eq!(job_of(&cursors, &key, Timestamp(1_000)), None);
        let cursor = cursors.make("/api/v2/users", &(1_000, "job_0000000000000001".to_owned()));
        assert_eq!(job_of(&cursors, &cursor, Timestamp(1)), None, "a cursor is no address");
        assert_eq!(job_of(&Cursors::new([8; 32]), &key, Timestamp(1)), None, "nor is another installation's");
    }
}
