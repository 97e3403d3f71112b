//! Owns what follows a "no": another question, an answer to the application, or a page of ours.
//! Never touches what led to it.

use super::{
    Awaiting, Failed, Stage, Transaction,
    admit::NotAdmitted,
    discover::NoConnection,
    event::login_event,
    flow::{Flow, FlowError},
    lookup::Here,
    scene::{Next, Outcome, Scene, Shown, Stopped},
    sso::NoAnswer,
};
use crate::{
    connector::{Ask, Interaction, Prompt, Refusal, Rejection, Step},
    id::{ReferenceId, UserId},
    model::{AuditEvent, EventKind},
    oauth::{
        AuthorizeRequest,
        response::{AuthorizeResponse, ResponseTarget},
    },
};

/// What a connector said no to, and about whom.
pub(super) struct Said {
    pub(super) reason: Refusal,
    pub(super) about: Option<String>,
}

/// How a login ends without a code.
pub(super) enum Ending {
    /// The application is told.
    Told {
        /// The code (RFC 6749 §4.1.2.1).
        error: &'static str,
        /// In words.
        description: String,
    },
    /// The visitor sees a page of ours, with this status.
    Page(u16),
    /// The visitor sees a page of ours that says this.
    Explained(String),
}

impl Ending {
    pub(super) fn denied(description: impl Into<String>) -> Self {
        Self::Told { error: "access_denied", description: description.into() }
    }
}

impl Flow {
    pub(super) fn tell(
        &self,
        request: &AuthorizeRequest,
        error: &str,
        description: &str,
    ) -> AuthorizeResponse {
        target(request).error(error, description, self.settings.issuer.as_str())
    }

    /// End a login: one entry of the log, and the last stage, in one unit.
    pub(super) async fn end(
        &self,
        transaction: Transaction,
        scene: Option<Scene>,
        ending: Ending,
        event: AuditEvent,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let reference = ReferenceId::random(&*self.entropy);
        let reason =
            event.details.get("reason").and_then(|reason| reason.as_str()).unwrap_or_default().to_owned();
        let failed =
            Failed { reason: reason.clone(), refusal: None, reference: Some(reference.clone()), at: now };
        let request = transaction.request.clone();
        self.keep(transaction, Stage::Failed(failed), Some(event.on_page(&reference))).await?;
        Ok(Outcome::from(match ending {
            Ending::Told { error, description } => Next::Respond(self.tell(&request, error, &description)),
            Ending::Page(status) => {
                Next::Stop(Box::new(Stopped { status, reference, reason, scene, explanation: None }))
            }
            Ending::Explained(text) => {
                let explanation = Some(text);
                Next::Stop(Box::new(Stopped { status: 400, reference, reason, scene, explanation }))
            }
        }))
    }

    /// The connector asks something else.
    pub(super) async fn asked_again(
        &self,
        here: Here,
        awaiting: Awaiting,
        ask: Ask,
    ) -> Result<Outcome, FlowError> {
        let awaiting = awaiting.asked_again(ask.memo, prompt_of(&ask.interaction));
        let view = self.connector_view(&here.transaction, &awaiting, here.at()?, ask.interaction)?;
        let Here { transaction, scene, .. } = here;
        let shown = Shown { transaction: transaction.id.clone(), view, refusal: None, scene };
        self.keep(transaction, Stage::Awaiting(awaiting), None).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    /// The connector said no: it asks again, until it has said so too often.
    pub(super) async fn refused(
        &self,
        mut here: Here,
        awaiting: Awaiting,
        said: Said,
        retry: Option<Ask>,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let reason = reason_of(&said.reason);
        here.transaction.trace.push(format!("refused: {reason}"));
        let kind = Self::kind_of(&said, &here.transaction);
        let event = login_event(kind, now, &*self.entropy, &here.transaction, Some(&here.scene))
            .through_id(&awaiting.connection)
            .about_text(said.about.as_deref())
            .because(reason, sentence_of(&said.reason));
        let again = retry.and_then(|ask| {
            let interaction = ask.interaction;
            awaiting.refused(ask.memo, prompt_of(&interaction)).map(|awaiting| (awaiting, interaction))
        });
        let Some((awaiting, interaction)) = again else {
            let ending = Ending::denied(sentence_of(&said.reason));
            return Box::pin(self.end(here.transaction, Some(here.scene), ending, event)).await;
        };
        let view = self.connector_view(&here.transaction, &awaiting, here.at()?, interaction)?;
        let Here { transaction, scene, .. } = here;
        let shown = Shown { transaction: transaction.id.clone(), view, refusal: Some(said.reason), scene };
        self.keep(transaction, Stage::Awaiting(awaiting), Some(event)).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    /// Too many guesses: this one is not looked at, whatever it was (DB-04, DB-05).
    pub(super) async fn throttled(
        &self,
        mut here: Here,
        awaiting: Awaiting,
        full: &str,
        guess: Option<&str>,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let kind = if full.starts_with("login:ip:") || full.starts_with("signup:ip:") {
            EventKind::BlockedAddress
        } else {
            EventKind::BlockedAttempts
        };
        here.transaction.trace.push("refused: too many attempts".to_owned());
        let event = login_event(kind, now, &*self.entropy, &here.transaction, Some(&here.scene))
            .through_id(&awaiting.connection)
            .about_text(guess)
            .because("too_many_attempts", sentence_of(&Refusal::TooManyAttempts));
        let Some(prompt) = awaiting.prompt.clone() else {
            let ending = Ending::denied("too many attempts");
            return Box::pin(self.end(here.transaction, Some(here.scene), ending, event)).await;
        };
        let view =
            self.connector_view(&here.transaction, &awaiting, here.at()?, Interaction::Prompt(prompt))?;
        let Here { transaction, scene, .. } = here;
        let refusal = Some(Refusal::TooManyAttempts);
        let shown = Shown { transaction: transaction.id.clone(), view, refusal, scene };
        self.keep(transaction, Stage::Awaiting(awaiting), Some(event)).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    /// An answer from elsewhere did not pass a check: a page that says nothing of which.
    pub(super) async fn rejected(&self, here: Here, check: &str) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let connection = here.at()?.connection.id.clone();
        let Here { mut transaction, scene, .. } = here;
        transaction.trace.push(format!("answer rejected: {check}"));
        let invited = transaction.request.invitation.is_some();
        let kind = if invited { EventKind::InvitationFailed } else { EventKind::AnswerRejected };
        let event = login_event(kind, now, &*self.entropy, &transaction, Some(&scene))
            .through_id(&connection)
            .because(
                "answer_rejected",
                format!("the identity provider's answer did not pass a check: {check}"),
            );
        Box::pin(self.end(transaction, Some(scene), Ending::Page(400), event)).await
    }

    /// The same with the whole story: the log has it, the page says nothing of it.
    pub(super) async fn disproved(&self, here: Here, rejection: Rejection) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let connection = here.at()?.connection.id.clone();
        let Here { mut transaction, scene, .. } = here;
        transaction.trace.push(format!("answer rejected: {}", rejection.check));
        let invited = transaction.request.invitation.is_some();
        let kind = if invited { EventKind::InvitationFailed } else { rejection.kind };
        let event = login_event(kind, now, &*self.entropy, &transaction, Some(&scene))
            .through_id(&connection)
            .telling(rejection);
        Box::pin(self.end(transaction, Some(scene), Ending::Page(400), event)).await
    }

    /// Somebody was identified and may not come in.
    pub(super) async fn not_admitted(
        &self,
        here: Here,
        awaiting: Awaiting,
        not: NotAdmitted,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let reason = not.reason();
        if not == NotAdmitted::SignUpRefused && awaiting.prompt.is_some() {
            return Box::pin(self.ask_anew(here, awaiting)).await;
        }
        let Here { mut transaction, scene, .. } = here;
        transaction.trace.push(format!("not admitted: {reason}"));
        let invited = transaction.request.invitation.is_some();
        let blocked = matches!(not, NotAdmitted::Blocked(_));
        let kind = if not == NotAdmitted::Replayed {
            EventKind::AnswerReplayed
        } else if invited && !blocked {
            EventKind::InvitationFailed
        } else {
            EventKind::LoginFailed
        };
        let about = if let NotAdmitted::Blocked(user) = &not { Some(user.to_string()) } else { None };
        let ending = match not {
            NotAdmitted::NotTheInvitee => {
                Ending::denied("the specified account is not allowed to accept the current invitation")
            }
            NotAdmitted::InvitationGone => Ending::Told {
                error: "invalid_request",
                description: "invitation not found or already used".to_owned(),
            },
            NotAdmitted::Replayed => Ending::Page(400),
            NotAdmitted::Blocked(_) => Ending::denied("user is blocked"),
            NotAdmitted::OrganizationGone | NotAdmitted::SignUpRefused => {
                Ending::denied("the login is not possible")
            }
        };
        if reason == "not_the_invitee"
            && let Some((id, _)) = transaction.request.invitation.clone()
        {
            // Contract §3.2: the ticket is spent.
            self.store
                .write(move |unit| Box::pin(async move { unit.invitations().consume(&id, None, now).await }))
                .await
                .map_err(FlowError::Store)?;
        }
        let event = login_event(kind, now, &*self.entropy, &transaction, Some(&scene))
            .through_id(&awaiting.connection)
            .about_text(about.as_deref())
            .because(reason, format!("not admitted: {reason}"));
        Box::pin(self.end(transaction, Some(scene), ending, event)).await
    }

    /// The account came about meanwhile: ask what an existing account is asked.
    async fn ask_anew(&self, here: Here, awaiting: Awaiting) -> Result<Outcome, FlowError> {
        let connector = self.connectors.of(&here.at()?.connection).map_err(FlowError::Connector)?;
        let request = self.question(&here.transaction, &awaiting.intent, None);
        let said = Said { reason: Refusal::SignUpRefused, about: None };
        let retry = match connector.begin(&request).await.map_err(FlowError::Connector)? {
            Step::Ask(ask) => Some(ask),
            Step::Refused { retry, .. } => retry,
            Step::Identified(_) | Step::Wanted { .. } => None,
        };
        Box::pin(self.refused(here, awaiting, said, retry)).await
    }

    /// No connection fits.
    pub(super) async fn no_way_in(
        &self,
        transaction: Transaction,
        scene: Scene,
        reason: NoConnection,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let event = login_event(EventKind::LoginFailed, now, &*self.entropy, &transaction, Some(&scene))
            .because("no_connection", reason.to_string());
        let ending = Ending::Told { error: "invalid_request", description: reason.to_string() };
        Box::pin(self.end(transaction, Some(scene), ending, event)).await
    }

    /// Somebody would have to be asked, and the request forbids it (OIDC Core §3.1.2.6).
    pub(super) async fn no_interaction(
        &self,
        transaction: &Transaction,
        scene: &Scene,
        silent: Silence,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let event = login_event(EventKind::SilentLoginFailed, now, &*self.entropy, transaction, Some(scene))
            .because("login_required", format!("prompt=none: {silent}"));
        self.store
            .write(move |unit| Box::pin(async move { unit.events().insert(&event).await }))
            .await
            .map_err(FlowError::Store)?;
        let answer = self.tell(&transaction.request, "login_required", "Login required");
        Ok(Next::Respond(answer).into())
    }

    /// A wrong password of somebody we know, or of nobody.
    fn kind_of(said: &Said, transaction: &Transaction) -> EventKind {
        let invited = transaction.request.invitation.is_some();
        match said.reason {
            Refusal::WrongCredentials => {
                let user = said.about.as_deref().and_then(|about| UserId::parse(about).ok());
                if user.is_some() { EventKind::WrongPassword } else { EventKind::UnknownUser }
            }
            Refusal::PasswordTooWeak(_)
            | Refusal::UsernameUnusable
            | Refusal::EmailUnusable
            | Refusal::SignUpRefused => EventKind::SignUpFailed,
            Refusal::NotTheInvitee => EventKind::InvitationFailed,
            Refusal::TooManyAttempts
            | Refusal::AccessDenied
            | Refusal::AnswerRejected
            | Refusal::Unsolicited
            | Refusal::NoWayIn
            | Refusal::NoSuchOrganization => {
                if invited {
                    EventKind::InvitationFailed
                } else {
                    EventKind::LoginFailed
                }
            }
        }
    }
}

/// Why no session answered, in words of the log.
pub(super) type Silence = String;

pub(super) fn silence(reason: NoAnswer) -> Silence {
    reason.reason().to_owned()
}

pub(super) fn target(request: &AuthorizeRequest) -> ResponseTarget {
    ResponseTarget {
        redirect_uri: request.redirect_uri.clone(),
        mode: request.response_mode,
        state: request.state.clone(),
    }
}

pub(super) fn prompt_of(interaction: &Interaction) -> Option<Prompt> {
    match interaction {
        Interaction::Prompt(prompt) => Some(prompt.clone()),
        Interaction::Redirect(_) | Interaction::Post { .. } => None,
    }
}

const fn reason_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::WrongCredentials => "wrong_credentials",
        Refusal::TooManyAttempts => "too_many_attempts",
        Refusal::PasswordTooWeak(_) => "password_too_weak",
        Refusal::UsernameUnusable => "username_unusable",
        Refusal::EmailUnusable => "email_unusable",
        Refusal::SignUpRefused => "sign_up_refused",
        Refusal::AccessDenied => "access_denied",
        Refusal::NotTheInvitee => "not_the_invitee",
        Refusal::AnswerRejected => "answer_rejected",
        Refusal::Unsolicited => "unsolicited",
        Refusal::NoWayIn => "no_way_in",
        Refusal::NoSuchOrganization => "no_such_organization",
    }
}

/// In words of the log, and of the application when the login ends there.
const fn sentence_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::WrongCredentials => "Wrong email or password.",
        Refusal::TooManyAttempts => "Too many attempts.",
        Refusal::PasswordTooWeak(_) => "The password does not meet the connection's policy.",
        Refusal::UsernameUnusable => "The user name cannot be used.",
        Refusal::EmailUnusable => "The e-mail address cannot be used.",
        Refusal::SignUpRefused => "The account cannot be made.",
        Refusal::AccessDenied => "The sign-in was cancelled or denied.",
        Refusal::NotTheInvitee => "the specified account is not allowed to accept the current invitation",
        Refusal::AnswerRejected => "The identity provider's answer was not accepted.",
        Refusal::Unsolicited => "Nobody asked for this answer.",
        Refusal::NoWayIn => "No connection fits.",
        Refusal::NoSuchOrganization => "There is no such organization.",
    }
}
