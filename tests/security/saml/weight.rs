//! Owns SAML-23, SAML-51 and SAML-52 where they are about what a hostile message costs: memory, and how far it gets.
//! Never touches durations, which a busy machine decides: the benchmark has those.
//!
//! Memory is measured in a process of its own, where nothing else takes any.

use super::{Desk, hall::Hall};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::{
    connector::{ConnectorError, Delivery},
    port::store::StoreError,
};
use portico_fixtures::saml_document::{
    ASSERTION, Attribute, Element, Node, PROTOCOL, Recipe, deflated, signed_query,
};
use std::{
    fmt::Write,
    process::{Command, Stdio},
};

/// What the child process weighs.
const CASE: &str = "PORTICO_TEST_WEIGHT";
/// How a child says it.
const SAYS: &str = "weighs ";

/// The most that a message may take beyond itself (SAML-51).
const MAX_KIB: u64 = 16 << 10;

/// A field of `/proc/self/status`, in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("the field is there");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// How much more memory this process had at most while it did this, in KiB.
fn grown(work: impl FnOnce()) -> u64 {
    // Forget the most there ever was.
    std::fs::write("/proc/self/clear_refs", "5").expect("the kernel counts");
    let before = status("VmRSS:");
    work();
    status("VmHWM:").saturating_sub(before)
}

/// Run a case in a process of its own; what it says it weighs, in KiB.
fn weighed(test: &str, case: &str) -> u64 {
    let (_, module) = module_path!().split_once("::").expect("a module of this crate");
    let ran = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("{module}::{test}"), "--ignored", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let output = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{case}: {output}{}", String::from_utf8_lossy(&ran.stderr));
    let said = output.split(SAYS).nth(1).and_then(|rest| rest.split_whitespace().next());
    said.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{case}: {output}"))
}

#[expect(clippy::disallowed_methods, reason = "its parent tells it by the environment what to weigh")]
fn told() -> String {
    std::env::var(CASE).expect("the parent says what to weigh")
}

fn tags(count: usize, tag: &str) -> String {
    tag.repeat(count)
}

/// Hostile documents of the largest size that is looked at, each of another kind, and why they are refused.
fn hostile(desk: &Desk) -> Vec<(&'static str, &'static str, String)> {
    let honest = desk.recipe().written().written();
    let inside = |what: &str| honest.replacen("<samlp:Status>", &format!("<samlp:Status>{what}"), 1);
    let on = |what: &str| honest.replacen("<samlp:Status>", &format!("<samlp:Status{what}>"), 1);
    let numbered = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut text, at| {
            write!(text, " {}", item(at)).expect("text grows");
            text
        })
    };
    let flood =
        Recipe { name_id: vec![Node::raw("&#97;".repeat(40_000), "a".repeat(40_000))], ..desk.recipe() };
    let references = {
        let mut document = desk.recipe().written();
        let info = document.part("ds:SignedInfo");
        let reference = info.find("ds:Reference").expect("there is one").clone();
        // Short ones, so that there are two thousand of them in what is looked at.
        let short = Element::new("ds:Reference").with("URI", reference.attribute("URI").split_at(2).0);
        (0..2_000).for_each(|_| info.push(short.clone()));
        document.written()
    };
    let transforms = {
        let mut document = desk.recipe().written();
        let transforms = document.part("ds:Transforms");
        let xpath = "http://www.w3.org/TR/1999/REC-xpath-19991116";
        let text = format!("count(//.{})", tags(2_000, " | //.//.//."));
        let transform =
            Element::new("ds:Transform").with("Algorithm", xpath).holding(Element::text("ds:XPath", text));
        (0..3).for_each(|_| transforms.push(transform.clone()));
        document.written()
    };
    vec![
        ("attributes on one tag", "attribute_limit", on(&numbered(20_000, &|at| format!("a{at}=\"\"")))),
        (
            "namespaces on one tag",
            "namespace_limit",
            on(&numbered(8_000, &|at| format!("xmlns:p{at}=\"urn:p\""))),
        ),
        ("depth", "depth_limit", inside(&format!("{}{}", tags(30_000, "<a>"), tags(30_000, "</a>")))),
        ("siblings", "element_limit", inside(&tags(50_000, "<a/>"))),
        ("references to characters", "name_id", flood.written().written()),
        ("references of a signature", "reference_count", references),
        ("transforms", "transform", transforms),
        ("text between elements", "text_foreign", inside(&tags(200_000, "a"))),
        ("a million siblings", "too_large", inside(&tags(1_000_000, "<a/>"))),
        ("a document that ends nowhere", "truncated", honest.replace("</samlp:Response>", "")),
    ]
}

#[test]
fn saml_51_hostile_documents_take_no_memory_to_speak_of() {
    let desk = Desk::open();
    let cases = hostile(&desk);
    desk.expect_texts(cases.iter().map(|(name, expected, document)| (name, document.clone(), *expected)));
    for (name, _, _) in cases {
        let weight = weighed("weighs_a_document", name);
        assert!(weight < MAX_KIB, "{name}: {weight} KiB");
    }
    // An honest document of the largest kind keeps within it, too.
    let weight = weighed("weighs_a_document", "2 000 groups");
    assert!(weight < MAX_KIB, "2 000 groups: {weight} KiB");
    // The control: what takes memory is seen to.
    let weight = weighed("weighs_a_document", "64 MiB");
    assert!(weight > 4 * MAX_KIB - 1024, "64 MiB: {weight} KiB");
}

#[test]
#[ignore = "run by the test above"]
fn weighs_a_document() {
    let (desk, case) = (Desk::open(), told());
    // What is made once for all documents is there.
    desk.still_works();
    let groups: Vec<String> = (0..2_000).map(|number| format!("CN=Group {number},DC=metahexa")).collect();
    let many = Attribute::several("groups", groups.iter().map(String::as_str));
    let many = Recipe { attributes: vec![many], ..desk.recipe() }.written().written();
    let document =
        hostile(&desk).into_iter().find(|(name, _, _)| *name == case).map_or(many, |found| found.2);
    let weight = grown(|| {
        if case == "64 MiB" {
            assert_eq!(vec![1_u8; 64 << 20].iter().map(|byte| usize::from(*byte)).sum::<usize>(), 64 << 20);
        } else {
            desk.judge_text(&document);
        }
    });
    println!("{SAYS}{weight}");
}

#[test]
fn saml_23_what_a_gate_refuses_never_comes_to_cryptography() {
    let desk = Desk::open();
    let gates = ["trust", "transport", "well_formed", "shape", "algorithms"];
    let mut before = 0;
    for (name, expected, document) in hostile(&desk) {
        if expected == "name_id" {
            // This one is signed, and refused for what it says.
            continue;
        }
        let (judged, trace) = desk.traced(document.as_bytes());
        assert_eq!(judged, expected, "{name}");
        let steps = serde_json::to_value(&trace).expect("a trace");
        for step in steps.as_array().expect("steps") {
            let check = step["check"].as_str().expect("a check");
            assert!(gates.contains(&check), "{name}: {check} ran");
        }
        before += 1;
    }
    assert_eq!(before, 9);
    let (judged, trace) = desk.traced(desk.recipe().written().written().as_bytes());
    assert!(judged.starts_with("accepted"));
    assert!(trace.to_string().contains("signature"), "the control: a signature is looked at: {trace}");
}

#[tokio::test]
async fn saml_51_a_body_of_10_mb_is_not_taken() {
    let hall = Hall::open().await;
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &hall.bank).await;
    let response = "A".repeat(10 << 20);
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
    assert_eq!(hall.post_fields(&mut browser, &hall.bank, &fields).await.status, 413);
    for (name, response) in [
        ("junk in it", format!("{}!", hall.recipe(&hall.bank, Some(&asked)).posted())),
        ("packed", {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            let honest = hall.recipe(&hall.bank, Some(&asked)).written().written();
            std::io::Write::write_all(&mut packed, honest.as_bytes()).expect("it is packed");
            STANDARD.encode(packed.finish().expect("it is packed"))
        }),
    ] {
        let mut browser = hall.world.browser();
        let asked = hall.begin(&mut browser, &hall.bank).await;
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        assert_eq!(hall.post_fields(&mut browser, &hall.bank, &fields).await.status, 400, "{name}");
        let expected = if name == "packed" { "encoding" } else { "base64" };
        assert_eq!(hall.refusal().await, expected, "{name}");
    }
    hall.still_works().await;
}

#[test]
fn saml_52_a_hundred_thousand_malformed_messages_leave_nothing_behind() {
    let weight = weighed("weighs_a_hundred_thousand_messages", "messages");
    assert!(weight < MAX_KIB / 4, "{weight} KiB");
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn weighs_a_hundred_thousand_messages() {
    assert_eq!(told(), "messages");
    let hall = Hall::open().await;
    let id = hall.bank.connection.clone();
    let found = hall
        .world
        .store
        .read::<_, StoreError, _>(move |unit| Box::pin(async move { unit.connections().find(&id).await }));
    let connection = found.await.expect("the store answers").expect("the connection is there");
    let connector = hall.world.app.connectors.of(&connection).expect("it is a good one");
    let request = Element::new("samlp:LogoutRequest")
        .with("xmlns:samlp", PROTOCOL)
        .with("ID", "_logout")
        .holding(Element::text("saml:Issuer", "urn:x").with("xmlns:saml", ASSERTION))
        .written();
    let signed = |document: &str| signed_query("SAMLRequest", document, None, &hall.bank.signing());
    let cheap = [
        String::new(),
        "SAMLRequest=%%%&SigAlg=x&Signature=y".to_owned(),
        format!("SAMLRequest={}", deflated(&request)),
    ];
    // What is signed costs a signature: one in fifty is.
    let signed = [
        format!("{}&Signature=!", signed(&request)),
        signed(&request),
        signed(&format!("{request}{}", " ".repeat(1 << 20))),
        signed("<a"),
        signed(&request).replace("SAMLRequest=", "SAMLResponse="),
    ];
    let send = async |count: usize| {
        for at in 0..count {
            let costly = (at % 50 == 0).then(|| &signed[at / 50 % signed.len()]);
            let query = Some(costly.unwrap_or(&cheap[at % cheap.len()]).clone());
            let said = connector.farewell(Delivery { query, ..Delivery::default() }).await;
            // On a machine that stands still for a moment a judgement does not get its turn in time.
            assert!(matches!(said, Err(ConnectorError::Rejected(_) | ConnectorError::Busy)), "{said:?}");
        }
    };
    // What is made once, and what the allocator keeps for later, is there.
    send(20_000).await;
    let before = status("VmRSS:");
    send(100_000).await;
    println!("{SAYS}{}", status("VmRSS:").saturating_sub(before));
}
