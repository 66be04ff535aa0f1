//! One measured number beside its goal.

use std::fmt;

/// What is wanted of a number.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// It only explains another.
    None,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Figure {
    pub name: String,
    pub goal: Goal,
    pub value: f64,
    pub unit: &'static str,
}

impl Figure {
    pub fn new(name: impl Into<String>, goal: Goal, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            goal,
            value,
            unit,
        }
    }

    pub fn verdict(&self) -> &'static str {
        match self.goal {
            Goal::AtMost(limit) if self.value <= limit => "✓",
            Goal::AtLeast(limit) if self.value >= limit => "✓",
            Goal::None => "",
            Goal::AtMost(_) | Goal::AtLeast(_) => "✗",
        }
    }

    pub fn wanted(&self) -> String {
        match self.goal {
            Goal::AtMost(limit) => format!("≤ {}", self.shown(limit)),
            Goal::AtLeast(limit) => format!("≥ {}", self.shown(limit)),
            Goal::None => String::new(),
        }
    }

    /// A number of this figure with its unit, to three digits or so.
    pub fn shown(&self, value: f64) -> String {
        let digits = match value.abs() {
            v if v >= 100.0 || v.fract() == 0.0 => 0,
            v if v >= 10.0 => 1,
            _ => 2,
        };
        format!("{value:.digits$} {}", self.unit).trim().to_owned()
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, wanted) = (self.shown(self.value), self.wanted());
        write!(f, "{}: {value} {wanted} {}", self.name, self.verdict())
    }
}

/// The value below which this share of `values` lies.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(rank.saturating_sub(1).min(last))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Seconds as milliseconds.
pub fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
