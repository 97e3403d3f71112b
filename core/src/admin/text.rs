//! Owns the checks of texts that people will read.
//! Never touches how they are escaped: that is the business of whatever shows them.

use super::AdminError;

/// Refuse texts that could change the line they are shown in: control characters, line breaks, and the marks that
/// turn the direction of writing (`security.md` INV-14).
pub(crate) fn for_people(text: &str, property: &str, description: &str) -> Result<(), AdminError> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.chars().any(|c| turns(c) || breaks(c)) {
        return Err(AdminError::property(
            "String contains control characters, which are not allowed",
            property,
            description,
        ));
    }
    Ok(())
}
