//! Owns how messages read: from an entry of the outbox, its subject, its text and its HTML.
//! Never touches sending, or tickets beyond putting the link in its place.

use super::{Brand, Label, Locale, PageError, Pages, palette::Palette};
use crate::worker::{MailRenderer, RenderError};
use async_trait::async_trait;
use minijinja::{Value, context, value::Serde};
use portico_core::{
    model::OutboxMail,
    port::{
        mailer::Mail,
        store::{Store, StoreError},
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;

/// How a message looks.
#[derive(Clone, Debug)]
pub struct MailLook {
    /// Whose house it is from.
    pub brand: Brand,
    /// In which language.
    pub locale: Locale,
}

/// Why a message cannot be rendered. Trying again does not help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailFault {
    /// There is no such template.
    #[error("there is no mail template `{0}`")]
    UnknownTemplate(String),
    /// Its data lacks something.
    #[error("the data does not fit the template")]
    Data(#[from] serde_json::Error),
    /// Its link is not one for browsers.
    #[error("the link is not an http or https address")]
    Link,
    /// The template cannot be filled.
    #[error(transparent)]
    Page(#[from] PageError),
}

impl Pages {
    /// Render a message of the outbox (`security.md` INV-14).
    ///
    /// Names that other people chose are one line each, capped, escaped in HTML, and interrupted where mail programs would
    /// make links of them. Subject and sender have no line breaks; the link is a parsed `http` or `https` address.
    pub fn mail(&self, mail: &OutboxMail, look: &MailLook) -> Result<Mail, MailFault> {
        let message = Message::of(mail)?;
        let title = look.brand.title.defused();
        let context = context! {
            mail => message.filled()?,
            look => Value::from(Serde(MailLookView::of(look, &title))),
        };
        let fill = |part: &str| self.0.fill(&format!("email/{}/{part}", message.template()), &context);
        // One line: its names are, and the template has a line break at its end.
        let subject = fill("subject.txt")?.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Mail {
            id: mail.id.to_string(),
            to: mail.to.clone(),
            from_name: (!title.is_empty()).then(|| title.to_string()),
            subject: subject.chars().take(SUBJECT).collect(),
            text: fill("body.txt")?,
            html: Some(fill("body.html")?),
        })
    }
}

/// What the templates are filled with, as the use cases write it to the outbox.
enum Message {
    /// `user_invitation`, written when an invitation is made.
    Invitation(InvitationData),
    /// `reset_email`, `account_exists`, `verify_email` and `password_changed`, written by what people do with their accounts.
    Account(&'static str, AccountData),
}

/// The data of `user_invitation`, by the names of Auth0's template variables (contract §2.11).
#[derive(Debug, Deserialize)]
struct InvitationData {
    url: String,
    inviter: Named,
    organization: OrganizationData,
    application: Named,
    #[serde(default)]
    roles: Vec<Named>,
    /// RFC 3339.
    expires_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct OrganizationData {
    display_name: String,
}

/// The data of messages about an account.
#[derive(Debug, Deserialize)]
struct AccountData {
    /// The person's name, where the profile has one.
    name: Option<String>,
    /// The link; `password_changed` has none.
    url: Option<String>,
}

impl Message {
    fn of(mail: &OutboxMail) -> Result<Self, MailFault> {
        let data = serde_json::Value::Object(mail.data.clone());
        Ok(match mail.template.as_str() {
            "user_invitation" => Self::Invitation(serde_json::from_value(data)?),
            "reset_email" => Self::Account("reset_email", serde_json::from_value(data)?),
            "account_exists" => Self::Account("account_exists", serde_json::from_value(data)?),
            "verify_email" => Self::Account("verify_email", serde_json::from_value(data)?),
            "password_changed" => Self::Account("password_changed", serde_json::from_value(data)?),
            other => return Err(MailFault::UnknownTemplate(other.to_owned())),
        })
    }

    fn template(&self) -> &'static str {
        match self {
            Self::Invitation(_) => "user_invitation",
            Self::Account(template, _) => template,
        }
    }

    fn filled(&self) -> Result<Value, MailFault> {
        Ok(match self {
            Self::Invitation(data) => Value::from(Serde(InvitationView {
                url: link(&data.url)?,
                inviter: name(&data.inviter.name),
                organization: name(&data.organization.display_name),
                client: name(&data.application.name),
                roles: data
                    .roles
                    .iter()
                    .map(|role| name(&role.name).to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                until: data.expires_at.as_deref().and_then(day),
            })),
            Self::Account(template, data) => {
                let url = data.url.as_deref().map(link).transpose()?;
                if url.is_none() && *template != "password_changed" {
                    return Err(MailFault::Link);
                }
                Value::from(Serde(AccountView { url, name: data.name.as_deref().map(name) }))
            }
        })
    }
}

#[derive(Serialize)]
struct InvitationView {
    url: String,
    inviter: Label,
    organization: Label,
    client: Label,
    roles: String,
    until: Option<String>,
}

#[derive(Serialize)]
struct AccountView {
    url: Option<String>,
    name: Option<Label>,
}

#[derive(Serialize)]
struct MailLookView<'a> {
    title: &'a Label,
    logo_url: Option<&'a str>,
    palette: Palette,
    locale: Locale,
}

impl<'a> MailLookView<'a> {
    fn of(look: &'a MailLook, title: &'a Label) -> Self {
        let brand = &look.brand;
        // Mail is read on other machines than this one.
        let logo_url =
            brand.logo_url.as_ref().map(super::LogoUrl::as_str).filter(|url| url.starts_with("https:"));
        let palette = Palette::of(brand.primary.as_ref(), brand.page_background.as_ref());
        Self { title, logo_url, palette, locale: look.locale }
    }
}

fn name(text: &str) -> Label {
    Label::new(text).defused()
}

/// The address as a URL writes it: nothing in it can end a line or an attribute.
fn link(text: &str) -> Result<String, MailFault> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    url.map(String::from).ok_or(MailFault::Link)
}

/// The day of a time: `2026-12-01`.
fn day(time: &str) -> Option<String> {
    let day = time.get(..10)?;
    day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-').then(|| day.to_owned())
}

/// How long a subject may be: three names at their longest would fill a screen.
const SUBJECT: usize = 160;

/// Renders the outbox of a store: it finds whose colours a message wears.
pub struct OutboxRenderer {
    pages: Arc<Pages>,
    store: Arc<dyn Store>,
}

impl OutboxRenderer {
    /// With these templates, for this store's organizations.
    pub fn new(pages: Arc<Pages>, store: Arc<dyn Store>) -> Self {
        Self { pages, store }
    }
}

#[async_trait]
impl MailRenderer for OutboxRenderer {
    async fn render(&self, mail: &OutboxMail) -> Result<Mail, RenderError> {
        let look = self.store.read(|unit| {
            Box::pin(async move {
                let settings = unit.tenant().settings().await?;
                let organization = match &mail.organization_id {
                    Some(id) => unit.organizations().find(id).await?,
                    None => None,
                };
                let brand = Brand::of(organization.as_ref(), &settings);
                let locale = Locale::choose(&[], None, &settings.enabled_locales);
                Ok::<_, StoreError>(MailLook { brand, locale })
            })
        });
        let look = look.await.map_err(|error| RenderError::Unavailable(Box::new(error)))?;
        self.pages.mail(mail, &look).map_err(|fault| RenderError::Unusable(fault.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::{
        id::{MailId, OrganizationId},
        model::{Branding, Color, Organization, OrganizationName, OutboxState, TenantSettings},
        time::Timestamp,
    };
    use serde_json::{Map, json};

    fn mail(template: &str, organization: Option<&str>) -> OutboxMail {
        let data = json!({ "email": "jen@hoekstra.test", "url": "https://login.travel0.test/u/reset-password?ticket=t" });
        OutboxMail {
            id: MailId::parse("mail_0000000000000001").unwrap(),
            to: "jen@hoekstra.test".to_owned(),
            template: template.to_owned(),
            organization_id: organization.map(|id| OrganizationId::parse(id).unwrap()),
            data: data.as_object().cloned().unwrap(),
            state: OutboxState::Pending,
            attempts: 0,
            last_error: None,
            created_at: Timestamp(0),
            next_attempt_at: Timestamp(0),
        }
    }

    async fn renderer() -> OutboxRenderer {
        let store = portico_store::temporary().await.unwrap();
        let settings = TenantSettings {
            friendly_name: Some("Travel0".to_owned()),
            enabled_locales: vec!["nl".to_owned()],
            ..TenantSettings::default()
        };
        let hoekstra = Organization {
            id: OrganizationId::parse("org_hoekstra00000001").unwrap(),
            name: OrganizationName::parse("hoekstra").unwrap(),
            display_name: Some("Hoekstra & Associates".to_owned()),
            branding: Some(Branding { primary: Color::parse("#7a1f3d").ok(), ..Branding::default() }),
            metadata: None,
            extra: Map::new(),
            created_at: Timestamp(0),
        };
        let stored = store.write(|unit| {
            Box::pin(async move {
                unit.tenant().set_settings(&settings).await?;
                unit.organizations().insert(&hoekstra, Timestamp(0)).await
            })
        });
        stored.await.unwrap();
        OutboxRenderer::new(Arc::new(Pages::new().unwrap()), store)
    }

    #[tokio::test]
    async fn a_message_wears_its_organizations_colours_and_speaks_the_tenants_language() {
        let renderer = renderer().await;
        let own = renderer.render(&mail("reset_email", Some("org_hoekstra00000001"))).await.unwrap();
        assert_eq!(own.from_name.as_deref(), Some("Hoekstra & Associates"));
        assert_eq!(own.subject, "Kies een nieuw wachtwoord");
        assert!(own.html.unwrap().contains("#7a1f3d"));
        assert!(
            own.text.contains("\nhttps://login.travel0.test/u/reset-password?ticket=t\n"),
            "{}",
            own.text
        );
        for without in [None, Some("org_deleted000000001")] {
            let house = renderer.render(&mail("reset_email", without)).await.unwrap();
            assert_eq!(house.from_name.as_deref(), Some("Travel0"), "{without:?}");
        }
    }

    #[tokio::test]
    async fn a_message_that_can_never_be_rendered_is_given_up() {
        let renderer = renderer().await;
        let unknown = renderer.render(&mail("invoice", None)).await;
        assert!(matches!(unknown, Err(RenderError::Unusable(_))), "{unknown:?}");
        let mut linkless = mail("verify_email", None);
        linkless.data.remove("url");
        assert!(matches!(renderer.render(&linkless).await, Err(RenderError::Unusable(_))));
        linkless.template = "password_changed".to_owned();
        assert!(renderer.render(&linkless).await.is_ok(), "this one has no link");
    }
}
