//! Whatever is written as a URL or sent as a redirect: what is let through leads to a public address.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use minibot::core::egress::{
    AddressKind, Destination, DestinationHost, EgressConfig, EgressPolicy, FetchMethod, Hop, Next,
    classify, parse_url,
};

fuzz_target!(|input: &str| {
    let config = EgressConfig {
        allow_http: true,
        ..EgressConfig::default()
    };
    let policy = EgressPolicy::new(&config);
    let (written, location) = input.split_once('\n').unwrap_or((input, ""));
    let Ok(destination) = policy.check_written(written) else {
        return;
    };
    check(&policy, &destination);
    let hop = Hop {
        method: FetchMethod::Post,
        url: destination.url().clone(),
        headers: vec![("X-Own".to_owned(), "1".to_owned())],
        body: Some(Vec::new()),
    };
    let Ok(Next::Follow(next)) = hop.after(302, Some(location)) else {
        return;
    };
    assert!(!(destination.url().scheme() == "https" && next.url.scheme() == "http"));
    let same = next.url.origin() == destination.url().origin();
    assert_eq!(next.headers.is_empty(), !same);
    if let Ok(destination) = policy.check_url(next.url) {
        check(&policy, &destination);
    }
});

fn check(policy: &EgressPolicy, destination: &Destination) {
    let url = destination.url();
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    assert!([80, 443, 8080, 8443].contains(&destination.port()), "{url}");
    assert!(!url.as_str().contains(char::is_control), "{url}");
    // What the rules saw is what any later reader sees.
    assert_eq!(parse_url(url.as_str()).as_ref(), Ok(url));
    match destination.host() {
        DestinationHost::Address(address) => assert_eq!(classify(*address), AddressKind::Public),
        DestinationHost::Name(name) => {
            assert!(name.parse::<IpAddr>().is_err() && name.contains('.'), "{url}");
            assert!(!name.starts_with('.') && !name.ends_with('.') && !name.contains(".."), "{url}");
            let inside = ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"];
            for address in inside.map(|text| text.parse().expect("an address")) {
                assert!(policy.check_addresses(destination.clone(), &[address]).is_err());
            }
        }
    }
}
