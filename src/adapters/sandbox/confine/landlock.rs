//! The files that a confined program may see, as Landlock rules on open descriptors.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus,
    Scope,
};

/// What every program needs: the system's programs and libraries, and what they read at their start.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
];

const DEVICES_READ: &[&str] = &["/dev/random", "/dev/urandom"];
const DEVICES_WRITTEN: &[&str] = &["/dev/null", "/dev/zero", "/dev/full"];

/// A place that a program may use, opened before it loses the right to.
#[derive(Debug)]
pub(super) struct Place {
    descriptor: PathFd,
    access: BitFlags<AccessFs>,
}

/// What may be done in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Read, listed, and run as a program.
    Read,
    /// Read and listed.
    Look,
    /// Read and changed. What is written there cannot be run as a program.
    Write,
    /// Read and changed, and sockets are made there: a browser's profile.
    Profile,
}

/// The network of a confined program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// None at all.
    Refused,
    /// TCP connections to one port, and listening on ports of the system's choice.
    OnlyTo(u16),
}

/// The folders and files of the system that every confined program may read, as far as they exist.
pub fn system_places() -> Vec<PathBuf> {
    let all = SYSTEM.iter().map(PathBuf::from);
    all.filter(|path| path.exists()).collect()
}

/// What the system itself has to be read of. What is not there is left out.
pub(super) fn system() -> Vec<Place> {
    let mut places: Vec<Place> = SYSTEM
        .iter()
        .filter_map(|path| Place::open(Path::new(path), Use::Read).ok())
        .collect();
    let written = AccessFs::ReadFile | AccessFs::WriteFile;
    for (paths, access) in [
        (DEVICES_READ, AccessFs::ReadFile.into()),
        (DEVICES_WRITTEN, written),
    ] {
        for path in paths {
            let is_device =
                fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device());
            if let (true, Ok(descriptor)) = (is_device, PathFd::new(path)) {
                places.push(Place { descriptor, access });
            }
        }
    }
    places
}

impl Place {
    /// Opens a path.
    pub(super) fn open(path: &Path, for_use: Use) -> Result<Self, String> {
        let explain = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let kind = fs::metadata(path).map_err(|error| explain(&error))?;
        let descriptor = PathFd::new(path).map_err(|error| explain(&error))?;
        let mut access = match for_use {
            Use::Read => AccessFs::from_read(ABI::V5),
            Use::Look => AccessFs::ReadFile | AccessFs::ReadDir,
            Use::Write => {
                AccessFs::ReadFile
                    | AccessFs::ReadDir
                    | AccessFs::WriteFile
                    | AccessFs::Truncate
                    | AccessFs::MakeReg
                    | AccessFs::MakeDir
                    | AccessFs::MakeSym
                    | AccessFs::MakeFifo
                    | AccessFs::RemoveFile
                    | AccessFs::RemoveDir
                    | AccessFs::Refer
            }
            Use::Profile => {
                AccessFs::from_all(ABI::V3)
                    & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock)
            }
        };
        if !kind.is_dir() {
            access &= AccessFs::from_file(ABI::V5);
        }
        Ok(Self { descriptor, access })
    }

    /// Those of `paths` that exist.
    pub(super) fn existing(paths: &[PathBuf], for_use: Use) -> Vec<Self> {
        paths
            .iter()
            .filter_map(|path| Self::open(path, for_use).ok())
            .collect()
    }
}

/// Restricts this process, and all that it starts, to `places`. The answer is the version of Landlock
/// that holds them.
pub(super) fn restrict(places: &[Place], network: Network) -> Result<i32, String> {
    let status = ruleset(places, network)
        .and_then(RulesetCreated::restrict_self)
        .map_err(|error| format!("Landlock does not work here: {error}"))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => {
            Err("Landlock does not work here: the kernel did not enforce the rules".to_owned())
        }
        (_, LandlockStatus::Available { effective_abi, .. }) => {
            Ok((effective_abi as i32).min(newest() as i32))
        }
        (_, LandlockStatus::NotEnabled) => {
            Err("Landlock is switched off at the start of this kernel (lsm=…)".to_owned())
        }
        (_, LandlockStatus::NotImplemented) => Err("this kernel has no Landlock".to_owned()),
    }
}

/// The version of Landlock here, if there is one. Only rules in force tell; a thread that ends at once
/// bears them.
pub(in super::super) fn landlock_version() -> Option<i32> {
    std::thread::spawn(|| restrict(&[], Network::Refused).ok())
        .join()
        .ok()
        .flatten()
}

/// The newest version that is asked for.
#[cfg(not(feature = "failpoints"))]
fn newest() -> ABI {
    ABI::V6
}

/// Tests play an older kernel.
#[cfg(feature = "failpoints")]
#[expect(clippy::disallowed_methods, reason = "a test tells this process alone")]
fn newest() -> ABI {
    let told = std::env::var("MINIBOT_LANDLOCK_AT_MOST").ok();
    let most = told.and_then(|version| version.parse::<i32>().ok());
    most.map_or(ABI::V6, ABI::from)
}

/// Everything is refused that Landlock knows, but for `places` and `network`.
fn ruleset(places: &[Place], network: Network) -> Result<RulesetCreated, landlock::RulesetError> {
    let newest = newest();
    let files = AccessFs::from_all(newest.min(ABI::V5));
    let ruleset = Ruleset::default()
        // Without files confined there is no sandbox; what later versions add, the filters do as well.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(files)?;
    let ruleset = match AccessNet::from_all(newest) {
        none if none.is_empty() => ruleset,
        all => ruleset.handle_access(all)?,
    };
    let ruleset = match Scope::from_all(newest) {
        none if none.is_empty() => ruleset,
        all => ruleset.scope(all)?,
    };
    let mut created = ruleset.create()?;
    for place in places {
        created = created.add_rule(PathBeneath::new(&place.descriptor, place.access & files))?;
    }
    if let Network::OnlyTo(port) = network {
        created = created
            .add_rule(NetPort::new(port, AccessNet::ConnectTcp))?
            // A browser listens for its debugger on a port of the system's choice, which is what 0 stands for.
            .add_rule(NetPort::new(0, AccessNet::BindTcp))?;
    }
    Ok(created)
}
