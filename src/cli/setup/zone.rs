//! The time zone: as given, or guessed from the machine and confirmed.

use std::path::Path;

use anyhow::bail;
use chrono_tz::Tz;

use super::person::Person;
use crate::adapters::config::Environment;
use crate::cli::say;

/// Where the zone of a session stands, and that of a machine: a link into the zone files, and a file with its name.
const VARIABLE: &str = "TZ";
const LINK: &str = "/etc/localtime";
const NAME: &str = "/etc/timezone";

/// Asks until there is such a zone.
pub(super) fn ask(person: &Person, given: Option<&str>) -> anyhow::Result<Tz> {
    if let Some(name) = given {
        return match name.parse() {
            Ok(zone) => Ok(zone),
            Err(_) => bail!(
                "--timezone: there is no time zone {name:?}; give an IANA name such as Europe/Madrid"
            ),
        };
    }
    let guess = guess().unwrap_or(Tz::UTC);
    if *person == Person::Absent {
        say(&format!(
            "The time zone is taken from this machine: {guess}. --timezone changes it."
        ));
        return Ok(guess);
    }
    loop {
        let name = person.text("Your time zone", guess.name(), "--timezone")?;
        match name.parse() {
            Ok(zone) => return Ok(zone),
            Err(_) => say(&format!(
                "There is no time zone {name:?}; write an IANA name such as Europe/Madrid."
            )),
        }
    }
}

/// The zone of this machine, if it says one that is known.
pub(in crate::cli) fn guess() -> Option<Tz> {
    let environment = Environment::of_process();
    let of_variable = environment.get(VARIABLE);
    let of_variable = of_variable.and_then(|name| name.trim_start_matches(':').parse().ok());
    let of_link = || {
        let target = std::fs::read_link(LINK).ok()?;
        zone_of_path(&target)
    };
    let of_name = || std::fs::read_to_string(NAME).ok()?.trim().parse().ok();
    of_variable.or_else(of_link).or_else(of_name)
}

/// The zone behind `…/zoneinfo/Europe/Madrid`.
fn zone_of_path(path: &Path) -> Option<Tz> {
    let text = path.to_str()?;
    let (_, name) = text.split_once("zoneinfo/")?;
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::zone_of_path;
    use std::path::Path;

    #[test]
    fn a_link_into_the_zone_files_names_the_zone() {
        let zone = |path: &str| zone_of_path(Path::new(path)).map(|zone| zone.name());
        assert_eq!(
            zone("/usr/share/zoneinfo/Europe/Madrid"),
            Some("Europe/Madrid")
        );
        assert_eq!(zone("../usr/share/zoneinfo/Etc/UTC"), Some("Etc/UTC"));
        assert_eq!(zone("/usr/share/zoneinfo/Nowhere"), None);
        assert_eq!(zone("/etc/localtime"), None);
    }
}
