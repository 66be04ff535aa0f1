//! Rules over `[egress]` and `[tools]`.

use std::path::{Component, Path};

use secrecy::ExposeSecret;

use super::checks::{at_most, positive};
use super::{PythonExecConfig, Settings, ToolsConfig};
use crate::adapters::browser::arguments;
use crate::adapters::browser::config::BrowserConfig;
use crate::adapters::config::Finding;
use crate::adapters::files::config::FileStorageConfig;
use crate::adapters::sandbox::config::{JailConfig, RlimitConfig};
use crate::core::egress::{EgressConfig, HeaderRefusal, check_header};
use crate::core::files::SHARED;
use crate::core::sandbox::SandboxMode;
use crate::core::units::{ByteCount, Seconds};
use crate::llm::config::Provider;
use crate::llm::tools::config::CalculatorConfig;

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tools = &settings.tools;
    let notes = &tools.kv_memory;
    if notes.default_limit > notes.max_limit {
        findings.push(Finding::problem(
            ["tools.kv_memory.default_limit", "tools.kv_memory.max_limit"],
            "tools.kv_memory.default_limit is more than max_limit",
        ));
    }
    transcription(settings, &mut findings);
    egress(&settings.egress, &mut findings);
    agents(tools, &mut findings);
    calculator(&tools.calculator, &mut findings);
    browser(&tools.browser, &mut findings);
    headers(&tools.browser, &settings.egress, &mut findings);
    subfolders(settings, &mut findings);
    uploads(&tools.file_storage, &mut findings);
    python(&tools.python_exec, &mut findings);
    executions(settings, &mut findings);
    let browser = &tools.browser;
    positive(
        &[
            (
                "tools.http_client.timeout_seconds",
                tools.http_client.timeout_seconds,
            ),
            (
                "tools.browser.navigation_timeout_seconds",
                browser.navigation_timeout_seconds,
            ),
            (
                "tools.browser.action_timeout_seconds",
                browser.action_timeout_seconds,
            ),
            (
                "tools.browser.session_ttl_seconds",
                browser.session_ttl_seconds,
            ),
        ],
        &mut findings,
    );
    findings
}

fn executions(settings: &Settings, findings: &mut Vec<Finding>) {
    let (python, bash) = (&settings.tools.python_exec, &settings.tools.bash);
    for run in [
        Execution {
            section: "tools.python_exec",
            mode: python.sandbox_mode,
            accepts_risk: python.i_understand_the_risk,
            default_timeout: python.default_timeout_seconds,
            max_timeout: python.max_timeout_seconds,
            passes_environment: python.pass_parent_env,
            max_output: python.max_output_bytes,
            rlimit: &python.rlimit,
            jail: &python.jail,
        },
        Execution {
            section: "tools.bash",
            mode: bash.sandbox_mode,
            accepts_risk: bash.i_understand_the_risk,
            default_timeout: bash.default_timeout_seconds,
            max_timeout: bash.max_timeout_seconds,
            passes_environment: bash.pass_parent_env,
            max_output: bash.max_output_bytes,
            rlimit: &bash.rlimit,
            jail: &bash.jail,
        },
    ] {
        execution(&run, findings);
    }
}

fn egress(egress: &EgressConfig, findings: &mut Vec<Finding>) {
    if !egress.block_private_networks {
        findings.push(Finding::warning(
            ["egress.block_private_networks"],
            "egress.block_private_networks is false: the model can reach this machine and your network; \
             egress.allow_private opens single addresses",
        ));
    }
    if egress.allowed_ports.is_empty() {
        findings.push(Finding::warning(
            ["egress.allowed_ports"],
            "egress.allowed_ports is empty: only the addresses in egress.allow_private can be reached",
        ));
    }
    const PRIVATE: &str = "egress.allow_private";
    for entry in &egress.allow_private {
        if entry.is_too_wide() {
            findings.push(Finding::warning(
                [PRIVATE],
                format!(
                    "{PRIVATE}: {entry} opens more than any private network, whatever else is set; name single addresses"
                ),
            ));
        } else if entry.opens_metadata() {
            findings.push(Finding::warning(
                [PRIVATE],
                format!(
                    "{PRIVATE}: {entry} opens link-local addresses, under which clouds tell machines their secrets"
                ),
            ));
        }
    }
}

fn agents(tools: &ToolsConfig, findings: &mut Vec<Finding>) {
    for (key, agent) in [
        (
            "tools.http_client.user_agent",
            &tools.http_client.user_agent,
        ),
        ("tools.browser.user_agent", &tools.browser.user_agent),
    ] {
        let agent = agent.as_deref();
        if agent.is_some_and(|agent| check_header("User-Agent", agent).is_err()) {
            findings.push(Finding::problem(
                [key],
                format!("{key}: expected plain letters, digits and signs of ASCII"),
            ));
        }
    }
}

fn calculator(calculator: &CalculatorConfig, findings: &mut Vec<Finding>) {
    for (key, found, most) in [
        (
            "tools.calculator.default_scale",
            calculator.default_scale,
            CalculatorConfig::LARGEST_SCALE,
        ),
        (
            "tools.calculator.max_expression_length",
            calculator.max_expression_length,
            CalculatorConfig::LONGEST_EXPRESSION,
        ),
    ] {
        at_most(key, found.get(), most, findings);
    }
}

/// It goes by default to the server of `[llm]`, which must be one that can do it.
fn transcription(settings: &Settings, findings: &mut Vec<Finding>) {
    const SERVER: &str = "tools.audio_transcription.base_url";
    const LIMIT: &str = "tools.audio_transcription.max_duration_seconds";
    let config = &settings.tools.audio_transcription;
    let provider = settings.llm.provider;
    let has_none = matches!(provider, Provider::Builtin | Provider::OpenRouter);
    if config.enabled && config.base_url.is_none() && has_none {
        findings.push(Finding::problem(
            ["tools.audio_transcription.enabled", SERVER],
            format!("{SERVER} is missing: the provider in [llm] has no transcription"),
        ));
    }
    if let (Some(_), Some(url)) = (&config.api_key, &config.base_url)
        && !url.is_https()
        && !url.is_loopback()
    {
        findings.push(Finding::warning(
            [SERVER],
            format!("{SERVER} is not https: the key and the recordings travel unencrypted"),
        ));
    }
    positive(&[(LIMIT, config.max_duration_seconds)], findings);
}

fn browser(browser: &BrowserConfig, findings: &mut Vec<Finding>) {
    if browser.enabled && !cfg!(feature = "browser") {
        findings.push(Finding::problem(
            ["tools.browser.enabled"],
            "tools.browser.enabled: this program was built without the browser",
        ));
    }
    let is_accepted = |argument: &String| arguments::is_accepted(argument);
    if !browser.launch_args.iter().all(is_accepted) {
        findings.push(Finding::problem(
            ["tools.browser.launch_args"],
            "tools.browser.launch_args: expected arguments that are known to be harmless; docs/browser.md lists them",
        ));
    }
    if let Some(place) = browser.geolocation {
        let is_on_earth =
            (-90.0..=90.0).contains(&place.latitude) && (-180.0..=180.0).contains(&place.longitude);
        if !is_on_earth {
            findings.push(Finding::problem(
                ["tools.browser.geolocation"],
                "tools.browser.geolocation: expected a latitude from -90 to 90 and a longitude from -180 to 180",
            ));
        }
    }
}

/// They go to every server that a page names.
fn headers(browser: &BrowserConfig, egress: &EgressConfig, findings: &mut Vec<Finding>) {
    const HEADERS: &str = "tools.browser.extra_http_headers";
    for (name, value) in &browser.extra_http_headers {
        let is_of_the_proxy = name.to_ascii_lowercase().starts_with("proxy-");
        let problem = match check_header(name, value.expose_secret()) {
            Err(HeaderRefusal::Malformed) => "expected names and values that a request can carry",
            Err(HeaderRefusal::Connection) => "headers of the connection are set by the browser",
            Err(HeaderRefusal::Origin) if is_of_the_proxy => {
                "headers of the proxy are set by the browser"
            }
            Err(HeaderRefusal::Credential)
                if browser.enabled && egress.allowed_domains.is_empty() =>
            {
                "a key, a token or a cookie would go to every server that a page names; egress.allowed_domains \
                 must say to which it may go"
            }
            Err(HeaderRefusal::Credential | HeaderRefusal::Origin) | Ok(()) => continue,
        };
        findings.push(Finding::problem(
            [HEADERS, "egress.allowed_domains"],
            format!("{HEADERS}: {problem}"),
        ));
    }
}

fn subfolders(settings: &Settings, findings: &mut Vec<Finding>) {
    let files = &settings.tools.file_storage;
    for (key, folder) in [
        ("tools.file_storage.uploads_subdir", &files.uploads_subdir),
        (
            "tools.file_storage.incoming_temp_subdir",
            &files.incoming_temp_subdir,
        ),
        (
            "tools.python_exec.artifacts_default_subdir",
            &settings.tools.python_exec.artifacts_default_subdir,
        ),
    ] {
        let is_inside = Path::new(folder)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if folder.is_empty() || !is_inside {
            findings.push(Finding::problem(
                [key],
                format!(
                    "{key}: expected a folder inside the workspace, without .. and not absolute"
                ),
            ));
        }
    }
}

/// What is there for a day must not lie among what is there for good, and what one chat is sent not where
/// all chats read.
fn uploads(files: &FileStorageConfig, findings: &mut Vec<Finding>) {
    const KEPT: &str = "tools.file_storage.uploads_subdir";
    const DAY: &str = "tools.file_storage.incoming_temp_subdir";
    let (kept, day) = (&files.uploads_subdir, &files.incoming_temp_subdir);
    if Path::new(kept).components().eq(Path::new(day).components()) {
        findings.push(Finding::problem(
            [DAY, KEPT],
            format!("{DAY} is the same folder as uploads_subdir: what is there goes after a day"),
        ));
    }
    for (key, folder) in [(KEPT, kept), (DAY, day)] {
        if Path::new(folder).starts_with(SHARED) {
            findings.push(Finding::problem(
                [key],
                format!(
                    "{key}: {SHARED} is the folder of all chats; expected one of each chat's own"
                ),
            ));
        }
    }
}

fn python(python: &PythonExecConfig, findings: &mut Vec<Finding>) {
    const SHARED: &str = "tools.python_exec.artifacts_jail_shared_dir";
    const ALLOW: &str = "tools.python_exec.artifacts_allow_in_jail";
    if python.artifacts_allow_in_jail && python.artifacts_jail_shared_dir.is_none() {
        findings.push(Finding::problem(
            [SHARED, ALLOW],
            format!("{SHARED} is missing, and artifacts_allow_in_jail needs it"),
        ));
    }
    some_bytes(
        "tools.python_exec.max_code_bytes",
        python.max_code_bytes,
        findings,
    );
}

/// Refuses a limit that lets nothing through.
fn some_bytes(key: &str, limit: ByteCount, findings: &mut Vec<Finding>) {
    if limit.get() == 0 {
        findings.push(Finding::problem(
            [key],
            format!("{key}: expected more than 0 bytes"),
        ));
    }
}

/// What Python and Bash have in common.
struct Execution<'a> {
    section: &'a str,
    mode: SandboxMode,
    accepts_risk: bool,
    default_timeout: Seconds,
    max_timeout: Seconds,
    passes_environment: bool,
    max_output: ByteCount,
    rlimit: &'a RlimitConfig,
    jail: &'a JailConfig,
}

fn execution(run: &Execution<'_>, findings: &mut Vec<Finding>) {
    let section = run.section;
    let key = |name: &str| format!("{section}.{name}");
    if run.mode == SandboxMode::None && !run.accepts_risk {
        findings.push(Finding::problem(
            [key("sandbox_mode"), key("i_understand_the_risk")],
            format!(
                "{section}.sandbox_mode = \"none\" runs the model's code as you; it needs \
                 i_understand_the_risk = true (\"native\" is the safe default)"
            ),
        ));
    }
    if run.mode == SandboxMode::Jail && run.jail.command_prefix.is_empty() {
        findings.push(Finding::problem(
            [key("jail.command_prefix"), key("sandbox_mode")],
            format!(
                "{section}.jail.command_prefix is missing, and sandbox_mode = \"jail\" needs it"
            ),
        ));
    }
    if run.default_timeout > run.max_timeout {
        findings.push(Finding::problem(
            [key("default_timeout_seconds"), key("max_timeout_seconds")],
            format!("{section}.default_timeout_seconds is more than max_timeout_seconds"),
        ));
    }
    if run.passes_environment {
        findings.push(Finding::warning(
            [key("pass_parent_env")],
            format!("{section}.pass_parent_env is true: the model's code sees what is in the bot's environment"),
        ));
    }
    positive(
        &[(&key("default_timeout_seconds"), run.default_timeout)],
        findings,
    );
    some_bytes(&key("max_output_bytes"), run.max_output, findings);
    let (least, found) = (RlimitConfig::LEAST_NPROC, run.rlimit.nproc.get());
    if found < least {
        let key = key("rlimit.nproc");
        findings.push(Finding::problem(
            [key.as_str()],
            format!("{key}: expected {least} or more, found {found}"),
        ));
    }
}
