//! The command line of Chromium: what shuts every way around the proxy, and what nobody may add.

#[cfg(feature = "browser")]
use std::net::SocketAddr;
#[cfg(feature = "browser")]
use std::path::Path;

#[cfg(feature = "browser")]
use super::config::BrowserConfig;

/// Parts of Chromium that talk to servers of their own, guess what is opened next, or offer what nobody
/// asked for. One list: of two `--disable-features` only the last counts.
#[cfg(feature = "browser")]
const FEATURES_OFF: &[&str] = &[
    "AsyncDns",
    "AutofillServerCommunication",
    "CertificateTransparencyComponentUpdater",
    "DialMediaRouteProvider",
    "DnsOverHttps",
    "HttpsUpgrades",
    "InterestFeedContentSuggestions",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "OptimizationGuideModelDownloading",
    "Prerender2",
    "SafeBrowsingEnhancedProtection",
    "SpeculationRulesPrefetchProxy",
    "Translate",
    "WebRtcHideLocalIpsWithMdns",
];

/// What holds for every start.
#[cfg(feature = "browser")]
const ALWAYS: &[&str] = &[
    // Nothing around the proxy: no UDP, no look-ups of its own, loopback is not special.
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--dns-prefetch-disable",
    // Nothing of its own accord.
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-service-autorun",
    // Nothing of the desktop.
    "--deny-permission-prompts",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-notifications",
    "--disable-print-preview",
    "--disable-speech-api",
    "--disable-gpu",
    "--hide-scrollbars",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    // A container's /dev/shm is small, and the sandbox has none.
    "--disable-dev-shm-usage",
    // How the bot finds it: a port of the system's choice.
    "--remote-debugging-port=0",
];

/// The command line of a session.
#[cfg(feature = "browser")]
pub(super) fn command_line(
    config: &BrowserConfig,
    profile: &Path,
    proxy: SocketAddr,
) -> Vec<String> {
    let mut arguments: Vec<String> = config.launch_args.clone();
    arguments.extend(ALWAYS.iter().map(|argument| (*argument).to_owned()));
    arguments.push(format!("--disable-features={}", FEATURES_OFF.join(",")));
    arguments.push(format!("--proxy-server=http://{proxy}"));
    arguments.push(format!("--user-data-dir={}", profile.display()));
    if config.headless {
        arguments.push("--headless=new".to_owned());
    }
    if let Some(user_agent) = &config.user_agent {
        arguments.push(format!("--user-agent={user_agent}"));
    }
    let width = config.viewport_width.map_or(1280, u32::from);
    let height = config.viewport_height.map_or(800, u32::from);
    arguments.push(format!("--window-size={width},{height}"));
    if let Some(locale) = &config.locale {
        arguments.push(format!("--lang={locale}"));
        arguments.push(format!("--accept-lang={locale}"));
    }
    arguments.push("about:blank".to_owned());
    arguments
}

/// What may stand behind an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Nothing,
    /// Letters, digits, `-` and `_`.
    Word,
    /// Digits, with a point or a comma between them.
    Number,
    /// How much memory scripts get, and no other setting of theirs.
    Heap,
}

/// Arguments that the settings may add: how a page looks, and what it takes of the machine. Of the others nobody
/// can say that none opens a way around the proxy, the sandbox or the profile, now and in later versions.
const ACCEPTED: &[(&str, Value)] = &[
    ("--autoplay-policy", Value::Word),
    ("--disable-3d-apis", Value::Nothing),
    ("--disable-gpu-compositing", Value::Nothing),
    ("--disable-lcd-text", Value::Nothing),
    ("--disable-remote-fonts", Value::Nothing),
    ("--disable-smooth-scrolling", Value::Nothing),
    ("--disable-software-rasterizer", Value::Nothing),
    ("--enable-low-end-device-mode", Value::Nothing),
    ("--font-render-hinting", Value::Word),
    ("--force-color-profile", Value::Word),
    ("--force-dark-mode", Value::Nothing),
    ("--force-device-scale-factor", Value::Number),
    ("--force-prefers-reduced-motion", Value::Nothing),
    ("--js-flags", Value::Heap),
    ("--kiosk", Value::Nothing),
    ("--ozone-platform", Value::Word),
    ("--ozone-platform-hint", Value::Word),
    ("--process-per-site", Value::Nothing),
    ("--renderer-process-limit", Value::Number),
    ("--start-maximized", Value::Nothing),
    ("--use-angle", Value::Word),
    ("--use-gl", Value::Word),
    ("--window-position", Value::Number),
];

/// Whether the settings may add an argument.
pub fn is_accepted(argument: &str) -> bool {
    let (name, value) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (argument, None),
    };
    let all = |text: &str, fits: fn(char) -> bool| !text.is_empty() && text.chars().all(fits);
    let digits = |text: &str| all(text, |letter| letter.is_ascii_digit());
    let fits = |expected: Value| match (expected, value) {
        (Value::Nothing, None) => true,
        (Value::Word, Some(text)) => all(text, |letter| {
            letter.is_ascii_alphanumeric() || "-_".contains(letter)
        }),
        (Value::Number, Some(text)) => text.split(['.', ',']).all(digits),
        (Value::Heap, Some(text)) => {
            let megabytes = text.strip_prefix("--max-old-space-size=");
            megabytes.is_some_and(digits)
        }
        _ => false,
    };
    ACCEPTED
        .iter()
        .any(|(accepted, expected)| *accepted == name && fits(*expected))
}

#[cfg(all(test, feature = "browser"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_what_is_known_to_be_harmless_is_accepted() {
        for argument in [
            "--no-sandbox",
            "--proxy-server=direct://",
            "--PROXY-bypass-list=*",
            "--proxy_pac_url=http://x",
            "--remote-debugging-port=9222",
            "--remote-allow-origins=*",
            "--force-fieldtrials=X/Y/",
            "--in-process-gpu",
            "--auth-server-allowlist=*",
            "--app=http://x",
            "--load-extension=/x",
            "--host-resolver-rules=MAP * 127.0.0.1",
            "--user-data-dir=/",
            "--enable-features=X",
            "--renderer-cmd-prefix=/bin/sh",
            "--utility-cmd-prefix=/bin/sh",
            "--disable-web-security",
            "--ignore-certificate-errors",
            "--ssl-key-log-file=/x",
            "--print-to-pdf=/x",
            "--trace-startup-file=/x",
            "--disk-cache-dir=/x",
            "--a-switch-of-next-year",
            "https://example.org",
            "-force-dark-mode",
            "--Force-Dark-Mode",
            "--force-dark-mode=x",
            "--force-device-scale-factor",
            "--force-device-scale-factor=",
            "--force-device-scale-factor=2,",
            "--force-device-scale-factor=2 --no-sandbox",
            "--use-gl=x y",
            "--use-gl=../x",
            "--js-flags=--max-old-space-size=256,--expose-gc",
            "--js-flags=--expose-gc",
            "--",
            "",
        ] {
            assert!(!is_accepted(argument), "{argument}");
        }
        for argument in [
            "--force-dark-mode",
            "--font-render-hinting=none",
            "--js-flags=--max-old-space-size=256",
            "--force-device-scale-factor=1.5",
            "--window-position=10,20",
            "--ozone-platform=wayland",
        ] {
            assert!(is_accepted(argument), "{argument}");
        }
    }

    /// What would go around the proxy: datagrams, look-ups, connections that are opened ahead.
    #[test]
    fn every_start_shuts_what_goes_around_the_proxy() {
        let proxy = ([127, 0, 0, 1], 4711).into();
        let line = command_line(&BrowserConfig::default(), Path::new("/profile"), proxy);
        for argument in [
            "--disable-quic",
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--dns-prefetch-disable",
            "--proxy-bypass-list=<-loopback>",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            "--proxy-server=http://127.0.0.1:4711",
            "--disable-background-networking",
            "--no-pings",
        ] {
            assert!(line.iter().any(|given| given == argument), "{argument}");
        }
        let off = line
            .iter()
            .find(|given| given.starts_with("--disable-features="));
        for feature in [
            "AsyncDns",
            "DnsOverHttps",
            "Prerender2",
            "SpeculationRulesPrefetchProxy",
        ] {
            assert!(off.unwrap().contains(feature), "{feature}");
        }
        assert!(!line.iter().any(|given| given.contains("sandbox")));
    }

    #[test]
    fn nothing_is_given_twice_and_ours_stands_last() {
        let config = BrowserConfig {
            launch_args: vec!["--force-dark-mode".to_owned()],
            ..BrowserConfig::default()
        };
        let line = command_line(
            &config,
            Path::new("/profile"),
            ([127, 0, 0, 1], 4711).into(),
        );
        assert_eq!(line.first().map(String::as_str), Some("--force-dark-mode"));
        assert!(line.contains(&"--proxy-server=http://127.0.0.1:4711".to_owned()));
        assert!(line.contains(&"--user-data-dir=/profile".to_owned()));
        let mut names: Vec<&str> = line
            .iter()
            .filter_map(|argument| argument.split('=').next())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
