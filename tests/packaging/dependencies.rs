//! The bans and sources of `deny.toml`, held against `Cargo.lock` where cargo-deny itself is not installed.

use crate::read_toml;

/// Name, version and source of every package in a lock file.
fn packages(lock: &toml::Table) -> Vec<(&str, &str, Option<&str>)> {
    let packages = lock["package"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let found = package.as_table().unwrap();
            let text = |key: &str| found.get(key).and_then(toml::Value::as_str);
            (
                text("name").unwrap(),
                text("version").unwrap(),
                text("source"),
            )
        })
        .collect()
}

/// Whether a ban (`name`, or `name:>=MAJOR`) covers this package.
fn is_banned(ban: &str, name: &str, version: &str) -> bool {
    let Some((banned, least)) = ban.split_once(":>=") else {
        return ban == name;
    };
    let major = |version: &str| version.split('.').next().unwrap().parse::<u32>().unwrap();
    banned == name && major(version) >= major(least)
}

#[test]
fn no_banned_crate_is_locked() {
    let deny = read_toml("deny.toml");
    let bans = deny["bans"]["deny"].as_array().unwrap();
    assert!(bans.len() >= 6);
    let lock = read_toml("Cargo.lock");
    for ban in bans {
        assert!(ban.get("reason").is_some(), "a ban needs a reason: {ban}");
        for (name, version, _) in packages(&lock) {
            let banned = is_banned(ban["crate"].as_str().unwrap(), name, version);
            assert!(!banned, "{name} {version} is banned: {}", ban["reason"]);
        }
    }
}

#[test]
fn a_ban_covers_what_it_says() {
    assert!(is_banned("openssl", "openssl", "0.10.0"));
    assert!(!is_banned("openssl", "openssl-sys", "0.9.0"));
    assert!(is_banned("evalexpr:>=12", "evalexpr", "13.1.0"));
    assert!(!is_banned("evalexpr:>=12", "evalexpr", "11.3.1"));
}

#[test]
fn every_dependency_comes_from_an_allowed_registry() {
    let deny = read_toml("deny.toml");
    let allowed: Vec<String> = deny["sources"]["allow-registry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|registry| format!("registry+{}", registry.as_str().unwrap()))
        .collect();
    for (name, version, source) in packages(&read_toml("Cargo.lock")) {
        match source {
            Some(source) => assert!(allowed.contains(&source.to_owned()), "{name}: {source}"),
            None => assert_eq!(name, "minibot", "{name} {version} comes from a path"),
        }
    }
}
