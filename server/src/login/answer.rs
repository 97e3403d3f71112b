//! Owns the way from what the flow says to what the browser gets: a redirect, or a page at its path.
//! Never touches what the flow says.

use super::{LoginFault, Logins, Visit};
use crate::http::voice::page::PageFault;
use crate::page::{
    ArrivalPage, AutoPostPage, Brand, ConfirmPage, ConnectionsPage, ErrorPage, Form, IdentifierPage, Label,
    Links, Locale, Look, OrganizationPage, Page, PassagePage, Pick, PickerPage, PromptPage, SignUpSentPage,
    Trouble, Typed, Way, Ways, WebMessagePage,
};
use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{LOCATION, SET_COOKIE},
};
use portico_core::{
    connector::{Field, Intent, Interaction, Presence, Prompt, Refusal},
    login::scene::{Choice, Next, Outcome, Scene, Shown, Stopped, View},
    model::TenantSettings,
    oauth::response::AuthorizeResponse,
};
use serde_json::{Map, Value};
use std::time::Duration;
use url::Url;

/// The cookie that ties logins to a browser outlives them, so that a reload finds the right words: the longest wait for a
/// browser that a rule has sent elsewhere.
const BROWSER_COOKIE: Duration = Duration::from_hours(4 * 24);

/// The path of a page of ours; none for places elsewhere.
pub(super) fn path_of(view: &View) -> Option<&'static str> {
    match view {
        View::Organization => Some("/u/organization"),
        View::Choice { .. } => Some("/u/login/identifier"),
        View::Confirmation { .. } => Some("/invitation"),
        View::Arrival { .. } => Some("/u/continue"),
        View::Picker(_) => Some("/u/organization-picker"),
        View::SignedUp { .. } => Some("/u/signup"),
        View::Connector { interaction: Interaction::Prompt(prompt), .. } => Some(match prompt.intent {
            Intent::SignIn if prompt.fields.contains(&Field::Identifier) => "/u/login",
            Intent::SignIn => "/u/login/password",
            Intent::SignUp => "/u/signup",
            Intent::Accept(_) => "/signup/invitation",
        }),
        View::Connector { interaction: Interaction::Redirect(_) | Interaction::Post { .. }, .. }
        | View::Away(_) => None,
    }
}

/// Whether two paths are one page: the seed's and Auth0's names of it.
fn same_page(path: &str, here: &str) -> bool {
    path == here || here.strip_prefix("/u") == Some(path) || path == "/u/login" && here == "/login"
}

impl Logins {
    /// Answer the browser, which is `here` if it is at a page of ours.
    pub(super) async fn answer(
        &self,
        outcome: Result<Outcome, LoginFault>,
        visit: &Visit,
        here: Option<&str>,
    ) -> Response {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(fault) => return PageFault::from(fault).into_response(),
        };
        let mut response = match outcome.next {
            Next::Show(shown) => self.show(*shown, visit, here),
            Next::Respond(answer) => self.respond(answer, visit).await,
            Next::Stop(stopped) => self.stop(*stopped, visit),
        };
        // What follows a form is a 303 or a page: never does a browser post a password once more (OP-35).
        let set = |cookie: HeaderValue, response: &mut Response| {
            response.headers_mut().append(SET_COOKIE, cookie);
        };
        if let Some(browser) = &outcome.browser {
            set(self.cookies.browser(browser, BROWSER_COOKIE), &mut response);
        }
        if let Some(session) = &outcome.session {
            // The session ends by the store's clock; the cookie lasts as long as any session may.
            set(self.cookies.session(session, Duration::from_hours(24 * 30)), &mut response);
        }
        response
    }

    /// A page that belongs to no login.
    pub(super) async fn plain_page(&self, page: &Page, visit: &Visit) -> Response {
        let settings = self.store.read(|unit| Box::pin(async move { unit.tenant().settings().await })).await;
        let settings = settings.unwrap_or_default();
        self.pages.render(page, &look(&settings, visit))
    }

    async fn respond(&self, answer: AuthorizeResponse, visit: &Visit) -> Response {
        match answer {
            AuthorizeResponse::Redirect(url) => match passage(&url, visit) {
                // Hardly ever seen, and part of every login: not worth a query for whose colours it wears.
                Some(page) => self.pages.render(&page, &look(&TenantSettings::default(), visit)),
                None => redirect(&url),
            },
            AuthorizeResponse::FormPost { action, fields } => match Url::parse(&action) {
                Ok(action) => {
                    self.plain_page(&Page::AutoPost(AutoPostPage::new(action, fields)), visit).await
                }
                Err(_not_a_url) => redirect(&action),
            },
            AuthorizeResponse::WebMessage { origin, fields } => match Url::parse(&origin) {
                Ok(origin) => {
                    let told: Map<String, Value> =
                        fields.into_iter().map(|(name, value)| (name, value.into())).collect();
                    self.plain_page(&Page::WebMessage(WebMessagePage::new(&origin, &told.into())), visit)
                        .await
                }
                Err(_not_a_url) => redirect(&origin),
            },
        }
    }

    fn stop(&self, stopped: Stopped, visit: &Visit) -> Response {
        let Stopped { status, reference, reason, scene, explanation } = stopped;
        tracing::info!(reference = %reference, reason, "a login ended without a code");
        let trouble = match status {
            400 => Trouble::SignInRejected,
            403 => Trouble::Denied,
            503 => Trouble::SignInUnavailable,
            _ => Trouble::Internal,
        };
        let retry =
            scene.as_ref().and_then(|scene| scene.client.as_ref()).and_then(|c| c.initiate_login_uri.clone());
        let page = Page::Error(ErrorPage {
            trouble,
            reference: reference.to_string(),
            detail: explanation.as_deref().map(Label::new),
            retry,
        });
        match &scene {
            Some(scene) => self.pages.render(&page, &look_of(scene, visit)),
            None => self.pages.render(&page, &look(&TenantSettings::default(), visit)),
        }
    }

    fn show(&self, shown: Shown, visit: &Visit, here: Option<&str>) -> Response {
        let Some(path) = path_of(&shown.view) else {
            return match shown.view {
                View::Connector { interaction: Interaction::Post { action, fields }, .. } => {
                    let page = Page::AutoPost(AutoPostPage::new(action, fields));
                    self.pages.render(&page, &look_of(&shown.scene, visit))
                }
                View::Connector { interaction: Interaction::Redirect(url), .. } | View::Away(url) => {
                    match passage(url.as_str(), visit) {
                        Some(page) => self.pages.render(&page, &look_of(&shown.scene, visit)),
                        None => redirect(url.as_str()),
                    }
                }
                View::Connector { .. }
                | View::Organization
                | View::Choice { .. }
                | View::Confirmation { .. }
                | View::Arrival { .. }
                | View::SignedUp { .. }
                | View::Picker(_) => unreachable!("they have a page of ours"),
            };
        };
        let state = shown.transaction.as_str();
        if shown.refusal.is_none() && !here.is_some_and(|here| same_page(path, here)) {
            return redirect(&format!("{path}?state={state}"));
        }
        let look = look_of(&shown.scene, visit);
        let token = visit.form_token(&shown.transaction);
        let mut form = Form::to(path).of_login(state, token.expose());
        // What follows a form may be a redirect to the application, or to an identity provider.
        for place in lands_at(&shown) {
            form = form.landing_at(&place);
        }
        self.pages.render(&page_of(shown, form), &look)
    }
}

/// After a form, the page that leads elsewhere.
fn passage(to: &str, visit: &Visit) -> Option<Page> {
    PassagePage::after_form(to, visit.posted).map(Page::Passage)
}

/// 303, whatever the method was: for `GET` it means the same as 302.
fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_not_a_header) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn look(settings: &TenantSettings, visit: &Visit) -> Look {
    Look {
        brand: Brand::of(None, settings),
        locale: Locale::choose(&[], visit.accept_language.as_deref(), &settings.enabled_locales),
        nonce: visit.nonce.clone(),
    }
}

fn look_of(scene: &Scene, visit: &Visit) -> Look {
    Look {
        brand: Brand::of(scene.organization.as_ref(), &scene.settings),
        locale: Locale::choose(
            &scene.ui_locales,
            visit.accept_language.as_deref(),
            &scene.settings.enabled_locales,
        ),
        nonce: visit.nonce.clone(),
    }
}

fn lands_at(shown: &Shown) -> Vec<String> {
    let callbacks = shown.scene.client.iter().flat_map(|client| client.callbacks.iter().cloned());
    let elsewhere: &[Url] = match &shown.view {
        View::Confirmation { destinations, .. } | View::Choice { destinations, .. } => destinations,
        View::Organization
        | View::Arrival { .. }
        | View::Connector { .. }
        | View::SignedUp { .. }
        | View::Away(_)
        | View::Picker(_) => &[],
    };
    callbacks.chain(elsewhere.iter().map(Url::to_string)).collect()
}

fn page_of(shown: Shown, form: Form) -> Page {
    let Shown { transaction, view, refusal, scene } = shown;
    let client = Label::new(scene.client.as_ref().map_or("", |client| client.name.as_str()));
    let organization = scene.organization.as_ref().map(|organization| Label::new(organization.title()));
    let inviter = scene.invitation.as_ref().map(|invitation| Label::new(&invitation.inviter_name));
    match view {
        View::Organization => Page::Organization(OrganizationPage {
            form,
            name: String::new(),
            unknown: refusal == Some(Refusal::NoSuchOrganization),
            client,
        }),
        View::Picker(organizations) => {
            let pick = |organization: &portico_core::model::Organization| {
                Pick::new(organization.id.as_str(), Label::new(organization.title()))
            };
            Page::Picker(PickerPage {
                form,
                organizations: organizations.iter().map(pick).collect(),
                personal: None,
                client,
            })
        }
        View::Confirmation { connection, .. } => Page::Confirm(ConfirmPage {
            form,
            email: scene
                .invitation
                .as_ref()
                .map(|invitation| invitation.invitee_email.to_string())
                .unwrap_or_default(),
            inviter: inviter.unwrap_or_else(|| Label::new("")),
            organization: organization.unwrap_or_else(|| Label::new("")),
            client,
            destination: Label::new(&connection),
        }),
        View::Arrival { connection, who } => Page::Arrival(ArrivalPage {
            form,
            who: Label::new(&who),
            connection: Label::new(&connection),
            client,
        }),
        View::SignedUp { email } => Page::SignUpSent(SignUpSentPage {
            email: Label::new(&email),
            back: format!("/u/login?state={transaction}"),
        }),
        View::Choice { choices, by_identifier, .. } => {
            let invited = scene.invitation.is_some();
            let offered = |choice: &&Choice| invited || choice.presence == Presence::Elsewhere;
            let ways: Vec<_> = choices.iter().filter(offered).map(way).collect();
            let ways = Ways { form: form.clone(), ways };
            if by_identifier && !invited {
                let ways = (!ways.ways.is_empty()).then_some(ways);
                let links = Links::default();
                let page =
                    IdentifierPage { form, identifier: None, refusal, client, organization, ways, links };
                Page::Identifier(Box::new(page))
            } else {
                Page::Connections(ConnectionsPage { ways, client, organization, inviter })
            }
        }
        View::Away(_) => unreachable!("elsewhere is no page of ours"),
        View::Connector { interaction, connection, may_go_back, may_sign_up } => {
            let Interaction::Prompt(prompt) = interaction else {
                unreachable!("the others have no page of ours")
            };
            let state = transaction.as_str();
            let links = links(&prompt, state, &connection, May { may_go_back, may_sign_up });
            let typed = Typed { identifier: None, username: None };
            let page =
                PromptPage { form, prompt, typed, refusal, client, organization, inviter, ways: None, links };
            Page::Prompt(Box::new(page))
        }
    }
}

/// What else a form may lead to.
#[derive(Clone, Copy)]
struct May {
    may_go_back: bool,
    may_sign_up: bool,
}

fn links(prompt: &Prompt, state: &str, connection: &str, may: May) -> Links {
    let forgot = prompt.may_reset.then(|| format!("/u/reset-password/request/{connection}?state={state}"));
    let to = |path: &str| Some(format!("{path}?state={state}"));
    Links {
        forgot,
        sign_up: if may.may_sign_up && prompt.intent == Intent::SignIn { to("/u/signup") } else { None },
        sign_in: if prompt.intent == Intent::SignUp { to("/u/login") } else { None },
        back: if may.may_go_back { to("/u/login/identifier") } else { None },
    }
}

fn way(choice: &Choice) -> Way {
    Way { value: choice.id.to_string(), label: Label::new(&choice.title) }
}
