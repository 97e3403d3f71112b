//! Owns the journeys of those who are invited, from the mailbox to the application.
//! Never touches signing in again.

use crate::visit::{Visit, visit, visit_by};
use anyhow::ensure;
use portico_fixtures::story::AMINTHA;

/// The claim that the rule of the story adds.
pub(crate) const CUSTOMER: &str = "https://travel0.example/customer";

/// From the mailbox through the message to where its link leads.
async fn follow_the_invitation(visit: &Visit, to: &str) -> anyhow::Result<()> {
    visit.open(&visit.demo.mailbox).await?;
    visit.see(to).await?;
    visit.picture("mailbox").await?;
    visit.press(to).await?;
    visit.arrive(&format!("{}message/", visit.demo.mailbox)).await?;
    visit.picture(&format!("message-{}", to.split('@').next().unwrap_or_default())).await?;
    visit.enter_frame().await?;
    visit.press("Accept").await?;
    visit.leave_frames().await
}

#[tokio::test(flavor = "multi_thread")]
async fn jennifer_accepts_her_invitation_with_a_password_of_her_own() {
    visit(async |visit| {
        follow_the_invitation(visit, "jennifer@hoekstra.example").await?;
        visit.arrive(&format!("{}signup/invitation", visit.demo.gateway)).await?;
        visit.see("Join Hoekstra & Associates").await?;
        visit.see("Piet Hoekstra invites you to use Travel0 Corporate Booking").await?;

        let shown =
            "const shown = document.querySelector('#shown-identifier'); return [shown.value, shown.readOnly]";
        let shown = visit.ask(shown).await?;
        ensure!(shown == serde_json::json!(["jennifer@hoekstra.example", true]), "the address: {shown}");
        let colour = "return getComputedStyle(document.querySelector('button.first')).backgroundColor";
        let colour = visit.ask(colour).await?;
        ensure!(colour == "rgb(10, 92, 54)", "the button has Hoekstra's colour, not {colour}");
        let logo = visit.ask("return document.querySelector('img.logo').naturalWidth").await?;
        ensure!(logo.as_u64() > Some(0), "the logo of Hoekstra is shown");
        visit.picture("invitation").await?;

        visit.fill("#new_password", "abcdefgh").await?;
        visit.press("Accept invitation").await?;
        visit.see("The password needs more kinds of characters.").await?;
        visit.arrive(&format!("{}signup/invitation", visit.demo.gateway)).await?;
        ensure!(
            visit.ask("return document.activeElement.id").await? == "new_password",
            "the field has the focus"
        );
        visit.picture("invitation-refused").await?;

        visit.fill("#new_password", "Wandering-Compass-41").await?;
        visit.press("Accept invitation").await?;
        visit.arrive(&visit.demo.hoekstra).await?;
        visit.see("Welcome, ").await?;
        ensure!(visit.claim("email").await? == "jennifer@hoekstra.example", "who she is");
        ensure!(visit.claim("org_id").await?.starts_with("org_"), "the organization she is signed in for");
        ensure!(!visit.claim("name").await?.is_empty(), "her name");
        ensure!(visit.claim(CUSTOMER).await? == "Hoekstra & Associates", "what the rule adds");
        visit.picture("application").await
    })
    .await;
}

/// Amintha's way from the mailbox to the application, with pictures named after the protocol of her bank.
async fn amintha(visit: &Visit, protocol: &str) -> anyhow::Result<()> {
    follow_the_invitation(visit, "amintha@metahexa.example").await?;
    visit.arrive(&format!("{}invitation", visit.demo.gateway)).await?;
    visit.see("Join MetaHexa Bank").await?;
    visit.see("You sign in at MetaHexa Bank").await?;
    ensure!(!visit.has("input[type=password]").await?, "no password is asked here");
    visit.picture(&format!("confirmation-{protocol}")).await?;

    visit.press("Go to MetaHexa Bank").await?;
    visit.arrive("http://sign-in.metahexa.localhost:").await?;
    visit.see("User name at MetaHexa Bank").await?;
    visit.picture(&format!("bank-{protocol}")).await?;
    if protocol == "saml" {
        visit.fill("#username", AMINTHA.0).await?;
    } else {
        let known = visit.ask("return document.querySelector('#username').value").await?;
        ensure!(known == "amintha@metahexa.example", "the bank knows who comes: {known}");
    }
    visit.fill("#password", AMINTHA.1).await?;
    visit.press("Sign in").await?;

    visit.arrive(&visit.demo.metahexa).await?;
    visit.see("Welcome, Amintha Okafor").await?;
    ensure!(visit.claim("email").await? == "amintha@metahexa.example", "who she is");
    ensure!(visit.claim("org_id").await?.starts_with("org_"), "the organization she is signed in for");
    ensure!(visit.claim("name").await? == "Amintha Okafor", "her name, as the bank says it");
    ensure!(visit.claim(CUSTOMER).await? == "MetaHexa Bank", "what the rule adds");
    visit.picture(&format!("application-{protocol}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn amintha_accepts_her_invitation_at_the_sign_in_of_her_bank() {
    visit(async |visit| amintha(visit, "oidc").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amintha_accepts_her_invitation_at_the_sign_in_of_her_bank_by_saml() {
    visit_by("saml", async |visit| amintha(visit, "saml").await).await;
}
