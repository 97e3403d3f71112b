//! Owns what a visitor is told when a connector says no: which sentences, and at which field.
//! Never touches the reasons' exactness for the log: several reasons share one sentence on purpose.

use axum::http::StatusCode;
use portico_core::connector::{Field, PasswordFault, PasswordRule, Refusal};
use serde::Serialize;

/// What is said, by key of the catalog.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Notice {
    /// The sentences.
    pub(super) keys: Vec<&'static str>,
    /// The fields it is about; the first is where the visitor goes on.
    #[serde(skip)]
    pub(super) fields: &'static [Field],
    /// Whether it stands at its field (`true`), or above the form.
    pub(super) at_field: bool,
}

impl Notice {
    /// Say it. An unknown account and a wrong password are one sentence (`security.md` DB-01), and so are all the
    /// reasons for which an account cannot be made (DB-03).
    pub(super) fn of(refusal: &Refusal) -> Self {
        let above = |key| Self { keys: vec![key], fields: &[], at_field: false };
        let at = |key, fields| Self { keys: vec![key], fields, at_field: true };
        match refusal {
            Refusal::WrongCredentials => Self {
                keys: vec!["refusal.wrong_credentials"],
                fields: &[Field::Password, Field::Identifier, Field::Email],
                at_field: false,
            },
            Refusal::PasswordTooWeak(faults) => Self {
                keys: if faults.is_empty() {
                    vec!["fault.too_weak"]
                } else {
                    faults.iter().map(|fault| fault_key(*fault)).collect()
                },
                fields: &[Field::NewPassword],
                at_field: true,
            },
            Refusal::UsernameUnusable => at("refusal.username_unusable", &[Field::Username]),
            Refusal::EmailUnusable => at("refusal.email_unusable", &[Field::Email, Field::Identifier]),
            Refusal::TooManyAttempts => above("refusal.too_many_attempts"),
            Refusal::SignUpRefused => above("refusal.sign_up_refused"),
            Refusal::AccessDenied => above("refusal.access_denied"),
            Refusal::NotTheInvitee => above("refusal.not_the_invitee"),
            Refusal::AnswerRejected | Refusal::Unsolicited => above("refusal.answer_rejected"),
            Refusal::NoSuchOrganization => above("organization.unknown"),
            Refusal::NoWayIn => at("refusal.no_way_in", &[Field::Identifier, Field::Email]),
            _ => above("refusal.other"),
        }
    }
}

/// The status of a form that is shown again.
pub(super) fn status_of(refusal: Option<&Refusal>) -> StatusCode {
    match refusal {
        None => StatusCode::OK,
        Some(Refusal::TooManyAttempts) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::BAD_REQUEST,
    }
}

/// What a password must be like, by key of the catalog.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RuleView {
    key: &'static str,
    count: Option<usize>,
}

impl RuleView {
    pub(super) fn of(rule: PasswordRule) -> Self {
        let plain = |key| Self { key, count: None };
        let counted = |key, count| Self { key, count: Some(count) };
        match rule {
            PasswordRule::MinLength(count) => counted("rule.min_length", count),
            PasswordRule::Lower => plain("rule.lower"),
            PasswordRule::Upper => plain("rule.upper"),
            PasswordRule::Digit => plain("rule.digit"),
            PasswordRule::Special => plain("rule.special"),
            PasswordRule::ThreeKinds => plain("rule.three_kinds"),
            PasswordRule::NoRuns => plain("rule.no_runs"),
            PasswordRule::NoSequences => plain("rule.no_sequences"),
            PasswordRule::NotCommon => plain("rule.not_common"),
            PasswordRule::NotPersonal => plain("rule.not_personal"),
            PasswordRule::NotUsedBefore(1) => plain("rule.not_the_last"),
            PasswordRule::NotUsedBefore(count) => counted("rule.not_used_before", count),
            _ => plain("rule.other"),
        }
    }
}

fn fault_key(fault: PasswordFault) -> &'static str {
    match fault {
        PasswordFault::TooShort => "fault.too_short",
        PasswordFault::TooLong => "fault.too_long",
        PasswordFault::TooSimple => "fault.too_simple",
        PasswordFault::Repetitive => "fault.repetitive",
        PasswordFault::Sequential => "fault.sequential",
        PasswordFault::Common => "fault.common",
        PasswordFault::Personal => "fault.personal",
        PasswordFault::Reused => "fault.reused",
        _ => "fault.too_weak",
    }
}
