//! Owns the unit of work in which an assertion becomes a user: with their membership, and their code where no rule has a say.
//! Never touches who is admitted and who may have a code: it asks `admit` and `authorize_org`.

use super::{
    Admitted, Stage, Transaction,
    admit::{Known, NotAdmitted, admit},
    authorize_org::{Facts, authorize_org},
    conclude::{Ready, question},
    event::login_event,
    flow::{Flow, FlowError},
    issue::{Finish, Issue, Issued},
    pipeline::Changes,
    scene::Scene,
    visitor::Visitor,
};
use crate::{
    account::{AccountSettings, MailFacts, mail_verification},
    connector::{Accounts, Assertion, Connector, Intent, Once, Origin},
    entropy::Entropy,
    id::ConnectionId,
    model::{Connection, EventKind},
    port::store::{Charge, Durability, StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};
use std::sync::Arc;

/// An assertion on its way to a user.
#[derive(Clone)]
pub(super) struct Entrance {
    pub(super) transaction: Transaction,
    pub(super) intent: Intent,
    pub(super) connection: Connection,
    pub(super) assertion: Assertion,
    pub(super) scene: Scene,
    pub(super) visitor: Visitor,
    /// What it cost to look at the answer, to be given back: it was no guess.
    pub(super) charges: Vec<Charge>,
}

/// What came of it.
pub(super) enum Entered {
    /// Nobody is admitted.
    Not(NotAdmitted),
    /// A user is, and has a code: no rule has a say.
    Issued(Box<Issued>),
    /// A user is. What comes next is still to be found out.
    Admitted(Box<(Transaction, Admitted, Ready)>),
}

impl Flow {
    /// Decide on the assertion and carry it out, in one unit with the login's next stage and its log entries.
    pub(super) async fn enter(&self, entrance: Entrance) -> Result<Entered, FlowError> {
        let connector = self.connectors.of(&entrance.connection).map_err(FlowError::Connector)?;
        let settings = AccountSettings::of(self.settings.issuer.clone());
        let (now, entropy) = (self.clock.now(), Arc::clone(&self.entropy));
        let durability = entrance.durability(&*connector);
        // Of a customer's database a user may come in twice at once: the second finds what the first has made.
        let again = entrance.assertion.vouched.is_some().then(|| entrance.clone());
        let enter = |entrance: Entrance| {
            let (connector, settings, entropy) =
                (Arc::clone(&connector), settings.clone(), Arc::clone(&entropy));
            self.store.write_as(durability, move |unit| {
                Box::pin(entrance.write(unit, (connector, settings), (now, entropy)))
            })
        };
        let entered = match (enter(entrance).await, again) {
            (Err(StoreError::Conflict(_)), Some(again)) => enter(again).await,
            (entered, _) => entered,
        };
        match entered {
            // The account was made meanwhile: the visitor is asked again, now for its own password (INV-04, INV-10).
            Err(StoreError::Conflict(_)) => Ok(Entered::Not(NotAdmitted::SignUpRefused)),
            entered => entered.map_err(FlowError::from),
        }
    }
}

impl Entrance {
    /// A sign-in with an account of ours makes nothing that lasts and uses nothing up: until its code is redeemed, a
    /// power cut may take it back, and the visitor signs in again.
    fn durability(&self, connector: &dyn Connector) -> Durability {
        let signs_in = connector.accounts().is_some()
            && self.intent == Intent::SignIn
            && self.assertion.once.is_none()
            && self.transaction.request.invitation.is_none();
        if signs_in { Durability::Lazy } else { Durability::Now }
    }

    async fn write(
        self,
        unit: &mut dyn UnitOfWork,
        (connector, accounts_settings): (Arc<dyn Connector>, AccountSettings),
        (now, entropy): (Timestamp, Arc<dyn Entropy>),
    ) -> Result<Entered, StoreError> {
        let Self { mut transaction, intent, connection, assertion, scene, visitor, charges } = self;
        let events = transaction.clone();
        let entry = |kind| login_event(kind, now, &*entropy, &events, Some(&scene)).through(&connection);
        forgive(unit, &charges, now).await?;
        if !first_use(unit, &connection.id, assertion.once.as_ref()).await? {
            return Ok(Entered::Not(NotAdmitted::Replayed));
        }
        let known = Known::load(unit, &transaction.request, &connection, &assertion).await?;
        let (place, membership) = (known.organization_connection.clone(), known.membership.clone());
        let organization = known.organization.clone();
        let (evidence, accounts) = (assertion.evidence.clone(), connector.accounts());
        let admission =
            match admit(&transaction.request, &intent, (&connection, accounts), assertion, known, now) {
                Ok(admission) => admission,
                Err(not) => return Ok(Entered::Not(not)),
            };
        let added = admission.write(unit, now).await?;
        let user = &admission.user;
        if admission.credential.is_some() && admission.origin == Some(Origin::Brought) {
            unit.events().insert(&entry(EventKind::UserMigrated).about(user)).await?;
        } else if admission.created && admission.credential.is_some() {
            unit.events().insert(&entry(EventKind::SignUp).about(user)).await?;
            // An invitation that was mailed has shown it already (INV-11).
            if !user.email_verified && accounts.is_some_and(Accounts::verifies_addresses) {
                let (client, organization) = (scene.client.as_ref(), scene.organization.as_ref());
                let facts = MailFacts { user, connection: &connection, client, organization, url: None };
                mail_verification(unit, &facts, &accounts_settings, now, &*entropy).await?;
            }
        }
        if admission.accepts.is_some() {
            unit.events().insert(&entry(EventKind::InvitationAccepted).about(user)).await?;
        }
        if added {
            unit.events().insert(&entry(EventKind::MemberAdded).about(user)).await?;
        }
        let admitted = Admitted {
            user: user.id.clone(),
            connection: connection.id.clone(),
            evidence,
            auth_time: now,
            epoch: user.session_epoch,
            silent: false,
            created: admission.created,
            membership_added: added,
            organization: transaction.request.organization.clone(),
        };
        transaction.trace.push(format!(
            "user {}{}",
            user.id,
            if admission.created { ", created" } else { "" }
        ));
        let question = question(&transaction.request, &admitted);
        // An admission that wrote nothing leaves everything as it was read.
        let ready = if admission.created || admission.changed || added || admission.accepts.is_some() {
            Ready::load(unit, &question).await?
        } else {
            let known = (Some(admission.user.clone()), organization, membership, place);
            let facts = Facts::around(unit, &question, known).await?;
            Ready::around(unit, &question, facts).await?
        };
        if ready.scripts.is_empty()
            && let Ok(granted) = authorize_org(&question, ready.facts.clone())
        {
            let settings = ready.settings;
            let finish = Finish { admitted, granted, changes: Changes::default(), settings, session: None };
            let issue = Issue::prepare(&transaction, &finish, &visitor, (now, &*entropy));
            return Ok(Entered::Issued(Box::new(issue.write(unit, now).await?)));
        }
        let transaction = transaction.at(Stage::Admitted(admitted.clone()));
        unit.transactions().advance(&transaction).await?;
        Ok(Entered::Admitted(Box::new((transaction, admitted, ready))))
    }
}

/// Note that an answer was used, if it counts but once; whether it was not used before. A refusal that follows in the same
/// unit does not take the note back: what was looked at is used up.
pub(super) async fn first_use(
    unit: &mut dyn UnitOfWork,
    connection: &ConnectionId,
    once: Option<&Once>,
) -> Result<bool, StoreError> {
    let Some(Once { mark, until }) = once else { return Ok(true) };
    unit.answers().consume(connection, &TokenHash::of(mark), *until).await
}

/// It was no guess: give back what it cost, and forget what was guessed from there about this account.
async fn forgive(unit: &mut dyn UnitOfWork, charges: &[Charge], now: Timestamp) -> Result<(), StoreError> {
    let Some((narrowest, others)) = charges.split_first() else { return Ok(()) };
    unit.limits().forget(&narrowest.key).await?;
    unit.limits().refund(others, now).await
}
