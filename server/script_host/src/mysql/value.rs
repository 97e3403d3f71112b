//! Owns how values pass between MySQL and scripts.
//! Never touches statements.

use base64::{Engine, engine::general_purpose::STANDARD};
use mysql_async::{Column, Value as Sql, consts::ColumnType};
use serde_json::{Value, json};

/// A value for a place of a statement.
pub(super) fn outgoing(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::NULL,
        Value::Bool(value) => Sql::Int(i64::from(*value)),
        Value::Number(number) => number
            .as_i64()
            .map(Sql::Int)
            .or_else(|| number.as_u64().map(Sql::UInt))
            .or_else(|| number.as_f64().map(Sql::Double))
            .unwrap_or(Sql::NULL),
        Value::String(text) => Sql::Bytes(text.clone().into_bytes()),
        Value::Array(_) | Value::Object(_) => {
            let bytes =
                value.get("$bytes").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
            bytes.map_or(Sql::NULL, Sql::Bytes)
        }
    }
}

/// A value of a row, as the driver of Node.js gives it: what JSON does not have is an object with one name that begins
/// with `$`.
pub(super) fn incoming(value: Sql, column: &Column) -> Value {
    match value {
        Sql::NULL => Value::Null,
        Sql::Int(number) => json!(number),
        Sql::UInt(number) => json!(number),
        Sql::Float(number) => json!({ "$number": number.to_string() }),
        Sql::Double(number) => json!({ "$number": number.to_string() }),
        Sql::Date(year, month, day, hour, minute, second, micro) => {
            moment(&[year, month.into(), day.into(), hour.into(), minute.into(), second.into()], micro)
        }
        Sql::Time(is_negative, days, hours, minutes, seconds, _) => {
            let sign = if is_negative { "-" } else { "" };
            json!(format!("{sign}{:02}:{minutes:02}:{seconds:02}", days * 24 + u32::from(hours)))
        }
        Sql::Bytes(bytes) => of_bytes(&bytes, column),
    }
}

fn of_bytes(bytes: &[u8], column: &Column) -> Value {
    use ColumnType::{
        MYSQL_TYPE_BIT, MYSQL_TYPE_DATE, MYSQL_TYPE_DATETIME, MYSQL_TYPE_DECIMAL, MYSQL_TYPE_DOUBLE,
        MYSQL_TYPE_FLOAT, MYSQL_TYPE_INT24, MYSQL_TYPE_JSON, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG,
        MYSQL_TYPE_NEWDECIMAL, MYSQL_TYPE_SHORT, MYSQL_TYPE_TIME, MYSQL_TYPE_TIMESTAMP, MYSQL_TYPE_TINY,
        MYSQL_TYPE_YEAR,
    };
    let text = String::from_utf8_lossy(bytes);
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other types are texts or bytes")]
    match column.column_type() {
        MYSQL_TYPE_TINY
        | MYSQL_TYPE_SHORT
        | MYSQL_TYPE_INT24
        | MYSQL_TYPE_LONG
        | MYSQL_TYPE_LONGLONG
        | MYSQL_TYPE_YEAR
        | MYSQL_TYPE_FLOAT
        | MYSQL_TYPE_DOUBLE
        | MYSQL_TYPE_DECIMAL
        | MYSQL_TYPE_NEWDECIMAL => {
            json!({ "$number": text })
        }
        MYSQL_TYPE_DATE | MYSQL_TYPE_DATETIME | MYSQL_TYPE_TIMESTAMP => {
            let (whole, behind) = text.split_once('.').unwrap_or((&text, ""));
            let parts: Vec<u16> =
                whole.split(['-', ' ', ':']).map(|part| part.parse().unwrap_or(0)).collect();
            let mut six = [0; 6];
            six.iter_mut().zip(parts).for_each(|(place, part)| *place = part);
            moment(&six, format!("{behind:0<6}").parse().unwrap_or(0))
        }
        MYSQL_TYPE_TIME | MYSQL_TYPE_JSON => json!(text),
        MYSQL_TYPE_BIT => json!({ "$bytes": STANDARD.encode(bytes) }),
        _ if column.character_set() == BINARY => json!({ "$bytes": STANDARD.encode(bytes) }),
        _ => json!(text),
    }
}

/// Year, month, day, hour, minute, second: of UTC, since a server does not say of what.
fn moment(parts: &[u16; 6], micro: u32) -> Value {
    let [year, month, day, hour, minute, second] = parts.map(i64::from);
    let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    json!({ "$date": seconds * 1000 + i64::from(micro / 1000), "$text": text })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, years counted from March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The character set of what is no text.
const BINARY: u16 = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (parts, expected) in [
            ([1970, 1, 1, 0, 0, 0], 0),
            ([2000, 2, 29, 12, 30, 1], 951_827_401_000_i64),
            ([2026, 11, 24, 0, 0, 0], 1_795_478_400_000),
            ([1969, 12, 31, 23, 59, 59], -1000),
        ] {
            assert_eq!(moment(&parts, 0)["$date"], json!(expected), "{parts:?}");
        }
    }
}
