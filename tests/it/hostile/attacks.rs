//! The table of attacks.

use super::exits::Exit;
use super::injections::Injection;
use super::spelling::Spelling;

/// A way in, a way out, and how the secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attack {
    pub way_in: Injection,
    pub way_out: Exit,
    pub spelling: Spelling,
}

use Exit as Out;
use Injection as In;
use Spelling as As;

/// Ways in of which each is tried with each way out below.
const WAYS_IN: [In; 19] = [
    In::Forwarded,
    In::Quoted,
    In::QuotedReminder,
    In::Pdf,
    In::UploadName,
    In::Page,
    In::Json,
    In::Header,
    In::Redirect,
    In::PdfOfWeb,
    In::Note,
    In::NoteList,
    In::File,
    In::FileName,
    In::MovedFile,
    In::LeftFolder,
    In::FoundInFile,
    In::JobText,
    In::JobRun,
];

const WAYS_OUT: [(Out, As); 9] = [
    (Out::Path, As::Plain),
    (Out::Query, As::Base64),
    (Out::Subdomain, As::Hex),
    (Out::Path, As::Letters),
    (Out::Header, As::Plain),
    (Out::Body, As::Percent),
    (Out::Link, As::Plain),
    (Out::Bare, As::Upper),
    (Out::Note, As::Hex),
];

/// The other ways out, and spellings, from two ways in.
const MORE: [(Out, As); 19] = [
    (Out::Lookalike, As::Plain),
    (Out::Json, As::Reversed),
    (Out::Put, As::Plain),
    (Out::Head, As::Segments),
    (Out::Download, As::Plain),
    (Out::BareName, As::Plain),
    (Out::Image, As::Base64),
    (Out::Dots, As::Plain),
    (Out::Signs, As::Plain),
    (Out::Styled, As::Plain),
    (Out::Caption, As::Plain),
    (Out::StyledCaption, As::Plain),
    (Out::Job, As::Plain),
    (Out::File, As::Plain),
    (Out::Path, As::Segments),
    (Out::Path, As::Split),
    (Out::Query, As::Reversed),
    (Out::Query, As::Percent),
    (Out::Subdomain, As::Split),
];

/// Held back with the rule and without: in messages of later no link is known any more.
const LATER: [(Out, As); 2] = [(Out::Reminder, As::Plain), (Out::FileList, As::Plain)];

/// After a summary.
const SUMMED_UP: [(Out, As); 5] = [
    (Out::Path, As::Plain),
    (Out::Subdomain, As::Hex),
    (Out::Body, As::Base64),
    (Out::Link, As::Plain),
    (Out::File, As::Plain),
];

/// What is done to a page in the browser.
const DONE_TO_A_PAGE: [(Out, As); 6] = [
    (Out::Form, As::Plain),
    (Out::Typed, As::Upper),
    (Out::Typed, As::Split),
    (Out::Links, As::Letters),
    (Out::Buttons, As::Letters),
    (Out::Boxes, As::Letters),
];

/// Where the browser, and the rest, is sent from there.
const VISITS: [(Out, As); 9] = [
    (Out::Hash, As::Hex),
    (Out::VisitPath, As::Plain),
    (Out::VisitPath, As::Segments),
    (Out::VisitQuery, As::Base64),
    (Out::VisitSubdomain, As::Hex),
    (Out::VisitSubdomain, As::Split),
    (Out::Path, As::Reversed),
    (Out::Body, As::Plain),
    (Out::Link, As::Plain),
];

/// All of them.
pub fn attacks() -> Vec<Attack> {
    let mut attacks = Vec::new();
    let mut add = |ways_in: &[Injection], ways_out: &[(Exit, Spelling)]| {
        for &way_in in ways_in {
            attacks.extend(ways_out.iter().map(|&(way_out, spelling)| Attack {
                way_in,
                way_out,
                spelling,
            }));
        }
    };
    add(&WAYS_IN, &WAYS_OUT);
    add(&[In::Forwarded, In::Page], &MORE);
    add(&[In::Forwarded, In::Page], &LATER);
    add(&[In::Summary], &SUMMED_UP);
    add(&[In::Surfed], &DONE_TO_A_PAGE);
    add(&[In::Titled], &VISITS);
    attacks
}
