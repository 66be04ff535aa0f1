//! Place names to IANA time zones.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::token::{Token, starts_any, word};

/// Places that no zone is named after: cities, countries (with one zone, or the capital's) and
/// abbreviations.
const PLACES: &[(&str, Tz)] = &[
    ("abu dhabi", Tz::Asia__Dubai),
    ("ankara", Tz::Europe__Istanbul),
    ("argentina", Tz::America__Argentina__Buenos_Aires),
    ("atlanta", Tz::America__New_York),
    ("austin", Tz::America__Chicago),
    ("austria", Tz::Europe__Vienna),
    ("bangalore", Tz::Asia__Kolkata),
    ("barcelona", Tz::Europe__Madrid),
    ("beijing", Tz::Asia__Shanghai),
    ("belgium", Tz::Europe__Brussels),
    ("bogotá", Tz::America__Bogota),
    ("boston", Tz::America__New_York),
    ("calgary", Tz::America__Edmonton),
    ("california", Tz::America__Los_Angeles),
    ("canary islands", Tz::Atlantic__Canary),
    ("cape town", Tz::Africa__Johannesburg),
    ("cet", Tz::Europe__Paris),
    ("chile", Tz::America__Santiago),
    ("china", Tz::Asia__Shanghai),
    ("colombia", Tz::America__Bogota),
    ("dallas", Tz::America__Chicago),
    ("delhi", Tz::Asia__Kolkata),
    ("denmark", Tz::Europe__Copenhagen),
    ("doha", Tz::Asia__Qatar),
    ("edinburgh", Tz::Europe__London),
    ("egypt", Tz::Africa__Cairo),
    ("england", Tz::Europe__London),
    ("finland", Tz::Europe__Helsinki),
    ("france", Tz::Europe__Paris),
    ("frankfurt", Tz::Europe__Berlin),
    ("geneva", Tz::Europe__Zurich),
    ("germany", Tz::Europe__Berlin),
    ("greece", Tz::Europe__Athens),
    ("hamburg", Tz::Europe__Berlin),
    ("hanoi", Tz::Asia__Bangkok),
    ("hawaii", Tz::Pacific__Honolulu),
    ("ho chi minh city", Tz::Asia__Ho_Chi_Minh),
    ("houston", Tz::America__Chicago),
    ("hungary", Tz::Europe__Budapest),
    ("iceland", Tz::Atlantic__Reykjavik),
    ("india", Tz::Asia__Kolkata),
    ("ireland", Tz::Europe__Dublin),
    ("islamabad", Tz::Asia__Karachi),
    ("israel", Tz::Asia__Jerusalem),
    ("italy", Tz::Europe__Rome),
    ("japan", Tz::Asia__Tokyo),
    ("kenya", Tz::Africa__Nairobi),
    ("kiev", Tz::Europe__Kyiv),
    ("korea", Tz::Asia__Seoul),
    ("kyoto", Tz::Asia__Tokyo),
    ("la", Tz::America__Los_Angeles),
    ("las vegas", Tz::America__Los_Angeles),
    ("lyon", Tz::Europe__Paris),
    ("manchester", Tz::Europe__London),
    ("marrakesh", Tz::Africa__Casablanca),
    ("mexico", Tz::America__Mexico_City),
    ("miami", Tz::America__New_York),
    ("milan", Tz::Europe__Rome),
    ("montreal", Tz::America__Toronto),
    ("mumbai", Tz::Asia__Kolkata),
    ("munich", Tz::Europe__Berlin),
    ("naples", Tz::Europe__Rome),
    ("netherlands", Tz::Europe__Amsterdam),
    ("new delhi", Tz::Asia__Kolkata),
    ("new york city", Tz::America__New_York),
    ("new zealand", Tz::Pacific__Auckland),
    ("nigeria", Tz::Africa__Lagos),
    ("norway", Tz::Europe__Oslo),
    ("nyc", Tz::America__New_York),
    ("osaka", Tz::Asia__Tokyo),
    ("ottawa", Tz::America__Toronto),
    ("pakistan", Tz::Asia__Karachi),
    ("peru", Tz::America__Lima),
    ("philadelphia", Tz::America__New_York),
    ("philippines", Tz::Asia__Manila),
    ("poland", Tz::Europe__Warsaw),
    ("porto", Tz::Europe__Lisbon),
    ("portugal", Tz::Europe__Lisbon),
    ("quito", Tz::America__Guayaquil),
    ("rio", Tz::America__Sao_Paulo),
    ("rio de janeiro", Tz::America__Sao_Paulo),
    ("san diego", Tz::America__Los_Angeles),
    ("san francisco", Tz::America__Los_Angeles),
    ("são paulo", Tz::America__Sao_Paulo),
    ("saudi arabia", Tz::Asia__Riyadh),
    ("scotland", Tz::Europe__London),
    ("seattle", Tz::America__Los_Angeles),
    ("seville", Tz::Europe__Madrid),
    ("sf", Tz::America__Los_Angeles),
    ("shenzhen", Tz::Asia__Shanghai),
    ("south africa", Tz::Africa__Johannesburg),
    ("south korea", Tz::Asia__Seoul),
    ("spain", Tz::Europe__Madrid),
    ("sweden", Tz::Europe__Stockholm),
    ("switzerland", Tz::Europe__Zurich),
    ("taiwan", Tz::Asia__Taipei),
    ("tel aviv", Tz::Asia__Jerusalem),
    ("thailand", Tz::Asia__Bangkok),
    ("the netherlands", Tz::Europe__Amsterdam),
    ("the uk", Tz::Europe__London),
    ("tirana", Tz::Europe__Tirane),
    ("turkey", Tz::Europe__Istanbul),
    ("uae", Tz::Asia__Dubai),
    ("uk", Tz::Europe__London),
    ("ukraine", Tz::Europe__Kyiv),
    ("valencia", Tz::Europe__Madrid),
    ("venice", Tz::Europe__Rome),
    ("vietnam", Tz::Asia__Ho_Chi_Minh),
    ("washington", Tz::America__New_York),
    ("washington dc", Tz::America__New_York),
    ("wellington", Tz::Pacific__Auckland),
    ("zürich", Tz::Europe__Zurich),
];

/// A zone by place ("Boston"), by the city a zone is named after ("new york") or by IANA name in
/// any letter case.
pub(super) fn zone(name: &str) -> Option<Tz> {
    let name = name.trim().to_lowercase();
    let plain = name.strip_suffix(" time").unwrap_or(&name);
    if let Some((_, zone)) = PLACES.iter().find(|(place, _)| *place == plain) {
        return Some(*zone);
    }
    if plain == "utc" {
        return Some(Tz::UTC);
    }
    let wanted = plain.replace(' ', "_");
    TZ_VARIANTS.iter().copied().find(|zone| {
        let city = zone.name().rsplit_once('/').map(|(_, city)| city);
        let named = wanted.contains('/') && zone.name().eq_ignore_ascii_case(&wanted);
        named || city.is_some_and(|city| city.eq_ignore_ascii_case(&wanted))
    })
}

/// After a time of day: "UTC", "Tokyo time", "in new york time".
pub(super) fn suffix(tokens: &[Token]) -> Option<(Tz, usize)> {
    if matches!(word(tokens, 0), "utc" | "gmt") {
        return Some((Tz::UTC, 1));
    }
    let lead = starts_any(tokens, "in|by").unwrap_or(0);
    (1..=3).find_map(|length| {
        if word(tokens, lead + length) != "time" {
            return None;
        }
        let name: Vec<&str> = (lead..lead + length).map(|at| word(tokens, at)).collect();
        zone(&name.join(" ")).map(|found| (found, lead + length + 1))
    })
}
