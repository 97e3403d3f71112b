//! Owns the journeys of members: signing in, single sign-on, and signing out.
//! Never touches invitations.

use crate::{accept::CUSTOMER, visit::visit};
use anyhow::ensure;
use portico_fixtures::story::{BORIS, PIET};

#[tokio::test(flavor = "multi_thread")]
async fn piet_signs_in_once_for_both_applications_and_out_of_both() {
    visit(async |visit| {
        let login = format!("{}u/login", visit.demo.gateway);
        visit.open(&visit.demo.hoekstra).await?;
        visit.see("Book your business travel").await?;
        visit.press("Sign in").await?;
        visit.arrive(&login).await?;
        visit.see("Sign in to Hoekstra & Associates").await?;
        visit.picture("login").await?;

        visit.fill("input[autocomplete=username]", PIET.0).await?;
        visit.fill("#password", "not his password").await?;
        visit.press("Sign in").await?;
        visit.see("That is not right.").await?;
        visit.arrive(&login).await?;
        visit.picture("login-refused").await?;

        visit.fill("input[autocomplete=username]", PIET.0).await?;
        visit.fill("#password", PIET.1).await?;
        visit.press("Sign in").await?;
        visit.arrive(&visit.demo.hoekstra).await?;
        visit.see("Welcome, Piet Hoekstra").await?;
        ensure!(visit.claim(CUSTOMER).await? == "Hoekstra & Associates", "what the rule adds");
        let (person, organization) = (visit.claim("sub").await?, visit.claim("org_id").await?);
        ensure!(organization.starts_with("org_"), "the organization he is signed in for");

        visit.press("Open Travel0 Expenses").await?;
        visit.arrive("http://expenses.hoekstra.localhost:").await?;
        visit.see("Welcome, Piet Hoekstra").await?;
        ensure!(visit.claim("sub").await? == person, "the same person");
        ensure!(visit.claim("org_id").await? == organization, "the same organization");

        visit.press("Sign out").await?;
        visit.see("Book your business travel").await?;
        visit.arrive("http://expenses.hoekstra.localhost:").await?;
        visit.press("Sign in").await?;
        visit.arrive(&login).await?;
        ensure!(visit.has("#password").await?, "after signing out, the password is asked again");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boris_signs_in_at_his_bank() {
    visit(async |visit| {
        visit.open(&visit.demo.metahexa).await?;
        visit.press("Sign in").await?;
        visit.arrive("http://sign-in.metahexa.localhost:").await?;
        visit.fill("#username", BORIS.0).await?;
        visit.fill("#password", BORIS.1).await?;
        visit.press("Sign in").await?;
        visit.arrive(&visit.demo.metahexa).await?;
        visit.see("Welcome, Boris Lindqvist").await?;
        ensure!(visit.claim("org_id").await?.starts_with("org_"), "the organization he is signed in for");
        ensure!(visit.claim("name").await? == "Boris Lindqvist", "his name, as the bank says it");
        ensure!(visit.claim(CUSTOMER).await? == "MetaHexa Bank", "what the rule adds");
        Ok(())
    })
    .await;
}
