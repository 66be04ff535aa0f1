//! What the policy lets through and what it refuses, as tables and for anything at all.
#![allow(clippy::unwrap_used, clippy::panic, clippy::too_many_lines)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// Of no machine.
const NOT_OWN: fn(IpAddr) -> bool = |_| false;

/// `URL<TAB>verdict`, as for the default settings with plain http; escapes as in Rust.
const VECTORS: &str = include_str!("ssrf_vectors.tsv");

fn policy(change: impl FnOnce(&mut EgressConfig)) -> EgressPolicy {
    let mut config = EgressConfig {
        allow_http: true,
        ..EgressConfig::default()
    };
    change(&mut config);
    EgressPolicy::new(&config)
}

fn unescape(written: &str) -> String {
    let mut text = String::new();
    let mut rest = written.chars();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match rest.next() {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('0') => text.push('\0'),
            Some('u') => {
                let code: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let code = u32::from_str_radix(&code, 16).unwrap();
                text.push(char::from_u32(code).unwrap());
            }
            other => text.extend(other),
        }
    }
    text
}

/// The verdict in the words of the table.
fn verdict(result: Result<Destination, Refusal>) -> String {
    let refused = match result {
        Ok(destination) => {
            let port = destination.port();
            return match destination.host() {
                DestinationHost::Name(name) => format!("RESOLVE {name}:{port}"),
                DestinationHost::Address(address) => {
                    format!("ALLOW {}", std::net::SocketAddr::new(*address, port))
                }
            };
        }
        Err(refusal) => refusal,
    };
    let word = match refused {
        Refusal::TooLong(_) => "too long",
        Refusal::ControlCharacters => "control characters",
        Refusal::NotAUrl => "not a URL",
        Refusal::Scheme => "scheme",
        Refusal::PlainHttp => "plain http",
        Refusal::Credentials => "credentials",
        Refusal::BadHost => "bad host",
        Refusal::LocalName => "local name",
        Refusal::DomainDenied => "denied domain",
        Refusal::DomainNotAllowed => "domain not allowed",
        Refusal::Port(_) => "port",
        Refusal::Address => "address",
        Refusal::LeadsInside => "leads inside",
        Refusal::Downgrade => "downgrade",
    };
    format!("REJECT {word}")
}

#[test]
fn every_vector_has_its_verdict() {
    let policy = policy(|_| {});
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let (written, expected) = line.split_once('\t').unwrap();
        let found = verdict(policy.check_written(&unescape(written)));
        if found != expected {
            wrong.push(format!("{written}\t{found}"));
        }
        count += 1;
    }
    assert!(count >= 100, "only {count} vectors");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn too_long_is_refused() {
    let url = format!("https://example.com/{}", "a".repeat(9000));
    assert_eq!(parse_url(&url), Err(Refusal::TooLong(8192)));
    // It grows when it is read: each letter becomes nine.
    let url = format!("https://example.com/{}", "あ".repeat(2000));
    assert_eq!(parse_url(&url), Err(Refusal::TooLong(8192)));
    let host = format!("https://{}.com/", "a".repeat(64));
    assert_eq!(parse_url(&host), Err(Refusal::BadHost));
    let host = format!("https://{}com/", "abcdefgh.".repeat(30));
    assert_eq!(parse_url(&host), Err(Refusal::BadHost));
}

#[test]
fn the_settings_open_and_close() {
    let open = |entries: &'static [&'static str]| {
        policy(move |config| {
            config.allow_private = entries.iter().map(|entry| entry.parse().unwrap()).collect();
        })
    };
    let domains = |allowed: &'static [&'static str], denied: &'static [&'static str]| {
        policy(move |config| {
            config.allowed_domains = allowed.iter().map(|entry| entry.parse().unwrap()).collect();
            config.denied_domains = denied.iter().map(|entry| entry.parse().unwrap()).collect();
        })
    };
    let shut = policy(|config| config.allow_http = false);
    let inside = policy(|config| config.block_private_networks = false);
    let named = open(&["127.0.0.1/32:9000", "10.0.0.0/8"]);
    let listed = domains(&["example.com"], &["bad.example.com", "1.1.1.1"]);
    let denied = domains(&[], &["evil.org", "1.1.1.1"]);
    for (policy, url, expected) in [
        (&shut, "http://example.com/", "REJECT plain http"),
        (&shut, "https://example.com/", "RESOLVE example.com:443"),
        (&named, "http://127.0.0.1:9000/", "ALLOW 127.0.0.1:9000"),
        (&named, "http://127.0.0.1:9001/", "REJECT address"),
        (&named, "http://127.0.0.1/", "REJECT address"),
        (&named, "http://127.0.0.2:9000/", "REJECT address"),
        (&named, "http://10.1.2.3:6379/", "ALLOW 10.1.2.3:6379"),
        (&named, "http://10.1.2.3:0/", "REJECT address"),
        (&named, "http://[::ffff:10.1.2.3]/", "REJECT address"),
        (&named, "http://nas:5000/", "RESOLVE nas:5000"),
        (&named, "http://1.1.1.1:5000/", "REJECT port"),
        (&inside, "http://127.0.0.1:8080/", "ALLOW 127.0.0.1:8080"),
        (&inside, "http://127.0.0.1:22/", "REJECT port"),
        (&inside, "http://[::1]/", "ALLOW [::1]:80"),
        (&inside, "http://192.168.0.1/", "ALLOW 192.168.0.1:80"),
        (&inside, "http://localhost/", "RESOLVE localhost:80"),
        (&inside, "http://169.254.169.254/", "REJECT address"),
        (&inside, "http://168.63.129.16/", "REJECT address"),
        (&inside, "http://100.100.100.200/", "REJECT address"),
        (&inside, "http://[fd00:ec2::254]/", "REJECT address"),
        (&inside, "http://[::ffff:127.0.0.1]/", "REJECT address"),
        (&inside, "http://224.0.0.1/", "REJECT address"),
        (&inside, "http://0.0.0.0/", "REJECT address"),
        (&listed, "https://example.com/", "RESOLVE example.com:443"),
        (
            &listed,
            "https://a.EXAMPLE.com./",
            "RESOLVE a.example.com:443",
        ),
        (&listed, "https://bad.example.com/", "REJECT denied domain"),
        (
            &listed,
            "https://x.bad.example.com/",
            "REJECT denied domain",
        ),
        (&listed, "https://example.org/", "REJECT domain not allowed"),
        (
            &listed,
            "https://notexample.com/",
            "REJECT domain not allowed",
        ),
        (&listed, "https://8.8.8.8/", "REJECT domain not allowed"),
        (&denied, "https://www.EVIL.org./", "REJECT denied domain"),
        (
            &denied,
            "https://evil.org.example/",
            "RESOLVE evil.org.example:443",
        ),
        (&denied, "https://1.1/", "ALLOW 1.0.0.1:443"),
        (&denied, "https://0x01010101/", "REJECT denied domain"),
    ] {
        assert_eq!(verdict(policy.check_written(url)), expected, "{url}");
    }
}

#[test]
fn one_bad_address_refuses_the_name() {
    let policy = policy(|config| config.allow_private = vec!["10.0.0.5/32:80".parse().unwrap()]);
    let many = (1..=50).map(|n| format!("1.1.1.{n}")).collect::<Vec<_>>();
    let mut one_bad = many.clone();
    one_bad.push("127.0.0.1".to_owned());
    let texts = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
    let table = [
        (80, texts(&["1.1.1.1"]), Ok(1)),
        (80, texts(&["1.1.1.1", "2606:4700::1"]), Ok(2)),
        (80, texts(&["10.0.0.5"]), Ok(1)),
        (80, texts(&["10.0.0.5", "1.1.1.1"]), Ok(2)),
        (443, texts(&["10.0.0.5"]), Err(Refusal::LeadsInside)),
        (80, texts(&["127.0.0.1"]), Err(Refusal::LeadsInside)),
        (
            80,
            texts(&["1.1.1.1", "10.0.0.6"]),
            Err(Refusal::LeadsInside),
        ),
        (80, texts(&["1.1.1.1", "::1"]), Err(Refusal::LeadsInside)),
        (80, texts(&["::ffff:1.1.1.1"]), Err(Refusal::LeadsInside)),
        (80, many, Ok(16)),
        (80, one_bad, Err(Refusal::LeadsInside)),
        (80, Vec::new(), Err(Refusal::BadHost)),
    ];
    for (port, addresses, expected) in table {
        let destination = policy
            .check_written(&format!("http://a.org:{port}/"))
            .unwrap();
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let route = policy.check_addresses(destination, &addresses, NOT_OWN);
        let count = route.map(|route| route.addresses().len());
        assert_eq!(count, expected, "{addresses:?}");
    }
}

#[test]
fn a_literal_address_is_its_only_way() {
    let policy = policy(|_| {});
    let destination = policy.check_written("http://1.1.1.1/").unwrap();
    let lie = ["127.0.0.1".parse().unwrap()];
    let route = policy.check_addresses(destination, &lie, NOT_OWN).unwrap();
    assert_eq!(route.addresses(), ["1.1.1.1:80".parse().unwrap()]);
}

#[test]
fn refusals_tell_nothing_of_the_inside() {
    let policy = policy(|_| {});
    let destination = policy.check_written("http://inside.example.com/").unwrap();
    let secret: IpAddr = "10.20.30.40".parse().unwrap();
    let refusal = policy
        .check_addresses(destination, &[secret], NOT_OWN)
        .unwrap_err();
    assert!(!refusal.to_string().contains("10.20"), "{refusal}");
}

#[test]
fn redirects_are_rewritten_as_browsers_do() {
    use FetchMethod::{Delete, Get, Head, Patch, Post, Put};
    let table = [
        (301, Get, Some(Get)),
        (301, Post, Some(Get)),
        (302, Post, Some(Get)),
        (302, Put, Some(Put)),
        (303, Get, Some(Get)),
        (303, Head, Some(Head)),
        (303, Post, Some(Get)),
        (303, Delete, Some(Get)),
        (307, Post, Some(Post)),
        (308, Patch, Some(Patch)),
        (300, Get, None),
        (304, Get, None),
        (200, Get, None),
    ];
    for (status, method, expected) in table {
        let hop = Hop {
            method,
            url: parse_url("https://a.org/x/y").unwrap(),
            headers: vec![("Content-Type".into(), "text/plain".into())],
            body: Some(b"body".to_vec()),
        };
        let follows = match hop.after(status, Some("../z?q")).unwrap() {
            Next::Done(_) => None,
            Next::Follow(next) => {
                assert_eq!(next.url.as_str(), "https://a.org/z?q");
                assert_eq!(
                    next.body.is_some(),
                    next.method == method && !(status == 303 && method == Delete)
                );
                assert_eq!(next.headers.is_empty(), next.body.is_none());
                Some(next.method)
            }
        };
        assert_eq!(follows, expected, "{status} {method:?}");
    }
}

#[test]
fn redirects_lead_nowhere_else() {
    let hop = Hop {
        method: FetchMethod::Get,
        url: parse_url("https://a.org/x").unwrap(),
        headers: vec![("Accept".into(), "a".into()), ("X-Own".into(), "b".into())],
        body: None,
    };
    let after = |location: &str| hop.clone().after(302, Some(location));
    for (location, refusal) in [
        ("http://a.org/", Refusal::Downgrade),
        ("file:///etc/passwd", Refusal::Scheme),
        ("javascript:alert(1)", Refusal::Scheme),
        ("https://u:p@a.org/", Refusal::Credentials),
        ("//a..b/", Refusal::BadHost),
        ("/a\u{7}b", Refusal::ControlCharacters),
        ("https://", Refusal::NotAUrl),
    ] {
        assert_eq!(after(location), Err(refusal), "{location}");
    }
    for (location, count) in [
        ("/y", 2),
        ("https://a.org:443/", 2),
        ("//b.org/", 1),
        ("https://a.org:8443/", 1),
    ] {
        let Next::Follow(next) = after(location).unwrap() else {
            panic!("{location} is not followed");
        };
        assert_eq!(next.headers.len(), count, "{location}");
    }
}

#[test]
fn headers_that_log_in_or_steer_are_refused() {
    use HeaderRefusal::{Connection, Credential, Malformed, Origin};
    let table = [
        ("Accept", "text/html", Ok(())),
        ("accept-language", "de", Ok(())),
        ("User-Agent", "x", Ok(())),
        ("Range", "bytes=0-10", Ok(())),
        ("If-None-Match", "\"x\"", Ok(())),
        ("X-Requested-With", "XMLHttpRequest", Ok(())),
        ("Host", "a.org", Err(Connection)),
        ("Content-Length", "5", Err(Connection)),
        ("Transfer-Encoding", "chunked", Err(Connection)),
        ("Connection", "close", Err(Connection)),
        ("TE", "trailers", Err(Connection)),
        ("Upgrade", "h2c", Err(Connection)),
        ("Expect", "100-continue", Err(Connection)),
        ("Accept-Encoding", "br", Err(Connection)),
        ("Cookie", "a=b", Err(Credential)),
        ("Authorization", "Bearer x", Err(Credential)),
        ("X-Api-Key", "x", Err(Credential)),
        ("x_api_key", "x", Err(Credential)),
        ("X-Auth-Token", "x", Err(Credential)),
        ("X-CSRF-Token", "x", Err(Credential)),
        ("Proxy-Authorization", "x", Err(Origin)),
        ("X-Forwarded-For", "127.0.0.1", Err(Origin)),
        ("Metadata-Flavor", "Google", Err(Origin)),
        ("Metadata", "true", Err(Origin)),
        ("X-aws-ec2-metadata-token-ttl-seconds", "60", Err(Origin)),
        ("X-HTTP-Method-Override", "DELETE", Err(Origin)),
        ("", "x", Err(Malformed)),
        ("A B", "x", Err(Malformed)),
        ("A:", "x", Err(Malformed)),
        ("Ä", "x", Err(Malformed)),
        ("A", "x\r\nHost: y", Err(Malformed)),
        ("A", "x\0", Err(Malformed)),
        ("A", "ü", Err(Malformed)),
    ];
    for (name, value, expected) in table {
        assert_eq!(check_header(name, value), expected, "{name}: {value:?}");
    }
    assert_eq!(check_header("A", &"x".repeat(3000)), Err(Malformed));
}

/// Public by the standard library's own, smaller notion of special.
fn is_plainly_special(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified()
        || address.octets()[0] == 0
        || address.octets()[0] >= 240
}

proptest! {
    #[test]
    fn no_special_ipv4_address_is_public(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        if is_plainly_special(address) {
            prop_assert_ne!(classify(address.into()), AddressKind::Public);
        }
        // Nor in any of its disguises.
        let [a, b, c, d] = address.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        for disguise in [
            address.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
            Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0x5efe, high, low),
            Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0x0200, 0x5efe, high, low),
        ] {
            prop_assert_ne!(classify(disguise.into()), AddressKind::Public);
        }
    }

    #[test]
    fn only_global_unicast_is_public_in_ipv6(bits: u128) {
        if bits >> 125 != 0b001 {
            prop_assert_ne!(classify(Ipv6Addr::from_bits(bits).into()), AddressKind::Public);
        }
    }

    /// However an address is written: what is let through is public.
    #[test]
    fn every_notation_is_seen_through(bits: u32, form in 0..6_u8) {
        let address = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = address.octets();
        let host = match form {
            0 => format!("{bits}"),
            1 => format!("{bits:#x}"),
            2 => format!("{a:#o}.{b}.{c}.{d}").replace("0o", "0"),
            3 => format!("{a}.{b}.{}", u16::from(c) << 8 | u16::from(d)),
            4 => format!("%{:02x}{}.{b}.{c}.{d}", a.to_string().as_bytes()[0], &a.to_string()[1..]),
            _ => format!("{a}。{b}。{c}。{d}."),
        };
        let found = policy(|_| {}).check_written(&format!("http://{host}/"));
        let public = classify(address.into()) == AddressKind::Public;
        let expected = if public { format!("ALLOW {address}:80") } else { "REJECT address".into() };
        prop_assert_eq!(verdict(found), expected, "{}", host);
    }

    #[test]
    fn whatever_is_let_through_is_well_formed(
        written in "(https?:)?[/\\\\]{0,3}([a-z]{0,3}[:@.])?[ -~あ。０-９\u{ad}]{0,20}[:/?#]?[ -~]{0,10}",
    ) {
        if let Ok(destination) = policy(|_| {}).check_written(&written) {
            let url = destination.url();
            prop_assert!(matches!(url.scheme(), "http" | "https"));
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!([80, 443, 8080, 8443].contains(&destination.port()));
            let again = parse_url(url.as_str());
            prop_assert_eq!(again.as_ref(), Ok(url));
            match destination.host() {
                DestinationHost::Name(name) => prop_assert!(name.contains('.') && !name.contains("..")),
                DestinationHost::Address(address) => prop_assert_eq!(classify(*address), AddressKind::Public),
            }
        }
    }
}
