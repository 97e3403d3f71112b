//! Owns the address to which identity providers send messages about ended sessions (single logout).
//! Never touches what they say.

use super::{LoginFault, Logins, Visit};
use crate::{
    http::extract::params::{Bodies, Params, QueryParams},
    page::{AutoPostPage, LoggedOutPage, Page},
};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, Uri, header::LOCATION};
use portico_core::connector::{Delivery, Interaction};
use std::sync::Arc;

/// The most bytes of a body: a message about a session is small.
const MAX_BODY: usize = 128 << 10;

/// `GET|POST /samlp/logout?connection=`.
pub(super) async fn farewell(State(logins): State<Arc<Logins>>, visit: Visit, request: Request) -> Response {
    let told = async {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let QueryParams(named) = named(&query)?;
        let connection = named.get("connection").ok_or(LoginFault::NoState)?.to_owned();
        let delivery = match *request.method() {
            Method::POST => Delivery { query: None, form: posted(request).await?.into_reply() },
            _ => Delivery { query: Some(query), ..Delivery::default() },
        };
        Ok::<_, LoginFault>(logins.flow.farewell(&connection, &visit.visitor, delivery).await?)
    };
    match told.await {
        Ok(Some(Interaction::Redirect(url))) => match HeaderValue::from_str(url.as_str()) {
            Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
            Err(_not_a_header) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Ok(Some(Interaction::Post { action, fields })) => {
            let page = Page::AutoPost(AutoPostPage::new(action, fields));
            logins.plain_page(&page, &visit).await
        }
        Ok(Some(Interaction::Prompt(_)) | None) => {
            logins.plain_page(&Page::LoggedOut(LoggedOutPage::default()), &visit).await
        }
        Err(fault) => logins.answer(Err(fault), &visit, None).await,
    }
}

fn named(query: &str) -> Result<QueryParams, LoginFault> {
    // A doubled parameter is the connector's to refuse, by name: here only the connection is looked for.
    let connection = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "connection");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(connection).finish();
    Ok(QueryParams(Params::of_query(&query)?))
}

/// The form alone: what stands in the query is not part of a posted message.
async fn posted(request: Request) -> Result<Params, LoginFault> {
    let (mut head, body) = request.into_parts();
    head.uri = Uri::from_static("/");
    Ok(Params::read(Request::from_parts(head, body), MAX_BODY, Bodies::Form).await?)
}
