//! Owns the end of sessions: ours that ends the provider's, and the provider's that ends ours.
//! Never touches how a session came about.

use super::{Gateway, carried};
use crate::world::{ISSUER, METAHEXA, query};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_fixtures::{
    browser::{Browser, Hop},
    saml_document::{Element, inflated},
};
use url::Url;

/// What both sides call an end that worked (SAML Core §3.2.2.2).
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

impl Gateway {
    /// Alice signs out of the application, of us and of the provider (contract §1.8, `federated`).
    pub(crate) async fn ends_the_providers_session(&self) {
        let (mut browser, _) = self.visit("default").await.unwrap_or_else(|why| panic!("{why}"));
        assert!(self.knows(&browser).await, "the control");
        let mut leave = Url::parse(&format!("{ISSUER}v2/logout")).expect("an address");
        leave
            .query_pairs_mut()
            .append_pair("client_id", self.world.seed.metahexa_booking.as_str())
            .append_pair("returnTo", &format!("{METAHEXA}/"))
            .append_pair("federated", "");
        browser.open(leave.as_str()).await.expect("an answer");
        let answered = self.answered(&mut browser).await;
        assert_eq!(answered, SUCCESS, "{}", self.provider.said());
        let page = browser.page.clone().expect("a page");
        assert_eq!(
            page.url.as_str(),
            format!("{METAHEXA}/"),
            "{} {:?}",
            page.text(),
            self.world.events().await
        );
        assert!(!self.knows(&browser).await, "our session is over");
        let page = self.at_the_provider(&mut browser).await;
        let (name, _) = self.provider.login.password;
        let asks = |field: &(String, String)| field.0 == name;
        assert!(
            page.forms().iter().any(|form| form.fields.iter().any(asks)),
            "theirs is not: {}",
            page.text()
        );
    }

    /// Alice signs out at the provider, which begins at this place; our session with her is over by it.
    pub(crate) async fn ends_with_the_providers_session(&self, begin: &str) {
        let (mut browser, _) = self.visit("default").await.unwrap_or_else(|why| panic!("{why}"));
        assert!(self.knows(&browser).await, "the control");
        let page = browser.open(&format!("{}{begin}", self.provider.base)).await.expect("an answer");
        // Some show a page in which each service is told in a frame of its own.
        if let Some(frame) =
            page.attribute("iframe", "src").or_else(|| page.attribute("img[src*=SAMLRequest]", "src"))
        {
            browser.follow(&frame).await.expect("an answer");
        }
        let told = sent(&browser, ISSUER, "SAMLRequest").unwrap_or_else(|| {
            panic!("we are not told: {:?} {}", browser.history, self.provider.said());
        });
        assert_eq!(told.local(), "LogoutRequest");
        let answer = sent(&browser, &self.provider.base, "SAMLResponse");
        let Some(answer) = answer else { panic!("{:?} {:?}", self.world.events().await, browser.history) };
        assert_eq!(answer.descendant("StatusCode").map(|code| code.attribute("Value")), Some(SUCCESS));
        let page = browser.page.clone().expect("a page");
        assert!(page.status.is_success(), "the provider takes the answer: {} {}", page.url, page.text());
        assert!(!self.knows(&browser).await, "our session is over");
    }

    /// What the provider answered to our request, once the browser has carried both.
    async fn answered(&self, browser: &mut Browser) -> String {
        let asked = sent(browser, &self.provider.base, "SAMLRequest");
        if let Some(asked) = &asked {
            assert_eq!(asked.local(), "LogoutRequest");
        }
        let by_redirect = sent(browser, ISSUER, "SAMLResponse");
        let answer = match by_redirect {
            Some(answer) => answer,
            None => self.posted(browser).await,
        };
        carried(browser, METAHEXA).await;
        assert_eq!(answer.local(), "LogoutResponse");
        answer.descendant("StatusCode").map(|code| code.attribute("Value").to_owned()).unwrap_or_default()
    }

    /// The same where messages are posted: ours first, then theirs.
    async fn posted(&self, browser: &mut Browser) -> Element {
        for _ in 0..4 {
            let page = browser.page.clone().expect("a page");
            let field = |name: &str| {
                let fields = page.forms().into_iter().flat_map(|form| form.fields);
                fields.into_iter().find_map(|(field, value)| (field == name).then_some(value))
            };
            if let Some(answer) = field("SAMLResponse") {
                let packed: String = answer.split_ascii_whitespace().collect();
                let document = STANDARD.decode(packed).expect("base64");
                return Element::read(&String::from_utf8_lossy(&document)).expect("a message");
            }
            assert!(field("SAMLRequest").is_some(), "{} {} {}", page.url, page.text(), self.provider.said());
            browser.press(None).await.expect("an answer");
            if let Some(answer) = sent(browser, ISSUER, "SAMLResponse") {
                return answer;
            }
        }
        panic!("nobody answers: {:?} {}", browser.history, self.provider.said());
    }

    /// Whether a live session of ours signs this browser in again.
    async fn knows(&self, browser: &Browser) -> bool {
        let seed = &self.world.seed;
        let more = [("connection", super::NAME), ("prompt", "none")];
        let url = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &more);
        let mut browser = browser.clone();
        let page = browser.open(&url).await.expect("an answer");
        query(&page.url).contains_key("code")
    }
}

/// The message in the address of the first hop to there that carries one.
fn sent(browser: &Browser, there: &str, parameter: &str) -> Option<Element> {
    let carries = |hop: &&Hop| hop.url.as_str().starts_with(there) && query(&hop.url).contains_key(parameter);
    let hop = browser.history.iter().find(carries)?;
    let document = inflated(&query(&hop.url)[parameter]).expect("it is deflated");
    Some(Element::read(&document).expect("a message"))
}
