//! What may leave for whom, and what may be reached.

use super::{problems, read, warnings};

#[test]
fn a_key_goes_only_to_servers_that_are_named() {
    let headers =
        "[tools.browser]\nextra_http_headers = { \"X-Api-Key\" = \"k\", \"X-Real-IP\" = \"1\" }\n";
    let problem = "tools.browser.extra_http_headers: a key, a token or a cookie would go to every server that a page \
                   names; egress.allowed_domains must say to which it may go";
    let found = problems(&format!("{headers}enabled = true\n"), &[]);
    assert_eq!(found, [format!("config.toml, line 2: {problem}")]);
    for domains in [
        "enabled = false\n",
        "enabled = true\n[egress]\nallowed_domains = [\"example.org\"]\n",
    ] {
        assert!(read(&format!("{headers}{domains}")).is_ok(), "{domains}");
    }
}

#[test]
fn what_opens_more_than_a_private_network_is_a_warning() {
    let entries = "[\"10.0.0.0/8\", \"0.0.0.0/0\", \"169.254.0.0/16:80\"]";
    assert_eq!(
        warnings(&format!("[egress]\nallow_private = {entries}\n")),
        [
            "config.toml, line 2: egress.allow_private: 0.0.0.0/0 opens more than any private network, whatever else \
             is set; name single addresses",
            "config.toml, line 2: egress.allow_private: 169.254.0.0/16:80 opens link-local addresses, under which \
             clouds tell machines their secrets",
        ]
    );
}
