//! Owns how a page looks: whose name, logo and colours it wears, its language, and the nonce of its styles.
//! Never touches what the page says.

use super::{Label, Locale, palette::Palette};
use portico_core::model::{Color, Organization, TenantSettings};
use serde::Serialize;
use url::{Host, Url};

/// How one page looks, to one visitor.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whose house it is.
    pub brand: Brand,
    /// In which language.
    pub locale: Locale,
    /// The nonce of this answer's Content-Security-Policy (`security.md` §3.9): only what carries it is applied.
    pub nonce: String,
}

/// Name, logo and colours: the organization's where it set them, the tenant's where it did not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brand {
    /// The name.
    pub title: Label,
    /// Where the logo is.
    pub logo_url: Option<LogoUrl>,
    /// The colour of buttons and links.
    pub primary: Option<Color>,
    /// The colour behind the card.
    pub page_background: Option<Color>,
    /// Where visitors find help.
    pub support: Option<Support>,
}

impl Brand {
    /// Of an organization in a tenant, or of the tenant alone.
    pub fn of(organization: Option<&Organization>, tenant: &TenantSettings) -> Self {
        let own = organization.and_then(|organization| organization.branding.as_ref());
        let house = tenant.friendly_name.as_deref().unwrap_or(PRODUCT);
        let own_logo = own.and_then(|branding| branding.logo_url.as_deref()).and_then(LogoUrl::parse);
        // The tenant's logo over an organization's name would name the wrong house: a monogram does not.
        let house_logo = || {
            let url = tenant.branding.logo_url.as_deref().or(tenant.picture_url.as_deref());
            url.filter(|_| organization.is_none()).and_then(LogoUrl::parse)
        };
        Self {
            title: Label::new(organization.map_or(house, Organization::title)),
            logo_url: own_logo.or_else(house_logo),
            primary: own
                .and_then(|branding| branding.primary.clone())
                .or_else(|| tenant.branding.primary.clone()),
            page_background: own
                .and_then(|branding| branding.page_background.clone())
                .or_else(|| tenant.branding.page_background.clone()),
            support: Support::of(tenant),
        }
    }
}

/// Where an image may come from: `https`, or `http` on this machine (`security.md` UI-02).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LogoUrl(Url);

impl LogoUrl {
    /// Check one.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let fit = url.username().is_empty()
            && url.password().is_none()
            && match url.scheme() {
                "https" => url.has_host(),
                "http" => is_loopback(&url),
                _ => false,
            };
        fit.then_some(Self(url))
    }

    /// The origin that the Content-Security-Policy has to allow for it.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Where visitors find help.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Support {
    /// What is shown.
    pub text: Label,
    /// Where it leads: `https:` or `mailto:`.
    pub link: String,
}

impl Support {
    fn of(tenant: &TenantSettings) -> Option<Self> {
        let page = tenant.support_url.as_deref().and_then(|text| Url::parse(text).ok());
        if let Some(page) = page.filter(|url| url.scheme() == "https") {
            return Some(Self { text: Label::new(page.host_str().unwrap_or_default()), link: page.into() });
        }
        let address = portico_core::email::Email::parse(tenant.support_email.as_deref()?).ok()?;
        Some(Self { text: Label::new(address.as_given()), link: format!("mailto:{}", address.canonical()) })
    }
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What the layout of every page is filled with.
#[derive(Debug, Serialize)]
pub(super) struct LookView<'a> {
    title: &'a Label,
    initial: String,
    logo_url: Option<&'a LogoUrl>,
    support: Option<&'a Support>,
    palette: Palette,
    locale: Locale,
    nonce: &'a str,
}

impl<'a> LookView<'a> {
    pub(super) fn of(look: &'a Look) -> Self {
        Self {
            title: &look.brand.title,
            initial: look.brand.title.initial(),
            logo_url: look.brand.logo_url.as_ref(),
            support: look.brand.support.as_ref(),
            palette: Palette::of(look.brand.primary.as_ref(), look.brand.page_background.as_ref()),
            locale: look.locale,
            nonce: &look.nonce,
        }
    }
}

/// The name of a house that has none.
const PRODUCT: &str = "Portico";

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::{
        id::OrganizationId,
        model::{Branding, OrganizationName},
        time::Timestamp,
    };

    fn hoekstra(branding: Option<Branding>) -> Organization {
        Organization {
            id: OrganizationId::parse("org_hoekstra00000001").unwrap(),
            name: OrganizationName::parse("hoekstra").unwrap(),
            display_name: Some("Hoekstra & Associates".to_owned()),
            branding,
            metadata: None,
            extra: serde_json::Map::default(),
            created_at: Timestamp(0),
        }
    }

    #[test]
    fn ui_02_a_logo_comes_over_https_or_from_this_machine() {
        for good in [
            "https://cdn.test/logo.png",
            "http://localhost:8010/l.png",
            "http://a.localhost/l.png",
            "http://[::1]/l",
        ] {
            assert!(LogoUrl::parse(good).is_some(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:image/svg+xml,<svg onload=alert(1)>",
            "http://cdn.test/logo.png",
            "https://user:secret@cdn.test/logo.png",
            "//cdn.test/logo.png",
            "http://localhost.evil.test/l.png",
            "",
        ] {
            assert!(LogoUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_organization_wears_its_own_and_the_tenant_fills_in_colours_but_not_the_logo() {
        let tenant = TenantSettings {
            friendly_name: Some("Travel0".to_owned()),
            branding: Branding {
                logo_url: Some("https://travel0.test/logo.png".to_owned()),
                primary: Color::parse("#112233").ok(),
                page_background: None,
            },
            ..TenantSettings::default()
        };
        let own = Branding { page_background: Color::parse("#eeeeee").ok(), ..Branding::default() };
        let brand = Brand::of(Some(&hoekstra(Some(own))), &tenant);
        assert_eq!(brand.title.as_str(), "Hoekstra & Associates");
        assert_eq!(brand.logo_url, None, "the tenant's logo is not this organization's");
        assert_eq!(
            (brand.primary, brand.page_background),
            (Color::parse("#112233").ok(), Color::parse("#eeeeee").ok())
        );
        assert_eq!(Brand::of(None, &tenant).logo_url, LogoUrl::parse("https://travel0.test/logo.png"));
        assert_eq!(Brand::of(None, &TenantSettings::default()).title.as_str(), "Portico");
    }

    #[test]
    fn help_is_a_page_or_an_address_and_never_a_script() {
        let tenant = |url: &str, email: &str| TenantSettings {
            support_url: Some(url.to_owned()),
            support_email: Some(email.to_owned()),
            ..TenantSettings::default()
        };
        assert_eq!(Support::of(&tenant("https://help.test/x", "")).unwrap().link, "https://help.test/x");
        assert_eq!(Support::of(&tenant("javascript:alert(1)", "h@x.test")).unwrap().link, "mailto:h@x.test");
        assert_eq!(Support::of(&tenant("", "h@x.test?bcc=a@b")), None);
    }
}
