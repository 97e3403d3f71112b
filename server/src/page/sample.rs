//! Owns a sample of every context, so that every template is filled with every shape it can meet.
//! Never touches anything real: the people and companies are invented.

use super::{
    ArrivalPage, AutoPostPage, Brand, ConfirmPage, ConnectionsPage, ErrorPage, Form, IdentifierPage, Label,
    Links, Locale, LoggedOutPage, LogoUrl, LogoutConfirmPage, Look, Onward, OrganizationPage, Page,
    PassagePage, Pick, PickerPage, PromptPage, ResetDonePage, ResetPage, ResetRequestPage, ResetSentPage,
    SignUpSentPage, Support, Trouble, Typed, VerifiedPage, VerifyPage, Way, Ways, WebMessagePage,
};
use portico_core::{
    connector::{Field, Intent, PasswordFault, PasswordRule, Prompt, Refusal},
    email::Email,
    model::Color,
};
use serde_json::json;
use url::Url;

/// The texts of the samples that other people can choose.
#[derive(Clone, Debug)]
pub struct Names {
    /// An application's.
    pub client: String,
    /// An organization's.
    pub organization: String,
    /// An inviter's.
    pub inviter: String,
    /// A connection's.
    pub connection: String,
    /// What somebody typed.
    pub typed: String,
}

impl Names {
    /// Those of the example.
    pub fn ordinary() -> Self {
        Self {
            client: "Travel0 Corporate Booking".to_owned(),
            organization: "Hoekstra & Associates".to_owned(),
            inviter: "Lena Hoekstra".to_owned(),
            connection: "MetaHexa Bank".to_owned(),
            typed: "jennifer@hoekstra.test".to_owned(),
        }
    }

    /// One text everywhere.
    pub fn all(text: &str) -> Self {
        let text = || text.to_owned();
        Self { client: text(), organization: text(), inviter: text(), connection: text(), typed: text() }
    }
}

/// Every page in every shape, by a name for the snapshot.
pub fn pages(names: &Names) -> Vec<(String, Page)> {
    let mut pages = sign_in(names);
    pages.extend(sign_up(names));
    pages.extend(invitations(names));
    pages.extend(choices(names));
    pages.extend(accounts(names));
    pages.extend(rest(names));
    for trouble in Trouble::ALL {
        let detail = (trouble == Trouble::UnknownClient)
            .then(|| Label::new(&format!("Unknown client: {}", names.client)));
        let retry = (trouble == Trouble::Busy).then(|| "/authorize?client_id=x".to_owned());
        let page = ErrorPage { trouble, reference: "ref_2tRw8KpQ4mZx".to_owned(), detail, retry };
        pages.push((format!("error_{}", trouble.name()), Page::Error(page)));
    }
    pages
}

/// Looks: bare, and dressed up.
pub fn looks(names: &Names, locale: Locale) -> [(&'static str, Look); 2] {
    let brand = Brand {
        title: Label::new(&names.organization),
        logo_url: LogoUrl::parse("https://cdn.hoekstra.test/logo.png"),
        primary: Color::parse("#7a1f3d").ok(),
        page_background: Color::parse("#f6efe9").ok(),
        support: Some(Support {
            text: Label::new("help.travel0.test"),
            link: "https://help.travel0.test/".to_owned(),
        }),
    };
    let bare = Brand { title: Label::new(&names.organization), ..Brand::default() };
    let look = |brand| Look { brand, locale, nonce: "bm9uY2U".to_owned() };
    [("bare", look(bare)), ("dressed", look(brand))]
}

fn prompt(intent: Intent, fields: &[Field]) -> Prompt {
    Prompt {
        intent,
        fields: fields.to_vec(),
        identifier: None,
        password_rules: vec![PasswordRule::MinLength(8), PasswordRule::ThreeKinds, PasswordRule::NotPersonal],
        may_sign_up: true,
        may_reset: true,
    }
}

fn prompt_page(names: &Names, prompt: Prompt, refusal: Option<Refusal>) -> PromptPage {
    PromptPage {
        form: form("/u/login").landing_at("https://hoekstra.corp.travel0.test/login/callback"),
        prompt,
        typed: Typed { identifier: refusal.as_ref().map(|_| names.typed.clone()), username: None },
        refusal,
        client: Label::new(&names.client),
        organization: None,
        inviter: None,
        ways: None,
        links: Links {
            forgot: Some("/u/reset-password/request?state=txn_sample".to_owned()),
            sign_up: Some("/u/signup?state=txn_sample".to_owned()),
            sign_in: Some("/u/login?state=txn_sample".to_owned()),
            back: None,
        },
    }
}

fn form(action: &str) -> Form {
    Form::to(action).of_login("txn_sample", "token_sample")
}

fn ways(names: &Names) -> Ways {
    let way = |value: &str, label: &str| Way { value: value.to_owned(), label: Label::new(label) };
    Ways {
        form: form("/u/login/connection").landing_at("https://idp.metahexa.test/authorize"),
        ways: vec![way("con_metahexa0000001", &names.connection), way("con_partners0000001", "Partners")],
    }
}

fn sign_in(names: &Names) -> Vec<(String, Page)> {
    let credentials = [Field::Identifier, Field::Password];
    let page = |refusal| prompt_page(names, prompt(Intent::SignIn, &credentials), refusal);
    let plain = page(None);
    let refused = page(Some(Refusal::WrongCredentials));
    let organization = PromptPage {
        organization: Some(Label::new(&names.organization)),
        ways: Some(ways(names)),
        ..page(Some(Refusal::TooManyAttempts))
    };
    let second = Prompt {
        identifier: Some(names.typed.clone()),
        may_sign_up: false,
        may_reset: false,
        ..prompt(Intent::SignIn, &[Field::Password])
    };
    let mut password = prompt_page(names, second, None);
    password.links.back = Some("/u/login/identifier?state=txn_sample".to_owned());
    boxed([
        ("login", plain),
        ("login_wrong_credentials", refused),
        ("login_organization", organization),
        ("login_password", password),
    ])
}

fn sign_up(names: &Names) -> Vec<(String, Page)> {
    let fields = [Field::Email, Field::Username, Field::NewPassword];
    let username = PromptPage {
        typed: Typed { identifier: Some(names.typed.clone()), username: Some(names.typed.clone()) },
        ..prompt_page(names, prompt(Intent::SignUp, &fields), Some(Refusal::UsernameUnusable))
    };
    let page =
        |refusal| prompt_page(names, prompt(Intent::SignUp, &[Field::Email, Field::NewPassword]), refusal);
    boxed([
        ("signup", page(None)),
        ("signup_username", username),
        ("signup_email_unusable", page(Some(Refusal::EmailUnusable))),
        ("signup_refused", page(Some(Refusal::SignUpRefused))),
    ])
}

fn invitations(names: &Names) -> Vec<(String, Page)> {
    let page = |fields: &[Field], refusal| PromptPage {
        form: form("/signup/invitation"),
        organization: Some(Label::new(&names.organization)),
        inviter: Some(Label::new(&names.inviter)),
        ..prompt_page(names, prompt(Intent::Accept(jennifer()), fields), refusal)
    };
    let faults = [
        PasswordFault::TooShort,
        PasswordFault::TooLong,
        PasswordFault::TooSimple,
        PasswordFault::Repetitive,
        PasswordFault::Sequential,
        PasswordFault::Common,
        PasswordFault::Personal,
        PasswordFault::Reused,
    ];
    let two = vec![PasswordFault::TooShort, PasswordFault::Personal];
    let new = [Field::NewPassword];
    let named = [Field::Username, Field::NewPassword];
    boxed([
        ("invitation", page(&new, None)),
        ("invitation_username", page(&named, None)),
        ("invitation_weak", page(&new, Some(Refusal::PasswordTooWeak(two)))),
        ("invitation_every_fault", page(&named, Some(Refusal::PasswordTooWeak(faults.to_vec())))),
        ("invitation_existing", page(&[Field::Password], None)),
        ("invitation_existing_refused", page(&[Field::Password], Some(Refusal::WrongCredentials))),
    ])
}

fn boxed<const N: usize>(pages: [(&str, PromptPage); N]) -> Vec<(String, Page)> {
    pages.into_iter().map(|(name, page)| (name.to_owned(), Page::Prompt(Box::new(page)))).collect()
}

fn choices(names: &Names) -> Vec<(String, Page)> {
    let client = || Label::new(&names.client);
    let organization = || Some(Label::new(&names.organization));
    let identifier = |refusal: Option<Refusal>| IdentifierPage {
        form: form("/u/login/identifier"),
        identifier: refusal.as_ref().map(|_| names.typed.clone()),
        refusal,
        client: client(),
        organization: None,
        ways: None,
        links: Links { sign_up: Some("/u/signup?state=txn_sample".to_owned()), ..Links::default() },
    };
    let with_ways =
        IdentifierPage { organization: organization(), ways: Some(ways(names)), ..identifier(None) };
    let connections = |inviter| ConnectionsPage {
        ways: ways(names),
        client: client(),
        organization: organization(),
        inviter,
    };
    let confirm = ConfirmPage {
        form: form("/invitation").landing_at("https://idp.metahexa.test/authorize"),
        email: "amintha@metahexa.test".to_owned(),
        inviter: Label::new(&names.inviter),
        organization: Label::new(&names.organization),
        client: client(),
        destination: Label::new(&names.connection),
    };
    let arrival = ArrivalPage {
        form: form("/u/continue").landing_at("https://hoekstra.corp.travel0.test/login/callback"),
        who: Label::new("amintha@metahexa.test"),
        connection: Label::new(&names.connection),
        client: client(),
    };
    let asked = |unknown| OrganizationPage {
        form: form("/u/organization"),
        name: if unknown { names.typed.clone() } else { String::new() },
        unknown,
        client: client(),
    };
    let picker = |personal: Option<&str>| PickerPage {
        form: form("/u/organization-picker"),
        organizations: vec![
            Pick::new("org_hoekstra00000001", Label::new(&names.organization)),
            Pick::new("org_metahexa00000001", Label::new("MetaHexa Bank")),
        ],
        personal: personal.map(str::to_owned),
        client: client(),
    };
    let refused = [
        Refusal::EmailUnusable,
        Refusal::NoWayIn,
        Refusal::AccessDenied,
        Refusal::NotTheInvitee,
        Refusal::AnswerRejected,
        Refusal::Unsolicited,
    ];
    let refused = refused.into_iter().enumerate().map(|(index, refusal)| {
        (format!("identifier_refused_{index}"), Page::Identifier(Box::new(identifier(Some(refusal)))))
    });
    let named = [
        ("identifier", Page::Identifier(Box::new(identifier(None)))),
        ("identifier_ways", Page::Identifier(Box::new(with_ways))),
        ("connections", Page::Connections(connections(None))),
        ("connections_invitation", Page::Connections(connections(Some(Label::new(&names.inviter))))),
        ("invitation_confirm", Page::Confirm(confirm)),
        ("arrival", Page::Arrival(arrival)),
        ("organization", Page::Organization(asked(false))),
        ("organization_unknown", Page::Organization(asked(true))),
        ("organization_picker", Page::Picker(picker(None))),
        ("organization_picker_personal", Page::Picker(picker(Some("")))),
    ];
    named.into_iter().map(|(name, page)| (name.to_owned(), page)).chain(refused).collect()
}

fn accounts(names: &Names) -> Vec<(String, Page)> {
    let email = || Label::new(&names.typed);
    let onward = || Onward::to(Label::new(&names.client), "https://hoekstra.corp.travel0.test/login");
    let back = || Some("/u/login?state=txn_sample".to_owned());
    let request = |refusal: Option<Refusal>, back| ResetRequestPage {
        form: form("/u/reset-password/request"),
        email: refusal.as_ref().map(|_| names.typed.clone()),
        refusal,
        back,
    };
    let ticketed = |action: &str| {
        Form::to(action).carrying(Form::TICKET, "ticket_sample").carrying(Form::TOKEN, "token_sample")
    };
    let reset = |refusal| ResetPage {
        form: ticketed("/u/reset-password"),
        email: names.typed.clone(),
        password_rules: EVERY_RULE.to_vec(),
        refusal,
    };
    let too_many = Some(Refusal::TooManyAttempts);
    let reused = Some(Refusal::PasswordTooWeak(vec![PasswordFault::Reused]));
    let pages = [
        ("reset_request", Page::ResetRequest(request(None, back()))),
        ("reset_request_unusable", Page::ResetRequest(request(Some(Refusal::EmailUnusable), None))),
        ("reset_request_too_many", Page::ResetRequest(request(too_many, back()))),
        (
            "sign_up_sent",
            Page::SignUpSent(SignUpSentPage { email: email(), back: "/u/login?state=x".to_owned() }),
        ),
        ("reset_sent", Page::ResetSent(ResetSentPage { email: email(), back: back() })),
        ("reset_sent_lost", Page::ResetSent(ResetSentPage { email: email(), back: None })),
        ("reset", Page::Reset(reset(None))),
        ("reset_reused", Page::Reset(reset(reused))),
        ("reset_done", Page::ResetDone(ResetDonePage { onward: onward() })),
        ("reset_done_lost", Page::ResetDone(ResetDonePage { onward: None })),
        ("verify", Page::Verify(VerifyPage { form: ticketed("/u/email-verification"), email: email() })),
        ("verified", Page::Verified(VerifiedPage { email: email(), onward: onward() })),
        ("verified_lost", Page::Verified(VerifiedPage { email: email(), onward: None })),
    ];
    pages.into_iter().map(|(name, page)| (name.to_owned(), page)).collect()
}

fn rest(names: &Names) -> Vec<(String, Page)> {
    let client = || Label::new(&names.client);
    let onward = || Onward::to(client(), "https://hoekstra.corp.travel0.test/");
    let confirm =
        |client, stay| Page::LogoutConfirm(LogoutConfirmPage { form: form("/oidc/logout"), client, stay });
    let mut pages = vec![
        ("logout_confirm", confirm(Some(client()), onward())),
        ("logout_confirm_bare", confirm(None, None)),
        ("logged_out", Page::LoggedOut(LoggedOutPage { onward: onward() })),
        ("logged_out_lost", Page::LoggedOut(LoggedOutPage { onward: None })),
    ];
    if let Ok(callback) = Url::parse("https://hoekstra.corp.travel0.test/login/callback") {
        let fields = [("code", "code_sample".to_owned()), ("state", names.typed.clone())];
        let message = json!({ "code": "code_sample", "state": names.typed });
        pages.push(("auto_post", Page::AutoPost(AutoPostPage::new(callback.clone(), fields))));
        pages.push(("passage", Page::Passage(PassagePage::to(callback.clone()))));
        pages.push(("web_message", Page::WebMessage(WebMessagePage::new(&callback, &message))));
    }
    pages.into_iter().map(|(name, page)| (name.to_owned(), page)).collect()
}

#[expect(clippy::expect_used, reason = "the address is written here and is one")]
fn jennifer() -> Email {
    Email::parse("jennifer@hoekstra.test").expect("an address")
}

const EVERY_RULE: [PasswordRule; 12] = [
    PasswordRule::MinLength(10),
    PasswordRule::Lower,
    PasswordRule::Upper,
    PasswordRule::Digit,
    PasswordRule::Special,
    PasswordRule::ThreeKinds,
    PasswordRule::NoRuns,
    PasswordRule::NoSequences,
    PasswordRule::NotCommon,
    PasswordRule::NotPersonal,
    PasswordRule::NotUsedBefore(1),
    PasswordRule::NotUsedBefore(5),
];
