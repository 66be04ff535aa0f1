//! Link definitions that no link uses: a reader would lose them, so they are shown.

use std::collections::HashSet;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, RefDefs, Tag};

/// The ranges of the source to show, in order: unused definitions, and those that an earlier one of
/// the same label hides.
pub(super) fn unused(
    source: &str,
    events: &[(Event<'_>, Range<usize>)],
    definitions: &RefDefs<'_>,
) -> Vec<Range<usize>> {
    let labels: HashSet<&str> = events
        .iter()
        .filter_map(|(event, _)| used_label(event))
        .collect();
    let used = labels
        .iter()
        .filter_map(|label| Some(definitions.get(label)?.span.start));
    let used: HashSet<usize> = used.collect();
    let mut all: Vec<Range<usize>> = definitions
        .iter()
        .map(|(_, definition)| definition.span.clone())
        .collect();
    all.sort_by_key(|span| span.start);
    let mut shown = hidden(source, events, &all);
    shown.extend(all.into_iter().filter(|span| !used.contains(&span.start)));
    shown.sort_by_key(|span| span.start);
    shown
}

/// What stands between the outermost blocks and is no definition that counts.
fn hidden(
    source: &str,
    events: &[(Event<'_>, Range<usize>)],
    definitions: &[Range<usize>],
) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = definitions.to_vec();
    let mut depth = 0_usize;
    for (event, range) in events {
        match event {
            Event::Start(_) if depth == 0 => {
                blocks.push(range.clone());
                depth = 1;
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ if depth == 0 => blocks.push(range.clone()),
            _ => {}
        }
    }
    blocks.push(source.len()..source.len());
    blocks.sort_by_key(|block| block.start);
    let mut between = Vec::new();
    let mut end = 0;
    for block in blocks {
        if source
            .get(end..block.start)
            .is_some_and(|text| !text.trim().is_empty())
        {
            between.push(end..block.start);
        }
        end = end.max(block.end);
    }
    between
}

/// The label of the definition that a link or image is made from.
fn used_label<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let Event::Start(Tag::Link { link_type, id, .. } | Tag::Image { link_type, id, .. }) = event
    else {
        return None;
    };
    let is_reference = matches!(
        link_type,
        LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut
    );
    (is_reference && !is_footnote(*link_type, id)).then_some(id)
}

/// `[^1]` with `[^1]: https://…` is a footnote to its writer, though a link to CommonMark.
pub(super) fn is_footnote(link_type: LinkType, id: &str) -> bool {
    link_type == LinkType::Shortcut && id.starts_with('^')
}
