//! A table as monospace text: aligned columns where that stays readable, bars between them always.

use pulldown_cmark::Alignment;

use super::chars::columns;

/// No column is padded to more than this: one long cell must not push all others off the screen.
const WIDEST_PADDED: usize = 40;
/// A table is padded only while that makes it at most this many times longer (and for small ones
/// always).
const PADDING_FACTOR: usize = 4;
const SMALL_TABLE: usize = 4096;

/// The cells of a table while its events arrive; the first row is the header.
#[derive(Debug)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
        }
    }

    pub(super) fn start_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn start_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.push(String::new());
        }
    }

    /// The cell that is being filled.
    pub(super) fn cell(&mut self) -> Option<&mut String> {
        self.rows.last_mut()?.last_mut()
    }

    pub(super) fn is_blank(&self) -> bool {
        self.rows
            .iter()
            .flatten()
            .all(|cell| super::chars::is_blank(cell))
    }

    /// The table as lines, the header underlined.
    pub(super) fn layout(&self) -> String {
        let widths = self.widths();
        let mut lines = Vec::with_capacity(self.rows.len() + 1);
        for (index, row) in self.rows.iter().enumerate() {
            lines.push(self.line(row, &widths));
            if index == 0 {
                let dashes: Vec<String> = widths
                    .iter()
                    .map(|width| "-".repeat((*width).max(1)))
                    .collect();
                lines.push(dashes.join("-+-"));
            }
        }
        lines.join("\n")
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.alignments.len()];
        let mut length = 0;
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell.trim()).min(WIDEST_PADDED).max(*width);
                length += cell.len() + 3;
            }
        }
        let padded = widths
            .iter()
            .map(|width| width + 3)
            .sum::<usize>()
            .saturating_mul(self.rows.len());
        if padded > SMALL_TABLE && padded > length.saturating_mul(PADDING_FACTOR) {
            widths.fill(0);
        }
        widths
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                line.push_str(" | ");
            }
            let cell = cell.trim().replace('\n', " ");
            let room = widths
                .get(index)
                .map_or(0, |width| width.saturating_sub(columns(&cell)));
            let before = match self.alignments.get(index) {
                Some(Alignment::Right) => room,
                Some(Alignment::Center) => room / 2,
                _ => 0,
            };
            line.push_str(&" ".repeat(before));
            line.push_str(&cell);
            line.push_str(&" ".repeat(room - before));
        }
        line.truncate(line.trim_end().len());
        line
    }
}
