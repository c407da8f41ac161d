//! `nautilus env`: the exports that point AWS's tools at the server, for `eval "$(nautilus env)"`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;

use super::{failure::Failure, print};
use crate::config::address;

/// The access key that is printed; any that is not 12 digits means account 000000000000.
pub(super) const ACCESS_KEY: &str = "nautilus";

/// The flags of `env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// Where the server answers
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "NAUTILUS_LISTEN",
        default_value = "127.0.0.1:4566",
        value_parser = address,
        hide_env = true
    )]
    listen: SocketAddr,

    /// Region that the tools use
    #[arg(long, value_name = "REGION", default_value = "us-east-1", value_parser = region)]
    region: String,
}

/// Prints them.
pub(super) fn run(args: &EnvArgs) -> Result<(), Failure> {
    let region = &args.region;
    print(&format!(
        "export AWS_ENDPOINT_URL={}\n\
         export AWS_REGION={region}\n\
         export AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID={ACCESS_KEY}\n\
         export AWS_SECRET_ACCESS_KEY={ACCESS_KEY}\n\
         export AWS_EC2_METADATA_DISABLED=true\n",
        endpoint(args.listen)
    ));
    Ok(())
}

/// The URL by which this machine reaches a listener.
pub(super) fn endpoint(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

/// The text goes to a shell, so it must be a region and nothing else.
fn region(text: &str) -> Result<String, String> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match !text.is_empty() && text.bytes().all(fine) {
        true => Ok(text.to_owned()),
        false => Err("expected a region like `us-east-1`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_reachable_from_here() {
        for (listen, url) in [
            ("127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:4566", "http://[::1]:4566"),
            ("10.0.0.7:4566", "http://10.0.0.7:4566"),
        ] {
            assert_eq!(endpoint(listen.parse().expect("an address")), url);
        }
    }

    #[test]
    fn a_region_cannot_carry_shell_code() {
        assert!(region("eu-central-1").is_ok());
        for wrong in ["", "us-east-1;rm", "$(x)", "US-EAST-1", "a b"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
