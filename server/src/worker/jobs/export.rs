//! Owns what a file of users looks like: one JSON object a line, or comma-separated values, compressed.
//! Never touches which users are in it.

use super::csv;
use crate::management::user_view;
use flate2::{Compression, write::GzEncoder};
use portico_core::model::{ExportField, ExportFormat, User};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// The columns of a CSV file that names none.
const COLUMNS: [&str; 15] = [
    "user_id",
    "email",
    "email_verified",
    "username",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "blocked",
    "created_at",
    "updated_at",
    "last_login",
    "last_ip",
    "logins_count",
];

/// A file to be.
pub(super) struct Sheet {
    format: ExportFormat,
    fields: Vec<ExportField>,
}

impl Sheet {
    /// With these fields, or the usual ones.
    pub(super) fn new(format: ExportFormat, mut fields: Vec<ExportField>) -> Self {
        if fields.is_empty() && format == ExportFormat::Csv {
            fields = COLUMNS.map(|name| ExportField { name: name.to_owned(), export_as: None }).to_vec();
        }
        Self { format, fields }
    }

    /// A part of it, compressed. Parts make one file when they are put together (RFC 1952 §2.2).
    pub(super) fn part(&self, users: &[User], first: bool) -> io::Result<Vec<u8>> {
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        if first && self.format == ExportFormat::Csv {
            let names = self.fields.iter().map(ExportField::called);
            file.write_all(csv::line(names.map(csv::text)).as_bytes())?;
        }
        for user in users {
            let user = user_view(user);
            match self.format {
                ExportFormat::Json => {
                    serde_json::to_writer(&mut file, &self.object(user))?;
                    file.write_all(b"\n")?;
                }
                ExportFormat::Csv => {
                    let cells = self.fields.iter().map(|field| csv::cell(at(&user, &field.name)));
                    file.write_all(csv::line(cells).as_bytes())?;
                }
            }
        }
        file.finish()
    }

    fn object(&self, user: Value) -> Value {
        if self.fields.is_empty() {
            return user;
        }
        let mut object = Map::new();
        for field in &self.fields {
            if let Some(value) = at(&user, &field.name) {
                object.insert(field.called().to_owned(), value.clone());
            }
        }
        Value::Object(object)
    }
}

trait Called {
    fn called(&self) -> &str;
}

impl Called for ExportField {
    fn called(&self) -> &str {
        self.export_as.as_deref().unwrap_or(&self.name)
    }
}

/// What is at `a.b[0].c` in a user.
fn at<'v>(user: &'v Value, path: &str) -> Option<&'v Value> {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    steps.filter(|step| !step.is_empty()).try_fold(user, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Where an export goes on.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Place {
    /// The number of the next part.
    pub(super) part: i64,
    /// The last user of the part before.
    pub(super) after: Option<(i64, String)>,
}

impl Place {
    /// As the job has it; the beginning, if it has none.
    pub(super) fn read(cursor: Option<&str>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(cursor).ok()).unwrap_or_default()
    }

    /// The place behind this part.
    pub(super) fn behind(&self, last: Option<&User>) -> Option<String> {
        let after = last.map(|user| (user.created_at.0, user.id.to_string()));
        let place = Self { part: self.part + 1, after: after.or_else(|| self.after.clone()) };
        serde_json::to_string(&place).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use portico_core::model::testing;
    use serde_json::json;
    use std::io::Read;

    fn read(parts: &[Vec<u8>]) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(parts.concat().as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    fn field(name: &str, export_as: Option<&str>) -> ExportField {
        ExportField { name: name.to_owned(), export_as: export_as.map(str::to_owned) }
    }

    #[test]
    fn parts_make_one_file_with_one_heading() {
        let mut user = testing::user();
        user.profile.insert("name".to_owned(), json!("=HYPERLINK(\"http://evil\")"));
        user.app_metadata.insert("plan".to_owned(), json!({"seats": [3]}));
        let fields = vec![
            field("name", None),
            field("app_metadata.plan.seats[0]", Some("seats")),
            field("app_metadata.plan", None),
            field("nowhere.at[3].all", Some("-gone")),
        ];
        let sheet = Sheet::new(ExportFormat::Csv, fields.clone());
        let users = [user];
        let file = read(&[sheet.part(&users, true).unwrap(), sheet.part(&users, false).unwrap()]);
        let row = "\"'=HYPERLINK(\"\"http://evil\"\")\",\"3\",\"{\"\"seats\"\":[3]}\",\"\"\r\n";
        assert_eq!(file, format!("\"name\",\"seats\",\"app_metadata.plan\",\"'-gone\"\r\n{row}{row}"));
        let sheet = Sheet::new(ExportFormat::Json, fields);
        let file = read(&[sheet.part(&users, true).unwrap()]);
        let row: Value = serde_json::from_str(file.trim_end()).unwrap();
        assert_eq!(row["seats"], 3);
        assert_eq!(row["name"], "=HYPERLINK(\"http://evil\")", "JSON is not read by spreadsheets");
        assert!(row.get("-gone").is_none());
    }
}
