//! Owns the cases of who is meant and what is asked: DB-12, DB-18, INV-05, INV-10 at the connector.
//! Never touches passwords beyond right and wrong ones.

use super::house::{House, OTHER, PASSWORD, prompt_of};
use portico_core::{
    connector::{Ask, ConnectorError, Field, Intent, Interaction, Memo, Presence, Refusal, Reply, Step},
    email::Email,
};
use serde_json::json;

fn refusal(step: &Step) -> &Refusal {
    let Step::Refused { reason, .. } = step else { panic!("not refused: {step:?}") };
    reason
}

fn invited(email: &str) -> Intent {
    Intent::Accept(Email::parse(email).unwrap())
}

#[tokio::test]
async fn signing_in_asks_who_and_what_and_answers_with_the_identity_alone() {
    let house = House::with(json!({})).await;
    let user = house.account("jennifer@hoekstra.test", Some(PASSWORD)).await;
    let connector = house.connector().await;
    assert_eq!(connector.presence(), Presence::Here);
    let step = connector.begin(&house.question(Intent::SignIn)).await.unwrap();
    let prompt = prompt_of(&step);
    assert_eq!(prompt.fields, [Field::Identifier, Field::Password]);
    assert!(prompt.may_sign_up && prompt.may_reset && prompt.password_rules.is_empty());
    let Step::Identified(assertion) = house.sign_in("jennifer@hoekstra.test", PASSWORD).await else {
        panic!("the right password opens")
    };
    assert_eq!(assertion.subject, user.identities[0].subject);
    assert!(assertion.profile.is_empty() && assertion.credential.is_none());
    assert_eq!(assertion.evidence.amr, ["pwd"]);
}

#[tokio::test]
async fn a_hint_that_can_be_an_identifier_is_filled_in_and_another_is_not() {
    let house = House::with(json!({})).await;
    house.account("jennifer@hoekstra.test", Some(PASSWORD)).await;
    let connector = house.connector().await;
    let mut request = house.question(Intent::SignIn);
    request.login_hint = Some("jennifer@hoekstra.test".to_owned());
    let step = connector.begin(&request).await.unwrap();
    assert_eq!(prompt_of(&step).fields, [Field::Password]);
    assert_eq!(prompt_of(&step).identifier.as_deref(), Some("jennifer@hoekstra.test"));
    let Step::Ask(Ask { memo, .. }) = step else { panic!("asked") };
    let reply = Reply::from([("password", PASSWORD)]);
    assert_eq!(connector.guess(&memo, &reply).as_deref(), Some("jennifer@hoekstra.test"));
    assert!(matches!(connector.resume(&request, memo, reply).await.unwrap(), Step::Identified(_)));
    request.login_hint = Some("<script>".to_owned());
    let step = connector.begin(&request).await.unwrap();
    assert_eq!(prompt_of(&step).fields, [Field::Identifier, Field::Password]);
    assert_eq!(prompt_of(&step).identifier, None);
}

#[tokio::test]
async fn db_12_every_spelling_of_an_address_is_one_account_and_a_look_alike_is_none() {
    // Where addresses are not verified the form itself says that there is an account.
    let unverified =
        json!({ "attributes": { "email": { "signup": { "verification": { "active": false } } } } });
    let house = House::with(unverified).await;
    house.account("Admin@b\u{fc}cher.test", Some(PASSWORD)).await;
    for spelling in ["admin@b\u{fc}cher.test", " ADMIN@B\u{dc}CHER.TEST ", "admin@xn--bcher-kva.test"] {
        assert!(house.opens(spelling, PASSWORD).await, "{spelling}");
        let form = [("email", spelling), ("password", OTHER)];
        let step = house.converse(Intent::SignUp, form).await.unwrap();
        assert_eq!(*refusal(&step), Refusal::SignUpRefused, "{spelling}: it has an account");
    }
    for other in [
        "adm\u{131}n@b\u{fc}cher.test",
        "admin@bucher.test",
        "admin+1@b\u{fc}cher.test",
        "admin@b\u{fc}cher.test.",
    ] {
        assert!(!house.opens(other, PASSWORD).await, "{other}");
    }
    for unusable in [
        "adm\u{131}n@b\u{fc}cher.test",
        "a@x.test,b@y.test",
        "\"a b\"@x.test",
        "a@x.test\r\nBcc: b@y.test",
        "",
    ] {
        let step = house.converse(Intent::SignUp, [("email", unusable), ("password", OTHER)]).await.unwrap();
        assert_eq!(*refusal(&step), Refusal::EmailUnusable, "{unusable:?}");
    }
}

#[tokio::test]
async fn db_12_guesses_at_every_spelling_are_counted_together() {
    let house = House::with(json!({})).await;
    let connector = house.connector().await;
    let Step::Ask(Ask { memo, .. }) = connector.begin(&house.question(Intent::SignIn)).await.unwrap() else {
        panic!("asked")
    };
    let guess = |typed: &str| connector.guess(&memo, &Reply::from([("username", typed), ("password", "x")]));
    assert_eq!(guess("Jennifer@Hoekstra.test"), guess(" jennifer@HOEKSTRA.test"));
    assert_ne!(guess("jennifer@hoekstra.test"), guess("amintha@hoekstra.test"));
    assert_eq!(guess("not an identifier"), guess("nor is this"), "what can be nobody's is counted too");
    let off = House::with(json!({ "brute_force_protection": false })).await;
    let reply = Reply::from([("username", "jennifer@hoekstra.test"), ("password", "x")]);
    assert_eq!(off.connector().await.guess(&memo, &reply), None);
}

#[tokio::test]
async fn db_18_a_reply_is_read_as_the_answer_to_what_was_asked() {
    let house = House::with(json!({})).await;
    house.account("jennifer@hoekstra.test", Some(PASSWORD)).await;
    let connector = house.connector().await;
    let memo_of = async |intent: Intent| match connector.begin(&house.question(intent)).await.unwrap() {
        Step::Ask(Ask { memo, .. }) => memo,
        step @ (Step::Identified(_) | Step::Wanted { .. } | Step::Refused { .. }) => panic!("{step:?}"),
    };
    let sign_in = memo_of(Intent::SignIn).await;
    let sign_up = memo_of(Intent::SignUp).await;
    let new = memo_of(invited("fresh@hoekstra.test")).await;
    let existing = memo_of(invited("jennifer@hoekstra.test")).await;
    let form = || Reply::from([("username", "jennifer@hoekstra.test"), ("password", PASSWORD)]);
    for (memo, intent) in [
        (&sign_up, Intent::SignIn),
        (&new, Intent::SignIn),
        (&existing, Intent::SignIn),
        (&sign_in, invited("jennifer@hoekstra.test")),
        (&sign_up, invited("fresh@hoekstra.test")),
        (&existing, invited("somebody@else.test")),
        (&Memo::none(), Intent::SignIn),
    ] {
        let outcome = connector.resume(&house.question(intent.clone()), memo.clone(), form()).await;
        assert!(matches!(outcome, Err(ConnectorError::Memo)), "{memo:?} {intent:?}: {outcome:?}");
    }
    let empty = connector.resume(&house.question(Intent::SignIn), sign_in.clone(), Reply::default()).await;
    assert_eq!(*refusal(&empty.unwrap()), Refusal::WrongCredentials);
    let control = connector.resume(&house.question(Intent::SignIn), sign_in, form()).await.unwrap();
    assert!(matches!(control, Step::Identified(_)));
}

#[tokio::test]
async fn inv_05_the_invited_address_is_the_servers_and_not_the_forms() {
    let house = House::with(json!({})).await;
    let accept =
        async |form: [(&str, &str); 2]| house.converse(invited("a@hoekstra.test"), form).await.unwrap();
    for other in ["b@hoekstra.test", "a+x@hoekstra.test", "\u{430}@hoekstra.test", "nobody"] {
        let step = accept([("email", other), ("password", PASSWORD)]).await;
        assert_eq!(*refusal(&step), Refusal::NotTheInvitee, "{other}");
    }
    for form in
        [[("email", "A@HOEKSTRA.test"), ("password", PASSWORD)], [("username", "b"), ("password", PASSWORD)]]
    {
        let Step::Identified(assertion) = accept(form).await else { panic!("control: {form:?}") };
        assert_eq!(assertion.profile["email"], "a@hoekstra.test");
        let credential = assertion.credential.unwrap();
        assert_eq!(credential.email, Email::parse("a@hoekstra.test").ok());
        assert_eq!(credential.username, None, "the connection has no user names");
    }
}

#[tokio::test]
async fn inv_10_an_account_that_exists_is_asked_for_its_own_password() {
    let house = House::with(json!({})).await;
    let user = house.account("jennifer@hoekstra.test", Some(PASSWORD)).await;
    let intent = invited("Jennifer@hoekstra.test");
    let connector = house.connector().await;
    let step = connector.begin(&house.question(intent.clone())).await.unwrap();
    assert_eq!(prompt_of(&step).fields, [Field::Password]);
    assert!(prompt_of(&step).password_rules.is_empty() && !prompt_of(&step).may_sign_up);
    let step = house.converse(intent.clone(), [("password", OTHER)]).await.unwrap();
    assert_eq!(*refusal(&step), Refusal::WrongCredentials);
    assert!(house.opens("jennifer@hoekstra.test", PASSWORD).await, "the password is what it was");
    let Step::Identified(assertion) = house.converse(intent, [("password", PASSWORD)]).await.unwrap() else {
        panic!("its own password opens")
    };
    assert_eq!(assertion.subject, user.identities[0].subject);
    assert!(assertion.credential.is_none(), "nothing is to be stored");
}

#[tokio::test]
async fn inv_10_an_account_that_was_made_while_the_form_stood_there_is_not_overwritten() {
    let house = House::with(json!({})).await;
    let connector = house.connector().await;
    let request = house.question(invited("jennifer@hoekstra.test"));
    let Step::Ask(Ask { memo, interaction: Interaction::Prompt(prompt) }) =
        connector.begin(&request).await.unwrap()
    else {
        panic!("asked")
    };
    assert_eq!(prompt.fields, [Field::NewPassword]);
    house.account("jennifer@hoekstra.test", Some(PASSWORD)).await;
    let step = connector.resume(&request, memo, Reply::from([("password", OTHER)])).await.unwrap();
    assert_eq!(*refusal(&step), Refusal::SignUpRefused);
    assert_eq!(prompt_of(&step).fields, [Field::Password], "now its own password is asked");
}

#[tokio::test]
async fn user_names_are_asked_checked_and_found() {
    let options = json!({ "requires_username": true, "validation": { "username": { "min": 3, "max": 10 } } });
    let house = House::with(options).await;
    let connector = house.connector().await;
    let step = connector.begin(&house.question(Intent::SignUp)).await.unwrap();
    assert_eq!(prompt_of(&step).fields, [Field::Email, Field::Username, Field::NewPassword]);
    let sign_up = async |username: &str| {
        let form = [("email", "a@hoekstra.test"), ("username", username), ("password", PASSWORD)];
        house.converse(Intent::SignUp, form).await.unwrap()
    };
    for unusable in ["", "ab", "abcdefghijk", "a b c", "a|b", "a@b.test"] {
        assert_eq!(*refusal(&sign_up(unusable).await), Refusal::UsernameUnusable, "{unusable:?}");
    }
    let Step::Identified(assertion) = sign_up("Jen.Doe").await else { panic!("control") };
    assert_eq!(assertion.credential.unwrap().username.as_deref(), Some("jen.doe"));
    assert_eq!(assertion.profile["username"], "jen.doe");
    assert_eq!(assertion.profile["nickname"], "a");
}
