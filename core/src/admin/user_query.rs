//! Owns the part of the search language of users that is supported (contract §2.8, `q`).
//! Never touches SQL: what it reads becomes a filter, and nothing of the text reaches the store but values.

use super::AdminError;
use crate::{email::Email, id::UserId, port::store::UserFilter};

/// Read a query: `email:"…"`, `email.domain:"…"`, `user_id:"…"`, `blocked:true`, `identities.connection:"…"`, or plain
/// text, joined by `AND`. Everything else is refused by name, never taken for something it is not (API-07).
pub fn parse(query: &str) -> Result<UserFilter, AdminError> {
    if query.len() > 512 {
        return Err(refused("it is longer than 512 bytes"));
    }
    let mut filter = UserFilter::default();
    for term in terms(query)? {
        match term {
            Term::Field(name, value) => field(&mut filter, &name, value)?,
            Term::Text(text) => once(&mut filter.text, text, "text without a field")?,
        }
    }
    Ok(filter)
}

enum Term {
    Field(String, String),
    Text(String),
}

fn field(filter: &mut UserFilter, name: &str, value: String) -> Result<(), AdminError> {
    match name {
        "email" => {
            let email =
                Email::parse(&value).map_err(|_not_one| refused("`email` is not an e-mail address"))?;
            once(&mut filter.email, email, name)
        }
        "email.domain" => {
            let domain = value.to_ascii_lowercase();
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
            if domain.is_empty() || domain.len() > 253 || !domain.bytes().all(plain) {
                return Err(refused("`email.domain` is not a domain in ASCII"));
            }
            once(&mut filter.email_domain, domain, name)
        }
        "user_id" => {
            let id = UserId::parse(value).map_err(|_not_one| refused("`user_id` is not a user id"))?;
            once(&mut filter.user_id, id, name)
        }
        "identities.connection" => once(&mut filter.connection, value, name),
        "blocked" => match value.as_str() {
            "true" => once(&mut filter.blocked, true, name),
            "false" => once(&mut filter.blocked, false, name),
            _ => Err(refused("`blocked` is `true` or `false`")),
        },
        other => Err(refused(&format!("the field `{}` cannot be searched", short(other)))),
    }
}

fn once<T>(place: &mut Option<T>, value: T, name: &str) -> Result<(), AdminError> {
    if place.is_some() {
        return Err(refused(&format!("`{}` is there twice", short(name))));
    }
    *place = Some(value);
    Ok(())
}

fn terms(query: &str) -> Result<Vec<Term>, AdminError> {
    let mut found = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        if found.len() == 8 {
            return Err(refused("it has more than 8 terms"));
        }
        let (term, tail) = term(rest)?;
        found.push(term);
        rest = tail.trim_start();
        if let Some(tail) = rest.strip_prefix("AND ") {
            rest = tail.trim_start();
            if rest.is_empty() {
                return Err(refused("nothing comes after `AND`"));
            }
        } else if !rest.is_empty() {
            return Err(refused("terms can only be joined by `AND`"));
        }
    }
    Ok(found)
}

fn term(text: &str) -> Result<(Term, &str), AdminError> {
    let end = text.find([':', '"', ' ']).unwrap_or(text.len());
    if let Some(after) = text[end..].strip_prefix(':') {
        let (value, tail) = value(after)?;
        return Ok((Term::Field(text[..end].to_owned(), value), tail));
    }
    let (value, tail) = value(text)?;
    Ok((Term::Text(value), tail))
}

fn value(text: &str) -> Result<(String, &str), AdminError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = quoted.find('"').ok_or_else(|| refused("a quotation mark is missing"))?;
        let inside = &quoted[..end];
        if inside.is_empty() || inside.contains(['\\', '*', '?']) {
            return Err(refused("wildcards and escapes are not supported, and a text may not be empty"));
        }
        return Ok((inside.to_owned(), &quoted[end + 1..]));
    }
    let end = text.find(' ').unwrap_or(text.len());
    let word = &text[..end];
    let special = |c: char| "*?~^()[]{}!+&|\\/:\"<>=".contains(c);
    if word.is_empty() || word.starts_with('-') || matches!(word, "AND" | "OR" | "NOT") {
        return Err(refused("operators other than `AND` are not supported"));
    }
    // A user id has a bar in it, and nobody quotes it in practice.
    if word.replacen('|', "", 1).contains(special) {
        return Err(refused("wildcards, groups, ranges and operators other than `AND` are not supported"));
    }
    Ok((word.to_owned(), &text[end..]))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn refused(why: &str) -> AdminError {
    AdminError::Invalid {
        code: "invalid_query_string",
        message: format!(
            "The query string is not supported: {why}. Supported are email:\"x\", email.domain:\"x\", \
             user_id:\"x\", identities.connection:\"x\", blocked:true and plain text, joined by AND."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_supported_becomes_a_filter() {
        let filter = parse(r#"email:"Jennifer@Hoekstra.example" AND blocked:false"#).unwrap();
        assert_eq!(filter.email.unwrap().canonical(), "jennifer@hoekstra.example");
        assert_eq!(filter.blocked, Some(false));
        assert_eq!(parse("user_id:auth0|abc").unwrap().user_id.unwrap().as_str(), "auth0|abc");
        assert_eq!(
            parse("email.domain:\"Hoekstra.example\"").unwrap().email_domain.unwrap(),
            "hoekstra.example"
        );
        assert_eq!(parse("jenn").unwrap().text.unwrap(), "jenn");
        assert_eq!(parse("\"Jennifer A\"").unwrap().text.unwrap(), "Jennifer A");
        assert!(parse("").unwrap().text.is_none());
    }

    #[test]
    fn api_07_anything_else_is_refused_by_name() {
        let deep = "(".repeat(200);
        for query in [
            "email:*",
            "app_metadata.secret:\"x\"",
            "org:\"B\"",
            "a OR b",
            "NOT a",
            "email:\"a@b.test\" email:\"c@d.test\"",
            "email:\"a@b.test\" AND email:\"c@d.test\"",
            "created_at:[2020 TO 2021]",
            "email:\"a@b.test",
            "email:nobody",
            "name:jenn*",
            "a AND ",
            deep.as_str(),
        ] {
            let Err(AdminError::Invalid { code, message }) = parse(query) else { panic!("{query}") };
            assert_eq!(code, "invalid_query_string", "{query}");
            assert!(message.contains("Supported are"), "{query}");
        }
    }
}
