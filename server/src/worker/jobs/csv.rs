//! Owns comma-separated values (RFC 4180) that no spreadsheet takes for formulas (`security.md` API-10).
//! Never touches what is in them.

use serde_json::Value;

/// A line of cells, each in quotes.
pub(super) fn line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// A cell of a value; an absent one is empty, and what is no text is JSON.
pub(super) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => quoted(""),
        Some(Value::String(shown)) => text(shown),
        Some(other) => quoted(&other.to_string()),
    }
}

/// A cell of a text. One that begins as formulas do is given an apostrophe, which makes it a text to spreadsheets.
pub(super) fn text(text: &str) -> String {
    let risky = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    let visible = text.trim_start_matches([' ', '\u{feff}']);
    if visible.starts_with(risky) { quoted(&format!("'{text}")) } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn api_10_no_text_is_a_formula() {
        for formula in
            ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1", "  =1", "\u{feff}=1", "＝1"]
        {
            assert_eq!(text(formula), format!("\"'{formula}\""));
        }
        for plain in ["", "Ann", "a=b", "1-2", "'quoted", "a@b.test", "ü"] {
            assert_eq!(text(plain), format!("\"{plain}\""), "the control");
        }
        assert_eq!(text("a\",=1,\"b"), "\"a\"\",=1,\"\"b\"", "quotes do not end a cell");
        assert_eq!(cell(Some(&json!(-3))), "\"-3\"", "a number is one");
        assert_eq!(cell(Some(&json!(["=1"]))), "\"[\"\"=1\"\"]\"");
    }
}
