//! Networks as clients write them: `10.0.0.0/8`, or an address that stands for itself.

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads a network or an address.
///
/// # Errors
/// What would work.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpNet>().ok().map(|network| network.trunc());
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    network.or_else(address).ok_or_else(|| {
        "error parsing address: unable to convert it to an IPv4 or IPv6 address or network; \
         try \"10.0.0.0/8\""
            .to_owned()
    })
}

/// A network as it is shown: a single address without its length.
pub fn network_text(network: &IpNet) -> String {
    match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let shown = parse_network(text).ok().map(|network| network_text(&network));
        assert_eq!(shown.as_deref(), expected, "{text}");
    }

    #[test]
    fn networks_and_addresses() {
        check("10.1.2.3/8", Some("10.0.0.0/8"));
        check("127.0.0.1/32", Some("127.0.0.1"));
        check("127.0.0.1", Some("127.0.0.1"));
        check("::1", Some("::1"));
        check("fd00::/8", Some("fd00::/8"));
        check("10.0.0.0/33", None);
        check("localhost", None);
    }
}
