//! Owns `portico demo`: the example of product.md §5, running on this machine alone.
//! Never touches the store by itself: the story is told through the Management API.

use super::{Common, Failure, failure::causes, opening, say, serve};
use crate::{
    config::SecretText,
    gateway::{self, Sockets},
    worker::Stopper,
};
use clap::{Args, ValueEnum};
use portico_core::{
    admin::bootstrap::{SecretRotation, bootstrap},
    entropy::SystemEntropy,
    time::SystemClock,
};
use portico_fixtures::{
    api::Api,
    mailbox::Mailbox,
    oidc_idp::{IdpClient, IdpUser, OidcIdp, OidcIdpConfig},
    relying_party::{Instance, RelyingParty, RelyingPartyConfig},
    saml_document::Key,
    saml_idp::{SamlIdp, SamlIdpConfig, Service},
    smtp::SmtpCatcher,
    story::{AMINTHA, Application, BORIS, ENTERPRISE, IDP_CLIENT, IDP_SECRET, PIET, Places, Provider, Story},
};
use portico_store::Schema;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};
use url::Url;

/// Where the application is; each instance has a host name of its own below `localhost`.
const APPLICATION: u16 = 8010;
/// Where MetaHexa Bank's identity provider is.
const IDENTITY_PROVIDER: u16 = 8020;
/// Where the mailbox is.
const MAILBOX: u16 = 8025;

/// Runs the example: two organizations, their applications, an identity provider and a mailbox, all on this machine.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portico demo\n  portico demo --data-dir ./portico-demo     keep it, and go on with it next time"
)]
pub(super) struct Demo {
    /// Where the gateway listens [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Keep the data here; without it a temporary folder is used and removed
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Take free ports instead of 8000, 8010, 8020 and 8025; the directions name them
    #[arg(long, conflicts_with_all = ["listen", "data_dir"])]
    free_ports: bool,
    /// How MetaHexa Bank signs in
    #[arg(long, value_enum, default_value_t = Enterprise::Oidc)]
    enterprise: Enterprise,
}

/// What an enterprise connection speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Enterprise {
    /// OpenID Connect.
    Oidc,
    /// SAML.
    Saml,
}

impl Demo {
    /// Do it, until a signal says otherwise.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let temporary = match &self.data_dir {
            Some(_) => None,
            None => Some(
                Temporary::make()
                    .map_err(|error| Failure::failed(format!("no temporary folder: {error}")))?,
            ),
        };
        let folder = self.data_dir.clone().or_else(|| temporary.as_ref().map(|folder| folder.0.clone()));
        let common = Common { data_dir: folder, ..Common::default() };
        let surroundings = Surroundings::start(self.free_ports, self.enterprise).await?;
        let mut config = common.load(self.said())?;
        config.mail.smtp_url = Some(SecretText::from(surroundings.smtp.url().as_str()));
        "Travel0 <no-reply@travel0.example>".clone_into(&mut config.mail.from);
        config.egress.allow.push(surroundings.idp.authority().to_owned());
        let sockets =
            Sockets::bind(&mut config.server).await.map_err(|error| Failure::failed(causes(&error)))?;
        let store = opening::open(&config, Schema::Update).await?;
        let issuer = config.server.issuer();
        let made =
            bootstrap(&*store, &SystemClock, &SystemEntropy::default(), &issuer, SecretRotation::Renew)
                .await?;
        let secret = made.client_secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default();
        let (stopper, stop) = Stopper::new();
        let parts = serve::assemble(&config, store, stop.clone()).await?;
        let story = async {
            let told = surroundings.tell(&issuer, (made.client_id.as_str(), &secret)).await;
            match told {
                Ok(()) => std::future::pending().await,
                Err(error) => Err(Failure::failed(format!("the example could not be set up: {error}"))),
            }
        };
        tokio::select! {
            ended = gateway::run(&config, sockets, parts, stop) => ended.map_err(|error| Failure::failed(causes(&error))),
            failed = story => failed,
            impatient = serve::signals(&stopper) => impatient,
        }
    }

    fn said(&self) -> Vec<(&'static str, String)> {
        let mut said = vec![("log.level", "warn".to_owned())];
        let free = self.free_ports.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        said.extend(self.listen.or(free).map(|address| ("server.listen", address.to_string())));
        said.extend(free.map(|address| ("server.admin_listen", address.to_string())));
        said
    }
}

/// Everything around the gateway. Ends when dropped.
struct Surroundings {
    smtp: SmtpCatcher,
    mailbox: Mailbox,
    application: RelyingParty,
    idp: Idp,
}

impl Surroundings {
    async fn start(free_ports: bool, enterprise: Enterprise) -> Result<Self, Failure> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, if free_ports { 0 } else { port }));
        let taken = |what: &str, port: u16, error: std::io::Error| {
            Failure::failed(format!(
                "{what} of the example cannot listen at 127.0.0.1:{port} ({error}); stop what is there and try again"
            ))
        };
        let smtp = SmtpCatcher::start(at(0)).await.map_err(|error| taken("the mail server", 0, error))?;
        let mailbox = Mailbox::start(at(MAILBOX), smtp.inbox()).await;
        let mailbox = mailbox.map_err(|error| taken("the mailbox", MAILBOX, error))?;
        let application = RelyingParty::start(RelyingPartyConfig::at(at(APPLICATION))).await;
        let application = application.map_err(|error| taken("the application", APPLICATION, error))?;
        let idp = Idp::start(enterprise, at(IDENTITY_PROVIDER)).await;
        let idp = idp.map_err(|error| taken("MetaHexa's identity provider", IDENTITY_PROVIDER, error))?;
        Ok(Self { smtp, mailbox, application, idp })
    }

    /// Tell the story, or go on with the one that is there, and say what to click.
    async fn tell(&self, issuer: &Url, (client_id, secret): (&str, &str)) -> anyhow::Result<()> {
        say("Setting up the example through the Management API …");
        let port = self.application.address().port();
        let base = |host: &str| format!("http://{host}.localhost:{port}");
        let places = Places {
            hoekstra: base("hoekstra"),
            expenses: base("expenses.hoekstra"),
            metahexa: base("metahexa"),
            idp: self.idp.provider(),
        };
        let api = Api::connect(issuer, client_id, secret).await?;
        let (story, is_new) = match Story::find(&api, &places).await? {
            Some(story) => (story, false),
            None => (Story::provision(&api, &places).await?, true),
        };
        self.idp.introduce(issuer, &api).await?;
        self.install(issuer, &places, &story);
        if is_new {
            story.add_piet(&api).await?;
            story.add_boris(&api).await?;
            story.invite_jennifer(&api).await?;
            story.invite_amintha(&api).await?;
        }
        say(directions(issuer, &places, self.idp.base(), self.mailbox.address().port()));
        Ok(())
    }

    fn install(&self, issuer: &Url, places: &Places, story: &Story) {
        let instance =
            |place: &str, title: &str, (customer, colour): (&str, &str), app: &Application, org: &str| {
                Instance {
                    host: place
                        .parse::<Url>()
                        .ok()
                        .and_then(|url| url.host_str().map(str::to_owned))
                        .unwrap_or_default(),
                    title: title.to_owned(),
                    customer: customer.to_owned(),
                    colour: colour.to_owned(),
                    issuer: issuer.to_string(),
                    client_id: app.client_id.clone(),
                    client_secret: app.client_secret.clone(),
                    organization: Some(org.to_owned()),
                    sibling: None,
                }
            };
        let (hoekstra, metahexa) = (("Hoekstra & Associates", "#0a5c36"), ("MetaHexa Bank", "#123a63"));
        let booking = "Travel0 Corporate Booking";
        let expenses = ("Travel0 Expenses".to_owned(), format!("{}/", places.expenses));
        self.application.install(Instance {
            sibling: Some(expenses),
            ..instance(&places.hoekstra, booking, hoekstra, &story.booking, &story.hoekstra)
        });
        self.application.install(Instance {
            sibling: Some((booking.to_owned(), format!("{}/", places.hoekstra))),
            ..instance(&places.expenses, "Travel0 Expenses", hoekstra, &story.expenses, &story.hoekstra)
        });
        self.application.install(instance(
            &places.metahexa,
            booking,
            metahexa,
            &story.metahexa_booking,
            &story.metahexa,
        ));
    }
}

/// MetaHexa's identity provider.
enum Idp {
    Oidc(OidcIdp),
    Saml(SamlIdp),
}

impl Idp {
    async fn start(enterprise: Enterprise, listen: SocketAddr) -> std::io::Result<Self> {
        let sign_in_host = "sign-in.metahexa.localhost".to_owned();
        let people = [(AMINTHA, "Amintha Okafor"), (BORIS, "Boris Lindqvist")].map(|(who, name)| {
            let email = format!("{}@metahexa.example", who.0);
            IdpUser::new(who.0, who.1).claim("email", email).claim("name", name)
        });
        let users = people.to_vec();
        match enterprise {
            Enterprise::Oidc => {
                let config = OidcIdpConfig::new("MetaHexa Bank");
                let config = OidcIdpConfig { listen, users, sign_in_host: Some(sign_in_host), ..config };
                OidcIdp::start(config).await.map(Self::Oidc)
            }
            Enterprise::Saml => {
                let config = SamlIdpConfig::new("MetaHexa Bank");
                let key = Arc::new(Key::of_the_example()?);
                let config = SamlIdpConfig { listen, users, key, sign_in_host: Some(sign_in_host), ..config };
                SamlIdp::start(config).await.map(Self::Saml)
            }
        }
    }

    fn base(&self) -> &str {
        match self {
            Self::Oidc(idp) => idp.issuer(),
            Self::Saml(idp) => idp.base(),
        }
    }

    fn authority(&self) -> &str {
        match self {
            Self::Oidc(idp) => idp.authority(),
            Self::Saml(idp) => idp.authority(),
        }
    }

    fn provider(&self) -> Provider {
        match self {
            Self::Oidc(idp) => Provider::Oidc(idp.issuer().to_owned()),
            Self::Saml(idp) => Provider::Saml(idp.entity_id()),
        }
    }

    /// Tell the identity provider of the gateway.
    async fn introduce(&self, issuer: &Url, api: &Api) -> anyhow::Result<()> {
        match self {
            Self::Oidc(idp) => idp.register(IdpClient {
                id: IDP_CLIENT.to_owned(),
                secret: IDP_SECRET.to_owned(),
                redirect_uris: vec![format!("{issuer}login/callback")],
                post_logout_redirect_uris: vec![issuer.to_string()],
            }),
            Self::Saml(idp) => {
                let metadata = api.page(&format!("samlp/metadata?connection={ENTERPRISE}")).await?;
                idp.register(Service::of_metadata(&metadata)?);
            }
        }
        Ok(())
    }
}

/// What to click, in order.
fn directions(issuer: &Url, places: &Places, idp: &str, mailbox: u16) -> String {
    format!(
        "\nThe example is running. Open these in a browser:\n\n\
         1. The mailbox                       http://localhost:{mailbox}/\n   \
            Jennifer is invited to Hoekstra & Associates: follow the link in her message and choose a password.\n   \
            Amintha is invited to MetaHexa Bank: follow hers, and sign in there as `{}` with password `{}`.\n\n\
         2. Hoekstra & Associates             {}/\n   \
            Sign in as a member: {} / {}\n   \
            Then follow the link to Travel0 Expenses: no password is asked again.\n\n\
         3. MetaHexa Bank                     {}/\n   \
            Sign in as a member: `{}` / `{}` at the bank's own page.\n\n\
         The gateway itself                   {issuer}\n\
         MetaHexa's identity provider         {}/\n\n\
         Ctrl-C stops everything.",
        AMINTHA.0, AMINTHA.1, places.hoekstra, PIET.0, PIET.1, places.metahexa, BORIS.0, BORIS.1, idp
    )
}

/// A folder that goes when the demo does.
struct Temporary(PathBuf);

impl Temporary {
    fn make() -> std::io::Result<Self> {
        let entropy: &dyn portico_core::entropy::Entropy = &SystemEntropy::default();
        let folder = std::env::temp_dir().join(format!("portico-demo-{}", entropy.hex(12)));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let folder: &Path = &self.0;
        let _ = std::fs::remove_dir_all(folder);
    }
}
