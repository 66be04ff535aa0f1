//! The image: it builds without BuildKit, gets every file it needs, and runs as nobody special.

use minibot::adapters::config::{Source, WhenMissing, load};
use minibot::wiring::settings::{RULES, Settings};

use crate::{assert_known_command, config_key, files_below, read, read_toml, root};

/// One instruction with its continued lines joined.
pub struct Instruction {
    pub keyword: String,
    pub arguments: String,
}

pub fn instructions() -> Vec<Instruction> {
    let mut found: Vec<Instruction> = Vec::new();
    let mut goes_on = false;
    for line in read("Dockerfile").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, continued) = line
            .strip_suffix('\\')
            .map_or((line, false), |part| (part.trim(), true));
        match found.last_mut().filter(|_| goes_on) {
            Some(last) => last.arguments = format!("{} {part}", last.arguments),
            None => {
                let (keyword, arguments) = part.split_once(' ').unwrap();
                found.push(Instruction {
                    keyword: keyword.to_owned(),
                    arguments: arguments.trim().to_owned(),
                });
            }
        }
        goes_on = continued;
    }
    found
}

/// The arguments of every instruction with this keyword.
pub fn arguments_of(keyword: &str) -> Vec<String> {
    instructions()
        .into_iter()
        .filter(|instruction| instruction.keyword == keyword)
        .map(|instruction| instruction.arguments)
        .collect()
}

/// The only argument of a keyword, in exec form: a JSON list.
fn exec_form(arguments: &str) -> Vec<String> {
    serde_json::from_str(arguments).unwrap_or_else(|error| panic!("not exec form: {error}"))
}

/// What `.dockerignore` lets through: a list of names at the top.
fn context() -> Vec<String> {
    let text = read(".dockerignore");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines.first(),
        Some(&"*"),
        ".dockerignore must refuse everything first"
    );
    lines[1..]
        .iter()
        .map(|line| line.strip_prefix('!').unwrap().to_owned())
        .collect()
}

#[test]
fn every_copied_file_exists_and_reaches_the_build() {
    let context = context();
    for arguments in arguments_of("COPY") {
        if arguments.starts_with("--from=") {
            continue;
        }
        let mut sources: Vec<&str> = arguments.split_whitespace().collect();
        sources.pop();
        for source in sources.into_iter().filter(|source| *source != ".") {
            assert!(root().join(source).exists(), "COPY {source}: no such file");
            assert!(
                context.iter().any(|name| name == source),
                "{source} is kept out"
            );
        }
    }
    for needed in [".cargo", "Cargo.toml", "Cargo.lock", "src", "migrations"] {
        assert!(
            context.iter().any(|name| name == needed),
            ".dockerignore keeps {needed} out"
        );
    }
}

#[test]
fn whatever_the_source_includes_reaches_the_build() {
    let context = context();
    for file in files_below(&root().join("src"), ".rs") {
        let text = std::fs::read_to_string(&file).unwrap();
        for opening in ["include_str!(\"", "include_bytes!(\"", "include_dir!(\""] {
            for rest in text.split(opening).skip(1) {
                let named = &rest[..rest.find('"').unwrap()];
                let full = file.parent().unwrap().join(named);
                let full = full
                    .canonicalize()
                    .unwrap_or_else(|_| panic!("{named} in {file:?}"));
                let inside = full.strip_prefix(root().canonicalize().unwrap()).unwrap();
                let top = inside.iter().next().unwrap().to_str().unwrap();
                assert!(
                    context.iter().any(|name| name == top),
                    "{file:?}: {named} is kept out"
                );
            }
        }
    }
}

#[test]
fn the_dependency_layer_builds_without_the_sources() {
    let manifest = read_toml("Cargo.toml");
    assert!(
        manifest["package"].get("build").is_none(),
        "cargo finds build.rs by itself"
    );
    for kind in ["bench", "example", "test", "bin"] {
        let targets = manifest.get(kind).and_then(toml::Value::as_array);
        for target in targets.into_iter().flatten() {
            assert!(
                target.get("path").is_some(),
                "[[{kind}]] needs a `path`: {target}"
            );
        }
    }
}

#[test]
fn it_needs_no_buildkit() {
    for Instruction { keyword, arguments } in instructions() {
        let buildkit = ["--mount", "--chmod", "--link", "--parents", "<<"];
        let found = buildkit.iter().find(|option| arguments.contains(*option));
        assert!(found.is_none(), "{keyword} {arguments}");
    }
}

#[test]
fn its_toolchain_is_not_older_than_the_manifest_asks() {
    let version =
        |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap()).collect() };
    let manifest = read_toml("Cargo.toml");
    let asked = version(manifest["package"]["rust-version"].as_str().unwrap());
    let from = arguments_of("FROM").into_iter().next().unwrap();
    let image = from
        .strip_prefix("rust:")
        .unwrap()
        .split('-')
        .next()
        .unwrap()
        .to_owned();
    assert!(version(&image) >= asked, "{from} is older than {asked:?}");
}

#[test]
fn its_profile_is_the_one_that_ships() {
    assert!(read_toml("Cargo.toml")["profile"].get("dist").is_some());
    let copied = arguments_of("COPY")
        .into_iter()
        .find(|copy| copy.starts_with("--from=build"));
    assert!(copied.unwrap().contains("/target/dist/minibot"));
    let builds = arguments_of("RUN")
        .join(" ")
        .matches("--profile dist --locked")
        .count();
    assert_eq!(
        builds, 2,
        "the dependency layer is of use only with the same profile"
    );
}

#[test]
fn the_browser_is_built_in_where_its_program_is_installed() {
    assert_eq!(
        arguments_of("ARG")
            .iter()
            .filter(|argument| *argument == "INSTALL_BROWSER=false")
            .count(),
        2,
        "both stages must go by the same argument"
    );
    let features =
        "features=\"$(if [ \"$INSTALL_BROWSER\" = true ]; then echo --features browser; fi)\"";
    let builds = arguments_of("RUN");
    let builds = builds.iter().filter(|run| run.contains("cargo build"));
    for build in builds {
        assert!(build.contains(features), "{build}");
        assert!(build.contains("--no-default-features $features"), "{build}");
    }
    let manifest = read_toml("Cargo.toml");
    assert_eq!(
        manifest["features"]["default"]
            .as_array()
            .unwrap()
            .as_slice(),
        [toml::Value::from("browser")],
        "the image builds without the default features: name the new ones there"
    );
}

#[test]
fn its_health_check_needs_no_shell() {
    let health = arguments_of("HEALTHCHECK").join("");
    assert!(
        health.contains(" CMD [\"/usr/local/bin/minibot\","),
        "{health}"
    );
}

#[test]
fn it_runs_as_uid_10001_on_a_volume() {
    assert_eq!(arguments_of("USER"), ["10001:10001"]);
    assert!(
        arguments_of("RUN")
            .iter()
            .any(|run| run.contains("useradd --uid 10001 --gid 10001"))
    );
    assert_eq!(arguments_of("VOLUME"), ["[\"/data\"]"]);
    assert_eq!(arguments_of("WORKDIR").last().unwrap(), "/config");
}

#[test]
fn its_commands_are_known_to_the_program() {
    let health = arguments_of("HEALTHCHECK").join("");
    let health = exec_form(health.split_once("CMD ").unwrap().1);
    let [program, check @ ..] = health.as_slice() else {
        panic!("no health command")
    };
    assert_eq!(
        exec_form(&arguments_of("ENTRYPOINT").join("")),
        [program.as_str()]
    );
    assert_eq!(check, ["doctor", "--quick"]);
    assert_known_command(&["doctor", "--quick"]);
    let run = exec_form(&arguments_of("CMD").join(""));
    assert_known_command(&run.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn its_environment_names_keys_that_the_config_has() {
    let environment = arguments_of("ENV").join(" ");
    assert!(!environment.is_empty());
    for pair in environment.split_whitespace() {
        let (variable, value) = pair.split_once('=').unwrap();
        assert!(
            value.starts_with("/data"),
            "{variable} points outside the volume"
        );
        assert!(
            config_key(variable).is_some(),
            "{variable}: the config has no such key"
        );
    }
}

#[test]
fn its_environment_moves_everything_that_is_written() {
    let pairs = arguments_of("ENV").join(" ");
    let environment = pairs
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    let source = Source {
        named: Some(root().join("config.example.toml")),
        working_dir: root().to_owned(),
        when_missing: WhenMissing::Refuse,
    };
    let settings = load::<Settings>(&source, &environment, &RULES)
        .unwrap()
        .settings;
    for path in [settings.database(), settings.files_root()] {
        assert!(path.starts_with("/data"), "{path:?} is not on the volume");
    }
}
