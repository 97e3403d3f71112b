//! Owns how often accounts may be asked about, and by whom (`security.md` §3.5).
//! Never touches the counting: that is the store's.

use crate::{
    email::Email, id::ConnectionId, login::throttle::network, port::store::Charge, secret::TokenHash,
};
use std::{net::IpAddr, time::Duration};

/// What one request for a new password costs: three an hour for an address, five for whoever asks.
pub(super) fn reset(connection: &ConnectionId, email: &Email, ip: Option<IpAddr>) -> Vec<Charge> {
    vec![
        Charge { key: recipient("reset", connection, email), burst: 3, period: Duration::from_mins(20) },
        Charge { key: format!("reset:ip:{}", network(ip)), burst: 5, period: Duration::from_mins(12) },
    ]
}

/// What one message that verifies an address costs: three an hour.
pub(crate) fn verification(connection: &ConnectionId, email: &Email) -> Vec<Charge> {
    vec![Charge { key: recipient("verify", connection, email), burst: 3, period: Duration::from_mins(20) }]
}

/// What one sign-up costs: fifty a minute for whoever asks, three an hour for an address, which gets mail each time.
pub(super) fn sign_up(connection: &ConnectionId, email: &Email, ip: Option<IpAddr>) -> Vec<Charge> {
    sign_up_to(connection, email).into_iter().chain(sign_up_from(ip)).collect()
}

/// What one sign-up costs the address that it names.
pub(crate) fn sign_up_to(connection: &ConnectionId, email: &Email) -> Vec<Charge> {
    vec![Charge { key: recipient("signup", connection, email), burst: 3, period: Duration::from_mins(20) }]
}

/// What one sign-up costs whoever asks, whatever the form says.
pub(crate) fn sign_up_from(ip: Option<IpAddr>) -> Vec<Charge> {
    vec![Charge { key: format!("signup:ip:{}", network(ip)), burst: 50, period: Duration::from_millis(1200) }]
}

fn recipient(what: &str, connection: &ConnectionId, email: &Email) -> String {
    format!("{what}:address:{}", TokenHash::of(&format!("{connection}\n{}", email.canonical())).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_no_address_in_the_clear_and_differ_by_connection() {
        let email = Email::parse("Jennifer@hoekstra.test").unwrap();
        let one = ConnectionId::parse("con_1").unwrap();
        let two = ConnectionId::parse("con_2").unwrap();
        let charges = reset(&one, &email, "192.0.2.1".parse().ok());
        assert!(charges.iter().all(|charge| !charge.key.to_lowercase().contains("jennifer")));
        assert_ne!(charges[0].key, reset(&two, &email, None)[0].key);
        assert_eq!(
            charges[0].key,
            reset(&one, &Email::parse("jennifer@HOEKSTRA.test").unwrap(), None)[0].key
        );
    }
}
