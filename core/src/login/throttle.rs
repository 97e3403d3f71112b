//! Owns how often a login may be tried, and by whom.
//! Never touches the counting: that is the store's, in one statement, before the work (`security.md` §3.5).

use crate::{port::store::Charge, secret::TokenHash};
use std::{net::IpAddr, time::Duration};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// What one guess at a password costs. The first key is the narrowest: it names the event when it is full.
///
/// Ten guesses at one account from one address, then none for days, until a reset; a hundred at one account an hour from
/// anywhere; a hundred from one address, then one in fifteen minutes.
pub fn guess(connection: &str, identifier: &str, ip: Option<IpAddr>) -> Vec<Charge> {
    let who = TokenHash::of(&format!("{connection}\n{identifier}"));
    let who = who.as_str();
    let from = network(ip);
    vec![
        Charge { key: format!("login:both:{from}:{who}"), burst: 10, period: 3 * DAY },
        Charge { key: format!("login:id:{who}"), burst: 100, period: Duration::from_secs(36) },
        Charge { key: format!("login:ip:{from}"), burst: 100, period: 15 * MINUTE },
    ]
}

/// What one look-up of an invitation's ticket costs, until it turns out to be a good one.
pub fn ticket(ip: Option<IpAddr>) -> Vec<Charge> {
    vec![Charge { key: format!("ticket:ip:{}", network(ip)), burst: 60, period: MINUTE }]
}

/// What it costs to look at an answer that nobody asked for: there is no login yet that would limit it.
pub fn arrival(connection: &str, ip: Option<IpAddr>) -> Vec<Charge> {
    let from = network(ip);
    vec![
        Charge { key: format!("arrival:ip:{from}"), burst: 30, period: Duration::from_secs(2) },
        Charge { key: format!("arrival:con:{connection}"), burst: 300, period: Duration::from_millis(100) },
    ]
}

/// The address as it is counted: an IPv6 customer has a /64 (DB-08).
pub fn network(ip: Option<IpAddr>) -> String {
    match ip {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.to_string(),
            None => format!(
                "{:x}:{:x}:{:x}:{:x}::/64",
                ip.segments()[0],
                ip.segments()[1],
                ip.segments()[2],
                ip.segments()[3]
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_is_one_network() {
        let at = |text: &str| network(text.parse().ok());
        assert_eq!(at("2001:db8:1:2:3::9"), at("2001:db8:1:2:ffff::1"));
        assert_ne!(at("2001:db8:1:2::9"), at("2001:db8:1:3::9"));
        assert_eq!(at("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn keys_hold_no_identifier_in_the_clear() {
        let charges = guess("con_x", "jennifer@hoekstra.test", "192.0.2.1".parse().ok());
        assert!(charges.iter().all(|charge| !charge.key.contains("jennifer")));
        assert_ne!(charges[0].key, guess("con_y", "jennifer@hoekstra.test", "192.0.2.1".parse().ok())[0].key);
    }
}
