//! Measures the program as its users run it, and writes what came out into docs/benchmarks.md.
//!
//! `FIGURES_ONLY=reminders` measures one part and writes nothing; `FIGURES_SCALE=0.1` makes all amounts smaller, for
//! trying things out. `--date 2027-03-01` says when it was.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)]

#[path = "../../tests/it/support/mod.rs"]
mod support;

mod crowd;
mod defaults;
mod figure;
mod growth;
mod idle;
mod machine;
mod process;
mod reminders;
mod report;
mod seed;
mod start;
mod turns;
mod world;

use anyhow::Result;

use crate::figure::Figure;
use crate::machine::Machine;

/// How large a run is.
#[derive(Debug, Clone, Copy)]
pub struct Scale(f64);

impl Scale {
    /// So many of something, at least `least` of them.
    pub fn of(self, count: usize, least: usize) -> usize {
        ((count as f64 * self.0) as usize).max(least)
    }
}

/// The parts, in the order of the table.
const PARTS: [&str; 7] = [
    "start",
    "idle",
    "turns",
    "crowd",
    "reminders",
    "growth",
    "defaults",
];

fn main() -> Result<()> {
    let scale = Scale(std::env::var("FIGURES_SCALE").map_or(Ok(1.0), |text| text.parse())?);
    let only = std::env::var("FIGURES_ONLY").ok();
    let machine = Machine::of_now(date_argument());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut figures = Vec::new();
    for part in PARTS {
        if only.as_deref().is_none_or(|only| only == part) {
            eprintln!("{part} …");
            let measured = runtime.block_on(measure(part, scale))?;
            for figure in &measured {
                eprintln!("  {figure}");
            }
            figures.extend(measured);
        }
    }
    let table = report::document(&machine, scale.0, &figures)?;
    println!("{table}");
    if only.is_none() {
        report::write(&table, &figures)?;
    }
    Ok(())
}

async fn measure(part: &str, scale: Scale) -> Result<Vec<Figure>> {
    match part {
        "start" => start::measure(scale).await,
        "idle" => idle::measure(scale).await,
        "turns" => turns::measure(scale).await,
        "crowd" => crowd::measure(scale).await,
        "reminders" => reminders::measure(scale).await,
        "growth" => growth::measure(scale).await,
        _ => defaults::measure(scale).await,
    }
}

fn date_argument() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--date");
    arguments.nth(1)
}
