//! A namespace on a BookKeeper cluster: the servers of ZooKeeper, and a path there.

use super::{ClusterPlace, decode_text};
use crate::error::quoted;

/// The port of ZooKeeper where none is said.
const PORT: u16 = 2181;

type Parsed<T> = Result<T, String>;

/// Reads what stands behind the scheme: `//host:port;host:port/path`. As in Java, `,` separates servers too.
pub(super) fn parse(place: &str) -> Parsed<ClusterPlace> {
    let form = "write distributedlog://HOST:PORT;HOST:PORT/PATH";
    let rest = place.strip_prefix("//").ok_or_else(|| format!("names no ZooKeeper servers; {form}"))?;
    let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
    let servers = decode_text(servers)?;
    let named = servers.split([';', ',']).filter(|server| !server.is_empty());
    let servers = named.map(server).collect::<Parsed<Vec<_>>>()?;
    if servers.is_empty() {
        return Err(format!("names no ZooKeeper servers; {form}"));
    }
    Ok(ClusterPlace { servers: servers.join(","), path: node(&decode_text(path)?)? })
}

/// A server, with its port.
fn server(text: &str) -> Parsed<String> {
    let bad = || {
        format!("names the ZooKeeper server {}; write HOST or HOST:PORT, [HOST]:PORT for IPv6", quoted(text))
    };
    // An IPv6 address has colons of its own.
    let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']').ok_or_else(bad)) {
        Some(bracketed) => {
            let (host, port) = bracketed?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(bad)?) };
            (host, port)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let bracketed = text.starts_with('[');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (bracketed && ":%".contains(c));
    if host.is_empty() || !host.chars().all(plain) {
        return Err(bad());
    }
    let digits = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port {
        None => PORT,
        Some(port) => Some(port)
            .filter(digits)
            .and_then(|port| port.parse().ok())
            .filter(|port| *port > 0)
            .ok_or_else(bad)?,
    };
    Ok(if bracketed { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

/// The path of a node of ZooKeeper, from what stands behind the first slash.
fn node(text: &str) -> Parsed<String> {
    let names = text.trim_end_matches('/');
    if names.is_empty() {
        return Err(
            "names no namespace on the servers; write the path of its node behind them, /PATH".to_owned()
        );
    }
    let good = |name: &str| {
        !name.is_empty() && name != "." && name != ".." && !name.contains(|c: char| c.is_control())
    };
    match names.split('/').find(|name| !good(name)) {
        None => Ok(format!("/{names}")),
        Some(name) => {
            Err(format!("has the name {} in its path, which no node of ZooKeeper can have", quoted(name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(place: &str) -> (String, String) {
        let ClusterPlace { servers, path } = parse(place).unwrap();
        (servers, path)
    }

    fn pair(servers: &str, path: &str) -> (String, String) {
        (servers.to_owned(), path.to_owned())
    }

    #[test]
    fn servers_are_separated_and_have_a_port() {
        assert_eq!(location("//zk1:2182;zk2/a/b/"), pair("zk1:2182,zk2:2181", "/a/b"));
        assert_eq!(
            location("//zk-1.example.com,10.0.0.1:1/ns"),
            pair("zk-1.example.com:2181,10.0.0.1:1", "/ns")
        );
        assert_eq!(location("//zk1:1;;zk2:2;/ns"), pair("zk1:1,zk2:2", "/ns"));
        assert_eq!(location("//[::1]:2182;[fe80::1]/ns"), pair("[::1]:2182,[fe80::1]:2181", "/ns"));
        assert_eq!(location("//zk/a%20b/%C3%A9"), pair("zk:2181", "/a b/é"));
    }

    #[test]
    fn what_cannot_be_right_is_refused() {
        for bad in [
            "zk/ns",
            "/ns",
            "///ns",
            "//;/ns",
            "//zk",
            "//zk/",
            "//zk:/ns",
            "//zk:0/ns",
            "//zk:65536/ns",
            "//zk:+1/ns",
            "//:2181/ns",
            "//user@zk/ns",
            "//[::1/ns",
            "//[::1]2181/ns",
            "//::1/ns",
            "//z k/ns",
            "//zk/a//b",
            "//zk/a/../b",
            "//zk/./b",
            "//zk/a%00",
            "//zk/%ff",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
