//! Who may call from a browser: the rules for `Host` and `Origin`.
//!
//! A page from the public web can make a browser send requests here, either from its own origin or, by DNS rebinding,
//! under a name of its own that points at this machine. So a Host must be a name that the public web cannot own, and an
//! Origin, when there is one, must be this server itself or stand in the configuration. Programs send no Origin.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Which names and origins this server answers to.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostRules {
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
}

/// Why a request is refused before anything of it is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Host(String),
    Origin(String),
}

impl HostRules {
    pub(crate) fn new(allowed_hosts: &[String], allowed_origins: &[String]) -> HostRules {
        HostRules {
            allowed_hosts: allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            allowed_origins: allowed_origins
                .iter()
                .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
                .collect(),
        }
    }

    /// Checks a request's Host (with its port) and Origin.
    pub(crate) fn check(&self, host: &str, origin: Option<&str>) -> Result<(), Refused> {
        let host = host.to_ascii_lowercase();
        if !self.host_is_allowed(&host) {
            return Err(Refused::Host(host));
        }
        let Some(origin) = origin else { return Ok(()) };
        let origin = origin.to_ascii_lowercase();
        let own = ["http://", "https://"]
            .iter()
            .any(|scheme| origin.strip_prefix(scheme).is_some_and(|authority| authority == host));
        if own || self.allowed_origins.contains(&origin) {
            Ok(())
        } else {
            Err(Refused::Origin(origin))
        }
    }

    fn host_is_allowed(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else { return false };
        name_is_safe(name)
            || self.allowed_hosts.iter().any(|allowed| allowed == name || allowed == host)
    }
}

impl Refused {
    /// What the client reads.
    pub(crate) fn message(&self) -> String {
        match self {
            Refused::Host(host) => format!(
                "The host name '{host}' is not served here. \
                 Start Nautilus with --allowed-host for names that you own."
            ),
            Refused::Origin(origin) => format!(
                "The origin '{origin}' may not call this server. \
                 Start Nautilus with --allowed-origin for pages that you trust."
            ),
        }
    }
}

/// The name in `name`, `name:port` or `[v6]:port`, without the root's dot; none if that is not what it is.
fn name_of(host: &str) -> Option<&str> {
    let (name, port) = if host.starts_with('[') {
        let end = host.find(']')?;
        (&host[..=end], &host[end + 1..])
    } else {
        host.split_at(host.find(':').unwrap_or(host.len()))
    };
    let port_is_fine = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let name = name.strip_suffix('.').unwrap_or(name);
    (port_is_fine && !name.is_empty()).then_some(name)
}

/// True for names that nobody on the public web can have: addresses, single labels, private suffixes, AWS's own.
fn name_is_safe(name: &str) -> bool {
    const SUFFIXES: [&str; 5] =
        [".localhost", ".local", ".internal", ".amazonaws.com", ".amazonaws.com.cn"];
    if let Some(address) = name.strip_prefix('[') {
        return address.trim_end_matches(']').parse::<Ipv6Addr>().is_ok();
    }
    !name.contains('.')
        || name.parse::<Ipv4Addr>().is_ok()
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>) -> bool {
        let rules =
            HostRules::new(&["My.Example.com".into()], &["https://App.example.com/".into()]);
        rules.check(host, origin).is_ok()
    }

    #[test]
    fn names_that_the_public_web_cannot_own_are_served() {
        for host in [
            "localhost",
            "LOCALHOST:4566",
            "localhost.:4566",
            "127.0.0.1:4566",
            "[::1]:4566",
            "[::1]",
            "10.1.2.3",
            "nautilus:4566",
            "a.localhost",
            "box.local",
            "host.docker.internal:4566",
            "kinesis.us-east-1.amazonaws.com",
            "123456789012.data-kinesis.us-east-1.amazonaws.com:443",
            "my.example.com:4566",
        ] {
            assert!(check(host, None), "{host}");
        }
    }

    #[test]
    fn names_of_the_public_web_are_refused() {
        for host in [
            "evil.example.com",
            "amazonaws.com.evil.com",
            "evilamazonaws.com",
            "127.0.0.1.evil.com",
            "127.0.0.1:80:80",
            "localhost:port",
            "[::1",
            "[::1]x",
            "",
            ":80",
            ".",
            "a b.example.com",
        ] {
            assert!(!check(host, None), "{host}");
        }
    }

    #[test]
    fn an_origin_is_the_server_itself_or_a_listed_one() {
        assert!(check("localhost:4566", Some("http://localhost:4566")));
        assert!(check("localhost:4566", Some("https://app.example.com")));
        for foreign in [
            "http://localhost:3000",
            "https://evil.example.com",
            "null",
            "",
            "http://localhost:4566.evil.com",
            "app.example.com",
        ] {
            assert!(!check("localhost:4566", Some(foreign)), "{foreign}");
        }
    }
}
