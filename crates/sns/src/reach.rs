//! Which endpoints messages may go to: the policy that keeps a subscription from reaching into the network around the
//! server (server-side request forgery).
//!
//! Always: an address is judged, never a name, and whoever connects does so to the address that was judged. Link-local
//! addresses, among them the metadata services of clouds, multicast and what is no destination are never reached.
//! Loopback and private networks are reached only if the operator has listed the network or the host; with `--dev` the
//! loopback is. An IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4) is judged as that.
//!
//! Pure: resolving and connecting are elsewhere.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

use crate::{limits, model::subscription::Protocol};

/// What the operator allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    networks: Vec<Network>,
    hosts: Vec<String>,
    loopback: bool,
}

/// Why an endpoint is not to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is no URL that messages can be sent to.
    Endpoint(&'static str),
    /// Nobody may list this.
    Never(IpAddr, &'static str),
    /// The operator has not listed this.
    NotListed(IpAddr, &'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Endpoint(reason) => f.write_str(reason),
            Refused::Never(address, kind) => {
                write!(f, "{address} is {kind}, which is never reached")
            }
            Refused::NotListed(address, kind) => write!(
                f,
                "{address} is {kind}; start Nautilus with --allowed-webhook to allow its network or \
                 host"
            ),
        }
    }
}

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URL as the standard writes it.
    pub url: Url,
    /// Lower case, without brackets; an address in its usual form.
    pub host: String,
    /// The address, if the URL has one in the place of a name.
    pub address: Option<IpAddr>,
    /// The given one, or the scheme's.
    pub port: u16,
    /// Whether it is HTTPS.
    pub tls: bool,
}

/// Scheme, host and port of an endpoint: what counts as one when attempts are counted.
pub(crate) fn authority(endpoint: &str) -> String {
    let Ok(url) = Url::parse(endpoint) else { return endpoint.to_owned() };
    let port = url.port_or_known_default().unwrap_or(0);
    format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or(""))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address.
    fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok().filter(|prefix| *prefix <= bits)?
            }
            Some(_) => return None,
            None => bits,
        };
        Some(Network { address, prefix })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                let difference = network.to_bits() ^ address.to_bits();
                difference.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                let difference = network.to_bits() ^ address.to_bits();
                difference.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl Reach {
    /// By the operator's list: networks (`10.1.0.0/16`), addresses, and names of hosts. `loopback` allows the machine
    /// itself besides.
    pub fn new(allowed: &[String], loopback: bool) -> Result<Reach, String> {
        let mut reach = Reach { loopback, ..Reach::default() };
        for entry in allowed {
            if let Some(network) = Network::parse(entry) {
                reach.networks.push(network);
                continue;
            }
            let host = (!entry.contains(['/', '*'])).then(|| Host::parse(entry).ok()).flatten();
            match host {
                Some(Host::Domain(name)) => reach.hosts.push(without_root(&name).to_owned()),
                _ => {
                    return Err(format!(
                        "`{entry}` is neither a network like `10.1.0.0/16`, nor an address, nor a \
                         host name"
                    ));
                }
            }
        }
        Ok(reach)
    }

    /// Reads an endpoint, and judges it as far as that goes without resolving a name.
    pub(crate) fn target(&self, protocol: Protocol, endpoint: &str) -> Result<Target, Refused> {
        let scheme = protocol.name();
        if !protocol.is_delivered() || !endpoint.starts_with(&format!("{scheme}://")) {
            return Err(Refused::Endpoint("Endpoint must match the specified protocol"));
        }
        if endpoint.chars().count() > limits::ENDPOINT_CHARS_MAX {
            return Err(Refused::Endpoint("it is too long"));
        }
        // The parser would pass over some of these in silence.
        if endpoint.chars().any(|c| c.is_control() || c == ' ' || c == '\\') {
            return Err(Refused::Endpoint("it holds a character that no URL may hold"));
        }
        let mut url = Url::parse(endpoint).map_err(|_| Refused::Endpoint("it is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Endpoint("it must not hold a user name or a password"));
        }
        url.set_fragment(None);
        let port = url.port_or_known_default().filter(|port| *port != 0);
        let port = port.ok_or(Refused::Endpoint("it has no port"))?;
        let (host, address) = match url.host() {
            Some(Host::Domain(name)) => (without_root(name).to_owned(), None),
            Some(Host::Ipv4(address)) => (address.to_string(), Some(IpAddr::V4(address))),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(IpAddr::V6(address))),
            None => return Err(Refused::Endpoint("it has no host")),
        };
        if host.is_empty() {
            return Err(Refused::Endpoint("it has no host"));
        }
        let tls = protocol == Protocol::Https;
        let target = Target { url, host, address, port, tls };
        let is_this_machine = target.host == "localhost" || target.host.ends_with(".localhost");
        let literal = is_this_machine.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if let Some(address) = target.address.or(literal) {
            self.judge(&target.host, address)?;
        }
        Ok(target)
    }

    /// Whether `host` may be reached at `address`.
    pub fn judge(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let judged = meant(address);
        let kind = match kind(judged) {
            Kind::Public => return Ok(()),
            Kind::Never(kind) => return Err(Refused::Never(address, kind)),
            Kind::Loopback if self.loopback => return Ok(()),
            Kind::Loopback => "this machine itself",
            Kind::Private(kind) => kind,
        };
        let is_listed = self.hosts.iter().any(|listed| listed == host)
            || self
                .networks
                .iter()
                .any(|network| network.contains(judged) || network.contains(address));
        if is_listed { Ok(()) } else { Err(Refused::NotListed(address, kind)) }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Public,
    Loopback,
    Private(&'static str),
    Never(&'static str),
}

/// A name without the dot of the root.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The IPv4 address that an IPv6 one stands for.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let low = || Ipv4Addr::from_bits(v6.to_bits() as u32);
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] => IpAddr::V4(low()), // mapped, RFC 4291
        [0, 0, 0, 0, 0xffff, 0, ..] => IpAddr::V4(low()), // translated, RFC 2765
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => IpAddr::V4(low()), // NAT64, RFC 6052
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => IpAddr::V4(low()), // compatible, RFC 4291
        [0x2002, high, low, ..] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))) // 6to4, RFC 3056
        }
        _ => address,
    }
}

/// By the registries of special addresses, RFC 6890.
fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Never("no destination"),
        [127, ..] => Kind::Loopback,
        [169, 254, ..] => Kind::Never("link-local"),
        [224..=239, ..] => Kind::Never("multicast"),
        [240..=255, ..] => Kind::Never("reserved"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("in a private network"),
        [100, 64..=127, ..] => Kind::Private("in a carrier's network"),
        [192, 0, 0, _] | [192, 88, 99, _] => Kind::Private("in a network for protocols"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Kind::Private("in a network for documentation")
        }
        [198, 18..=19, ..] => Kind::Private("in a network for benchmarks"),
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Never("no destination"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        [0xfe80..=0xfebf, ..] => Kind::Never("link-local"),
        [0xff00..=0xffff, ..] => Kind::Never("multicast"),
        // EC2's metadata service.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Kind::Never("a metadata service"),
        [0xfc00..=0xfdff, ..] => Kind::Private("in a private network"),
        [0xfec0..=0xfeff, ..] => Kind::Private("in a private network"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            Kind::Private("in a network for documentation")
        }
        [0x2001, 0..=0x1ff, ..] => Kind::Private("in a network for protocols"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Private("in no network of the internet"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reach(allowed: &[&str], loopback: bool) -> Reach {
        let allowed: Vec<String> = allowed.iter().map(|entry| (*entry).to_owned()).collect();
        Reach::new(&allowed, loopback).expect("the test's list")
    }

    fn told(judged: Result<(), Refused>) -> &'static str {
        match judged {
            Ok(()) => "yes",
            Err(Refused::Never(..)) => "never",
            Err(Refused::NotListed(..)) => "listed",
            Err(Refused::Endpoint(reason)) => reason,
        }
    }

    /// Without a list.
    fn address(text: &str) -> &'static str {
        told(reach(&[], false).judge("h", text.parse().expect("an address")))
    }

    #[test]
    fn addresses_are_judged_by_what_they_are() {
        for (text, expected) in [
            ("1.1.1.1", "yes"),
            ("8.8.8.8", "yes"),
            ("172.15.255.255", "yes"),
            ("172.32.0.0", "yes"),
            ("100.63.255.255", "yes"),
            ("100.128.0.0", "yes"),
            ("169.253.255.255", "yes"),
            ("192.167.1.1", "yes"),
            ("223.255.255.255", "yes"),
            ("10.0.0.1", "listed"),
            ("172.16.0.1", "listed"),
            ("172.31.255.255", "listed"),
            ("192.168.255.255", "listed"),
            ("100.64.0.1", "listed"),
            ("100.100.100.200", "listed"),
            ("192.0.0.192", "listed"),
            ("192.0.2.1", "listed"),
            ("198.18.0.1", "listed"),
            ("198.51.100.7", "listed"),
            ("203.0.113.7", "listed"),
            ("127.0.0.1", "listed"),
            ("127.255.255.254", "listed"),
            ("0.0.0.0", "never"),
            ("0.1.2.3", "never"),
            ("169.254.169.254", "never"),
            ("169.254.170.2", "never"),
            ("224.0.0.1", "never"),
            ("239.255.255.255", "never"),
            ("240.0.0.1", "never"),
            ("255.255.255.255", "never"),
            ("2606:4700::1111", "yes"),
            ("2a00:1450::1", "yes"),
            ("::1", "listed"),
            ("fc00::1", "listed"),
            ("fdff::1", "listed"),
            ("fec0::1", "listed"),
            ("2001:db8::1", "listed"),
            ("2001::1", "listed"),
            ("4000::1", "listed"),
            ("::2", "listed"),
            ("::", "never"),
            ("fe80::1", "never"),
            ("febf::1", "never"),
            ("ff02::1", "never"),
            ("fd00:ec2::254", "never"),
            // What stands for another address is that address.
            ("::ffff:1.1.1.1", "yes"),
            ("::ffff:10.0.0.1", "listed"),
            ("::ffff:127.0.0.1", "listed"),
            ("::ffff:169.254.169.254", "never"),
            ("::ffff:0:169.254.169.254", "never"),
            ("::169.254.169.254", "never"),
            ("::127.0.0.1", "listed"),
            ("64:ff9b::169.254.169.254", "never"),
            ("64:ff9b::8.8.8.8", "yes"),
            ("64:ff9b:1::a9fe:a9fe", "listed"),
            ("2002:a9fe:a9fe::", "never"),
            ("2002:7f00:1::1", "listed"),
            ("2002:808:808::1", "yes"),
        ] {
            assert_eq!(address(text), expected, "{text}");
        }
    }

    #[test]
    fn the_operators_list_opens_networks_addresses_and_hosts() {
        let reach =
            reach(&["10.1.0.0/16", "192.168.7.7", "fd12::/16", "Receiver.Internal."], false);
        let judge = |host: &str, text: &str| told(reach.judge(host, text.parse().expect("one")));
        for (host, text, expected) in [
            ("h", "10.1.255.1", "yes"),
            ("h", "10.2.0.1", "listed"),
            ("h", "::ffff:10.1.0.9", "yes"),
            ("h", "192.168.7.7", "yes"),
            ("h", "192.168.7.8", "listed"),
            ("h", "fd12:1::1", "yes"),
            ("h", "fd13::1", "listed"),
            ("receiver.internal", "172.16.0.1", "yes"),
            ("receiver.internal", "127.0.0.1", "yes"),
            ("receiver.internal", "169.254.169.254", "never"),
            ("other.receiver.internal", "172.16.0.1", "listed"),
        ] {
            assert_eq!(judge(host, text), expected, "{host} {text}");
        }
    }

    #[test]
    fn nobody_can_list_what_is_never_reached() {
        let all = reach(&["0.0.0.0/0", "::/0", "metadata.google.internal"], true);
        for text in ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
            let judged = all.judge("metadata.google.internal", text.parse().expect("an address"));
            assert_eq!(told(judged), "never", "{text}");
        }
        assert_eq!(told(all.judge("h", Ipv4Addr::new(10, 0, 0, 1).into())), "yes");
        assert_eq!(told(all.judge("h", Ipv6Addr::LOCALHOST.into())), "yes");
    }

    #[test]
    fn with_dev_the_machine_itself_is_reached_and_no_private_network() {
        let dev = reach(&[], true);
        for (text, expected) in [
            ("127.0.0.1", "yes"),
            ("::1", "yes"),
            ("::ffff:127.0.0.1", "yes"),
            ("10.0.0.1", "listed"),
            ("169.254.169.254", "never"),
        ] {
            assert_eq!(told(dev.judge("h", text.parse().expect("an address"))), expected, "{text}");
        }
    }

    #[test]
    fn lists_with_mistakes_are_refused() {
        for entry in
            ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "a/b", "http://x", "*.x"]
        {
            assert!(Reach::new(&[entry.to_owned()], false).is_err(), "{entry}");
        }
    }

    /// The target of an endpoint, or why it is refused.
    fn endpoint(text: &str) -> String {
        let scheme = text.split("://").next().unwrap_or("");
        let protocol = Protocol::from_name(scheme).unwrap_or(Protocol::Http);
        match reach(&[], false).target(protocol, text) {
            Ok(Target { host, port, tls, .. }) => format!("{host} {port} {tls}"),
            Err(refused) => told(Err(refused)).to_owned(),
        }
    }

    #[test]
    fn endpoints_are_urls_in_any_of_their_forms() {
        for (text, expected) in [
            ("http://example.com", "example.com 80 false"),
            ("https://Example.COM:8443/a?b=c", "example.com 8443 true"),
            ("https://example.com./", "example.com 443 true"),
            ("https://bücher.example/", "xn--bcher-kva.example 443 true"),
            ("http://1.1.1.1/", "1.1.1.1 80 false"),
            ("http://[2606:4700::1111]/", "2606:4700::1111 80 false"),
            // Addresses in disguise.
            ("http://127.1/", "listed"),
            ("http://2130706433/", "listed"),
            ("http://0x7f000001/", "listed"),
            ("http://0177.0.0.1/", "listed"),
            ("http://127.0.0.1./", "listed"),
            ("http://①②⑦.0.0.1/", "listed"),
            ("http://localhost:9000/", "listed"),
            ("http://LOCALHOST./", "listed"),
            ("http://a.localhost/", "listed"),
            ("http://[::1]/", "listed"),
            ("http://2852039166/latest/meta-data/", "never"),
            ("http://0xa9fea9fe/", "never"),
            ("http://169.254.43518/", "never"),
            ("http://[::ffff:a9fe:a9fe]/", "never"),
            ("http://0/", "never"),
            // No endpoints.
            ("http://user@example.com/", "it must not hold a user name or a password"),
            ("http://user:pw@example.com/", "it must not hold a user name or a password"),
            ("http://example.com\\@127.0.0.1/", "it holds a character that no URL may hold"),
            ("http://exam\tple.com/", "it holds a character that no URL may hold"),
            ("http://example.com:0/", "it has no port"),
            ("http://example.com:99999/", "it is no URL"),
            ("http://", "it is no URL"),
            ("http://a b/", "it holds a character that no URL may hold"),
            ("http://[::1", "it is no URL"),
            ("http://256.256.256.256/", "it is no URL"),
            ("ftp://example.com/", "Endpoint must match the specified protocol"),
            ("file:///etc/passwd", "Endpoint must match the specified protocol"),
            ("HTTP://example.com/", "Endpoint must match the specified protocol"),
        ] {
            assert_eq!(endpoint(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reading_panic(text: String) {
            let _ = reach(&[], true).target(Protocol::Http, &format!("http://{text}"));
            let _ = Reach::new(&[text], false);
        }

        #[test]
        fn a_network_holds_an_address_if_their_first_bits_are_equal(network: u32, address: u32, prefix in 0u8..=32) {
            let one = Network { address: Ipv4Addr::from_bits(network).into(), prefix };
            let equal = (0..prefix).all(|bit| {
                let mask = 1u32 << (31 - u32::from(bit));
                network & mask == address & mask
            });
            prop_assert_eq!(one.contains(Ipv4Addr::from_bits(address).into()), equal);
        }
    }
}
