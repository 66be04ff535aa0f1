//! The command line of Chromium: what shuts every way around the proxy, and what nobody may add.

use std::net::SocketAddr;
use std::path::Path;

use super::config::BrowserConfig;

/// Parts of Chromium that talk to servers of their own, guess what is opened next, or offer what nobody
/// asked for. One list: of two `--disable-features` only the last counts.
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

/// Words of arguments that open a way around the proxy, the sandbox or the profile, or let others in.
const REFUSED: &[&str] = &[
    "proxy",
    "sandbox",
    "debug",
    "devtools",
    "extension",
    "resolver",
    "quic",
    "webrtc",
    "user-data-dir",
    "profile-directory",
    "features",
    "zygote",
    "single-process",
    "cmd-prefix",
    "launcher",
    "web-security",
    "file-access",
    "local-file",
    "host-rules",
    "site-isolation",
    "isolate-origins",
    "certificate",
    "key-log",
    "net-log",
    "app-id",
    "native-messaging",
    "plugin",
];

/// Whether an argument of the settings is refused: it is no switch, or touches what keeps pages in.
pub fn is_refused(argument: &str) -> bool {
    let plain = argument.to_lowercase().replace('_', "-");
    !plain.starts_with("--")
        || plain.len() < 3
        || plain.chars().any(char::is_control)
        || REFUSED.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_pages_in_cannot_be_taken_away() {
        for argument in [
            "--no-sandbox",
            "--disable-setuid-sandbox",
            "--disable-seccomp-filter-sandbox",
            "--proxy-server=direct://",
            "--no-proxy-server",
            "--PROXY-bypass-list=*",
            "--proxy_pac_url=http://x",
            "--remote-debugging-port=9222",
            "--remote-debugging-pipe",
            "--remote-allow-origins=*,debug",
            "--auto-open-devtools-for-tabs",
            "--load-extension=/x",
            "--disable-extensions-except=/x",
            "--host-resolver-rules=MAP * 127.0.0.1",
            "--host-rules=MAP * x",
            "--enable-quic",
            "--user-data-dir=/",
            "--enable-features=X",
            "--disable-features=X",
            "--renderer-cmd-prefix=/bin/sh",
            "--gpu-launcher=/bin/sh",
            "--single-process",
            "--no-zygote",
            "--disable-web-security",
            "--allow-file-access-from-files",
            "--ignore-certificate-errors",
            "--ssl-key-log-file=/x",
            "--log-net-log=/x",
            "https://example.org",
            "-no-sandbox",
            "--",
            "",
        ] {
            assert!(is_refused(argument), "{argument}");
        }
        for argument in [
            "--force-dark-mode",
            "--font-render-hinting=none",
            "--js-flags=--max-old-space-size=256",
            "--force-device-scale-factor=2",
        ] {
            assert!(!is_refused(argument), "{argument}");
        }
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
