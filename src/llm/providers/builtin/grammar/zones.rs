//! Place names to IANA time zones.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::token::{Token, one_of, rest, starts_any, word};

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

/// What people write behind a time of day, in North America and Europe also where the summer's is meant.
const ABBREVIATIONS: &[(&str, Tz)] = &[
    ("cet", Tz::Europe__Paris),
    ("cest", Tz::Europe__Paris),
    ("bst", Tz::Europe__London),
    ("eastern", Tz::America__New_York),
    ("edt", Tz::America__New_York),
    ("est", Tz::America__New_York),
    ("et", Tz::America__New_York),
    ("central", Tz::America__Chicago),
    ("cdt", Tz::America__Chicago),
    ("mdt", Tz::America__Denver),
    ("jst", Tz::Asia__Tokyo),
    ("pacific", Tz::America__Los_Angeles),
    ("pdt", Tz::America__Los_Angeles),
    ("pst", Tz::America__Los_Angeles),
    ("pt", Tz::America__Los_Angeles),
];

/// A zone in few letters at the start, also one that several zones share, or an offset.
pub(super) fn is_abbreviation(tokens: &[Token]) -> bool {
    const OTHERS: &str = "aedt|aest|cst|eet|eest|ist|msk|mst|sgt|utc|gmt|wet|z";
    let first = word(tokens, usize::from(word(tokens, 0) == "("));
    let signed = first
        .strip_prefix("utc")
        .or_else(|| first.strip_prefix("gmt"));
    ABBREVIATIONS.iter().any(|(name, _)| *name == first)
        || one_of(first, OTHERS)
        || signed.is_some_and(|offset| offset.starts_with(['+', '-']))
        || (matches!(first, "+" | "-") && word(tokens, 1).starts_with(|c: char| c.is_ascii_digit()))
}

/// After a time of day: "UTC", "EST", "Tokyo time", "in new york time".
pub(super) fn suffix(tokens: &[Token]) -> Option<(Tz, usize)> {
    let offset = word(tokens, 1).starts_with(['+', '-']);
    if matches!(word(tokens, 0), "utc" | "gmt") && !offset {
        return Some((Tz::UTC, 1));
    }
    let short = ABBREVIATIONS
        .iter()
        .find(|(name, _)| *name == word(tokens, 0));
    let time = usize::from(word(tokens, 1) == "time");
    if let Some((_, zone)) = short
        && ends(rest(tokens, 1 + time))
    {
        return Some((*zone, 1 + time));
    }
    if word(tokens, 0) == "(" {
        let close = (2..=4).find(|at| word(tokens, *at) == ")")?;
        return named(&tokens[1..close]).map(|zone| (zone, close + 1));
    }
    let lead = starts_any(tokens, "in|by").unwrap_or(0);
    (1..=3).find_map(|length| {
        if word(tokens, lead + length) != "time" {
            return None;
        }
        named(&tokens[lead..lead + length]).map(|found| (found, lead + length + 1))
    })
}

fn named(tokens: &[Token]) -> Option<Tz> {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    zone(&words.join(" "))
}

/// Whether a time may end here: "et cetera" is no zone.
fn ends(tokens: &[Token]) -> bool {
    let is_apart = tokens.first().is_none_or(Token::is_punctuation);
    is_apart
        || one_of(
            word(tokens, 0),
            "to|about|that|for|and|please|on|every|tomorrow|today|remind",
        )
}
