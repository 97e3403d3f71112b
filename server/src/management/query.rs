//! Owns reading the query of a request: filters, fields, and both kinds of paging (contract §2.1).
//! Never touches what is listed.

use super::{cursor::Cursors, list::Paging};
use crate::http::voice::api::ApiFault;
use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use std::fmt::Write;

/// The parameters of a request, in order.
pub(super) struct Query {
    path: String,
    pairs: Vec<(String, String)>,
}

/// How far page paging goes: beyond it, checkpoint paging must be used.
const WINDOW: i64 = 1000;

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiFault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiFault> {
        Self::of(parts.uri.path(), parts.uri.query().unwrap_or_default())
    }
}

impl Query {
    fn of(path: &str, query: &str) -> Result<Self, ApiFault> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        if let Some((name, _)) = pairs.iter().find(|(name, value)| has_nul(name) || has_nul(value)) {
            return Err(ApiFault::query(
                "It contains a NUL character",
                &name.replace('\0', ""),
                "A parameter",
            ));
        }
        Ok(Self { path: path.to_owned(), pairs })
    }

    /// The one value of a parameter.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiFault> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(ApiFault::query("It is there twice", name, "A parameter that is there once"));
        }
        Ok(first)
    }

    /// All values of a parameter that may be repeated, or hold several with commas between them.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        // Clients write arrays as `name=a&name=b`, and some as `name[]=a`.
        let list = format!("{name}[]");
        let named = self.pairs.iter().filter(|(key, _)| key == name || *key == list);
        named
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiFault> {
        match self.text(name)? {
            None | Some("") => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => {
                Err(ApiFault::query("Expected type boolean but found type string", name, "true or false"))
            }
        }
    }

    fn integer(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, ApiFault> {
        let Some(text) = self.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let what = "A whole number";
        let value: i64 = text
            .parse()
            .map_err(|_not_one| ApiFault::query("Expected type integer but found type string", name, what))?;
        if value < least {
            return Err(ApiFault::query(format!("Value {value} is less than minimum {least}"), name, what));
        }
        if value > most {
            return Err(ApiFault::query(format!("Value {value} is greater than maximum {most}"), name, what));
        }
        Ok(Some(value))
    }

    /// The parameter through a parser of its own.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiFault> {
        let Some(text) = self.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let value = parse(text).map_err(|error| {
            ApiFault::query(
                format!("Object didn't pass validation: {error}"),
                name,
                "A parameter of the query",
            )
        })?;
        Ok(Some(value))
    }

    /// By page and page size only.
    pub(super) fn pages(&self) -> Result<Paging, ApiFault> {
        let per_page = self.integer("per_page", 1, 100)?.unwrap_or(50);
        let page = self.integer("page", 0, i64::from(u32::MAX))?.unwrap_or(0);
        let totals = self.boolean("include_totals")?.unwrap_or(false);
        if (page + 1) * per_page > WINDOW {
            return Err(ApiFault::new(
                StatusCode::BAD_REQUEST,
                "invalid_paging",
                "Requesting page exceeds the allowed maximum of 1000 records",
            ));
        }
        Ok(Paging::Offset { page, per_page, totals })
    }

    /// How many rows of a checkpoint.
    pub(super) fn take(&self) -> Result<Option<i64>, ApiFault> {
        self.integer("take", 1, 100)
    }

    /// By page, or by checkpoint when `take` or `from` is there.
    pub(super) fn paging(&self, cursors: &Cursors) -> Result<Paging, ApiFault> {
        let (take, from) = (self.take()?, self.text("from")?.filter(|from| !from.is_empty()));
        if take.is_none() && from.is_none() {
            return self.pages();
        }
        let list = self.list();
        let after = from.map(|cursor| cursors.read(&list, cursor)).transpose()?;
        Ok(Paging::Checkpoint { take: take.unwrap_or(50), after, list })
    }

    /// By checkpoint, whether anything about it is there or not.
    pub(super) fn checkpoints(&self, cursors: &Cursors) -> Result<Paging, ApiFault> {
        match self.paging(cursors)? {
            Paging::Offset { .. } => Ok(Paging::Checkpoint { take: 50, after: None, list: self.list() }),
            checkpoint @ Paging::Checkpoint { .. } => Ok(checkpoint),
        }
    }

    /// What a cursor is bound to: the path with every parameter that is not about paging, in order of name.
    fn list(&self) -> String {
        const PAGING: &[&str] =
            &["take", "from", "page", "per_page", "include_totals", "fields", "include_fields"];
        let mut filters: Vec<_> =
            self.pairs.iter().filter(|(name, _)| !PAGING.contains(&name.as_str())).collect();
        filters.sort_unstable();
        filters.iter().fold(self.path.clone(), |mut list, (name, value)| {
            // Lengths keep two different queries from reading the same.
            let _ = write!(list, "\n{}:{name}={value}", name.len());
            list
        })
    }

    /// Which fields are wanted.
    pub(super) fn fields(&self) -> Result<FieldFilter, ApiFault> {
        let names = self.texts("fields");
        let include = self.boolean("include_fields")?.unwrap_or(true);
        Ok(FieldFilter { names, include })
    }

    /// `sort=created_at:1` or `:-1`; another field is refused.
    pub(super) fn sort(&self, field: &str) -> Result<Option<portico_core::port::store::Direction>, ApiFault> {
        use portico_core::port::store::Direction::{Ascending, Descending};
        let Some(sort) = self.text("sort")?.filter(|sort| !sort.is_empty()) else { return Ok(None) };
        match sort.rsplit_once(':') {
            Some((name, "1")) if name == field => Ok(Some(Ascending)),
            Some((name, "-1")) if name == field => Ok(Some(Descending)),
            _ => Err(ApiFault::query(
                format!("String does not match pattern ^{field}\\:(1|-1)$: {sort}"),
                "sort",
                "Field to sort by",
            )),
        }
    }
}

/// Which fields of an answer are wanted (contract §2.1, `fields` and `include_fields`).
pub(super) struct FieldFilter {
    names: Vec<String>,
    include: bool,
}

impl FieldFilter {
    /// Leave out of an object what is not wanted.
    pub(super) fn apply(&self, value: &mut serde_json::Value) {
        if let (false, Some(object)) = (self.names.is_empty(), value.as_object_mut()) {
            object.retain(|name, _| self.names.iter().any(|wanted| wanted == name) == self.include);
        }
    }

    /// Whether a field that is shown only on request was asked for by name.
    pub(super) fn names(&self, field: &str) -> bool {
        self.include && self.names.iter().any(|name| name == field)
    }
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
