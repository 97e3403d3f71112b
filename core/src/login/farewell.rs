//! Owns the end of sessions that the other side has ended.
//! Never touches what a message says: its connector does.

use super::{
    Visitor,
    entrance::first_use,
    flow::{Flow, FlowError},
};
use crate::{
    connector::{ConnectorError, Delivery, Farewell, Interaction, Once},
    model::{AuditEvent, Connection, EventKind, Session},
    oauth::logout::landed,
    port::store::StoreError,
};
use url::Url;

impl Flow {
    /// A message about ended sessions came for this connection. Its sessions end here too, whichever browser carried it;
    /// what the browser has to do next, if anything.
    pub async fn farewell(
        &self,
        connection: &str,
        visitor: &Visitor,
        delivery: Delivery,
    ) -> Result<Option<Interaction>, FlowError> {
        let found = self
            .store
            .read(|unit| Box::pin(async move { unit.connections().find_by_name(connection).await }))
            .await;
        let connection = found.map_err(FlowError::Store)?.ok_or(FlowError::Unknown)?;
        let connector = self.connectors.of(&connection).map_err(FlowError::Connector)?;
        let handle = delivery.relay_state();
        match connector.farewell(delivery).await {
            Ok(Some(Farewell::Ended { name, session_indexes, once, answer })) => {
                let meant = (name.as_str(), session_indexes);
                if self.end_sessions(&connection, meant, once, visitor).await? {
                    return Ok(answer.map(|answer| *answer));
                }
                Err(FlowError::Connector(ConnectorError::Protocol("replayed".to_owned())))
            }
            Ok(Some(Farewell::Answered { is_success })) => {
                if !is_success {
                    tracing::info!(connection.id = %connection.id, "a session at connection `{}` did not end", connection.name);
                }
                // Our session was over before we told them: whatever they say, the browser goes where it was going.
                let handle = handle.unwrap_or_default();
                let onward =
                    landed(&*self.store, &handle, self.clock.now()).await.map_err(FlowError::Store)?;
                Ok(onward.and_then(|onward| Url::parse(&onward).ok()).map(Interaction::Redirect))
            }
            Ok(None) => Err(FlowError::Unknown),
            Err(ConnectorError::Rejected(rejection)) => {
                let check = rejection.check.clone();
                let event =
                    self.parted(EventKind::LogoutFailed, visitor).through(&connection).telling(*rejection);
                self.store
                    .write::<_, StoreError, _>(move |unit| {
                        Box::pin(async move { unit.events().insert(&event).await })
                    })
                    .await
                    .map_err(FlowError::Store)?;
                Err(FlowError::Connector(ConnectorError::Protocol(check)))
            }
            Err(error) => Err(FlowError::Connector(error)),
        }
    }

    /// End the sessions that are meant, in the unit that notes the message; false, and nothing ends, when it was noted
    /// before: whoever keeps a message ends no later session with it.
    async fn end_sessions(
        &self,
        connection: &Connection,
        (name, indexes): (&str, Vec<String>),
        once: Once,
        visitor: &Visitor,
    ) -> Result<bool, FlowError> {
        let upstream = Session::upstream_hash(&connection.id, name);
        let replayed = self.parted(EventKind::LogoutFailed, visitor).through(connection);
        let replayed = replayed.because("replayed", "the message about an ended session was used before");
        let event = self.parted(EventKind::Logout, visitor).through(connection);
        let event =
            event.because("ended_elsewhere", "the session ended because it ended at the identity provider");
        let entropy = std::sync::Arc::clone(&self.entropy);
        let connection = connection.id.clone();
        self.store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    if !first_use(unit, &connection, Some(&once)).await? {
                        unit.events().insert(&replayed).await?;
                        return Ok(false);
                    }
                    let sessions = unit.sessions().of_upstream(&upstream).await?;
                    let named = |session: &Session| match &session.upstream.session_index {
                        Some(index) => indexes.is_empty() || indexes.contains(index),
                        None => true,
                    };
                    for session in sessions.into_iter().filter(named) {
                        if unit.sessions().delete(&session.id).await? {
                            unit.grants().revoke_of_session(&session.id, event.at).await?;
                            let entry = AuditEvent {
                                id: crate::id::LogId::next(event.at, &*entropy),
                                user_id: Some(session.user_id),
                                organization_id: session.organization_id,
                                session_id: Some(session.id),
                                ..event.clone()
                            };
                            unit.events().insert(&entry).await?;
                        }
                    }
                    Ok(true)
                })
            })
            .await
            .map_err(FlowError::Store)
    }

    fn parted(&self, kind: EventKind, visitor: &Visitor) -> AuditEvent {
        AuditEvent {
            ip: visitor.ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.clone(),
            ..AuditEvent::new(kind, self.clock.now(), &*self.entropy)
        }
    }
}
