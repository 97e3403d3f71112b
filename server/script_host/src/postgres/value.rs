//! Owns how values pass between PostgreSQL and scripts: there as text, back by type.
//! Never touches statements.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{error::Error, fmt::Write};
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, private::BytesMut};

/// A value for a statement: the text that the server reads as whatever the place asks for.
#[derive(Debug)]
pub(super) struct Text(Option<String>);

impl Text {
    pub(super) fn of(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        })
    }
}

impl ToSql for Text {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(text) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }
}

/// A value of a row, as the driver of Node.js gives it: what JSON does not have is an object with one name that begins
/// with `$`.
pub(super) struct Cell(pub(super) Value);

/// A value of a type that is not read.
#[derive(Debug, thiserror::Error)]
#[error("a column of the type {0} is not read by scripts: cast it to text in the statement")]
pub(super) struct Unreadable(String);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        read(ty, raw).map(Self)
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

type Read = Result<Value, Box<dyn Error + Sync + Send>>;

fn read(ty: &Type, raw: &[u8]) -> Read {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is told by its type")]
    match ty.kind() {
        Kind::Enum(_) => return Ok(json!(str::from_utf8(raw)?)),
        Kind::Domain(inner) => return read(inner, raw),
        Kind::Array(inner) => return array(inner, raw),
        _ => {}
    }
    Ok(match *ty {
        Type::BOOL => json!(bool::from_sql(ty, raw)?),
        Type::INT2 => json!(i16::from_sql(ty, raw)?),
        Type::INT4 => json!(i32::from_sql(ty, raw)?),
        Type::OID => json!(u32::from_sql(ty, raw)?),
        // More than a number of JavaScript holds.
        Type::INT8 => json!(i64::from_sql(ty, raw)?.to_string()),
        Type::FLOAT4 => number(f64::from(f32::from_sql(ty, raw)?)),
        Type::FLOAT8 => number(f64::from_sql(ty, raw)?),
        Type::NUMERIC => json!(numeric(raw)?),
        Type::JSON => json!({ "$json": str::from_utf8(raw)? }),
        Type::JSONB => json!({ "$json": str::from_utf8(raw.get(1..).unwrap_or_default())? }),
        Type::UUID => json!(uuid(raw)),
        Type::BYTEA => json!({ "$bytes": STANDARD.encode(raw) }),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            json!({ "$date": EPOCH_MS + i64::from_be_bytes(raw.try_into()?).div_euclid(1000) })
        }
        Type::DATE => json!({ "$date": EPOCH_MS + i64::from(i32::from_be_bytes(raw.try_into()?)) * DAY_MS }),
        Type::TIME => json!(time(i64::from_be_bytes(raw.try_into()?))),
        _ if <&str as FromSql>::accepts(ty) || *ty == Type::XML || *ty == Type::CHAR => {
            json!(str::from_utf8(raw)?)
        }
        _ => return Err(Unreadable(ty.name().to_owned()).into()),
    })
}

fn number(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else {
        json!({ "$number": value.to_string().replace("inf", "Infinity") })
    }
}

/// One dimension; the head is its number, whether there are nulls, the type, the length, the first index.
fn array(inner: &Type, raw: &[u8]) -> Read {
    let word = |at: usize| -> Result<i32, Box<dyn Error + Sync + Send>> {
        let bytes = raw.get(at..at + 4).ok_or("an array is cut off")?;
        Ok(i32::from_be_bytes(bytes.try_into()?))
    };
    match word(0)? {
        0 => return Ok(json!([])),
        1 => {}
        _ => return Err(Unreadable(format!("{}[][]", inner.name())).into()),
    }
    let (mut at, mut values) = (20, Vec::new());
    for _ in 0..word(12)? {
        let length = word(at)?;
        at += 4;
        let Ok(length) = usize::try_from(length) else {
            values.push(Value::Null);
            continue;
        };
        values.push(read(inner, raw.get(at..at + length).ok_or("an array is cut off")?)?);
        at += length;
    }
    Ok(Value::Array(values))
}

/// Digits to the base of ten thousand: their number, the weight of the first, the sign, the digits behind the point.
fn numeric(raw: &[u8]) -> Result<String, Box<dyn Error + Sync + Send>> {
    let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [_, weight, sign, scale, digits @ ..] = words.as_slice() else {
        return Err("a number is cut off".into());
    };
    match sign {
        0xc000 => return Ok("NaN".to_owned()),
        0xd000 => return Ok("Infinity".to_owned()),
        0xf000 => return Ok("-Infinity".to_owned()),
        _ => {}
    }
    let weight = i32::from(i16::from_be_bytes(weight.to_be_bytes()));
    let digit =
        |place: i32| usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
    let mut text = String::new();
    for place in 0..=weight {
        write!(text, "{:04}", digit(place))?;
    }
    let whole = match text.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let scale = usize::from(*scale);
    let mut text = whole.to_owned();
    if scale > 0 {
        let mut behind = String::new();
        for place in (weight + 1..).take(scale.div_ceil(4)) {
            write!(behind, "{:04}", digit(place))?;
        }
        text = format!("{text}.{}", &behind[..scale]);
    }
    Ok(if *sign == 0x4000 { format!("-{text}") } else { text })
}

fn uuid(raw: &[u8]) -> String {
    let hex = raw.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn time(microseconds: i64) -> String {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { text } else { format!("{text}.{rest:06}").trim_end_matches('0').to_owned() }
}

/// The first moment of the year 2000, where PostgreSQL counts from, in milliseconds since 1970.
const EPOCH_MS: i64 = 946_684_800_000;
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_of_any_length_come_as_text() {
        for (raw, text) in [
            (vec![2, 0, 0, 2, 12, 3400], "12.34"),
            (vec![3, 1, 0x4000, 1, 1, 2345, 6000], "-12345.6"),
            (vec![1, 0xffff, 0, 4, 5], "0.0005"),
            (vec![1, 0xfffe, 0, 8, 5], "0.00000005"),
            (vec![0, 0, 0, 2], "0.00"),
            (vec![1, 2, 0, 0, 7], "700000000"),
            (vec![0, 0, 0xc000, 0], "NaN"),
        ] {
            assert_eq!(numeric(&words(&raw)).unwrap(), text);
        }
        assert_eq!(time(3_661_000_500), "01:01:01.0005");
    }
}
