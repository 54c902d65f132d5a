//! Plots of results, made from their JSON: anybody can make them again.

mod draw;
mod results;

use crate::error::BenchError;
use draw::{Line, Panel, Sheet, short};
use results::{Compared, Results};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Draws what is in these results into files of this directory. Where two results have the same figure, the later one counts.
pub(crate) fn run(files: &[PathBuf], out: &Path) -> Result<(), BenchError> {
    let results = Results::read(files)?;
    std::fs::create_dir_all(out)?;
    let connections = |what: &str, of: fn(&Compared) -> [Option<f64>; 2]| over_connections(&results, what, of);
    let sheets = [
        ("rate", connections("Requests a second over connections", Compared::rates)),
        (
            "latency",
            connections("Milliseconds for all but one request in a hundred (p99), over connections", Compared::p99),
        ),
        ("growth", grown(&results, "Milliseconds for a request, over events in the log", true)),
        ("growth-whole", grown(&results, "Programs, memory and disk over events in the log", false)),
    ];
    for (name, sheet) in sheets {
        let path = out.join(format!("{name}.svg"));
        if draw::write(&sheet, &path)? {
            writeln!(std::io::stdout(), "{}", path.display())?;
        }
    }
    Ok(())
}

/// A panel for each workload, at the least scale.
fn over_connections(results: &Results, title: &str, of: fn(&Compared) -> [Option<f64>; 2]) -> Sheet {
    let mut panels = Vec::new();
    for workload in results.workloads() {
        let at = results.over_connections(workload);
        if at.len() < 2 {
            continue;
        }
        let points = |side: usize| at.iter().enumerate().filter_map(|(tick, at)| Some((tick, of(at)[side]?))).collect();
        panels.push(Panel {
            title: workload.to_owned(),
            ticks: at.iter().filter_map(|compared| compared.connections).map(|number| number.to_string()).collect(),
            lines: (0..2).map(|number| Line { points: points(number), dashed: false, number }).collect(),
        });
    }
    Sheet { title: title.into(), note: results.note(), legend: results.sides.to_vec(), panels }
}

/// A panel for each figure: of requests their median and, dashed, what all but one in a hundred took; or of everything else.
fn grown(results: &Results, title: &str, of_requests: bool) -> Sheet {
    let mut panels: Vec<Panel> = Vec::new();
    let grown: Vec<_> = results.growth.iter().filter(|growth| growth.has_grown()).collect();
    for (number, growth) in grown.iter().enumerate() {
        for figure in growth.sizes.iter().rev().take(1).flat_map(|size| &size.figures) {
            if figure.p99_ms.is_some() != of_requests {
                continue;
            }
            let title = if of_requests { figure.what.clone() } else { format!("{}, {}", figure.what, figure.unit) };
            let place = panels.iter().position(|panel| panel.title == title).unwrap_or_else(|| {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
                let ticks = growth.sizes.iter().map(|size| short(size.events as f64)).collect();
                panels.push(Panel { title, ticks, lines: Vec::new() });
                panels.len() - 1
            });
            let found = |size: usize| growth.sizes[size].figures.iter().find(|other| other.what == figure.what);
            let sizes = 0..growth.sizes.len();
            let median = sizes.clone().filter_map(|size| Some((size, found(size)?.value))).collect();
            panels[place].lines.push(Line { points: median, dashed: false, number });
            let p99: Vec<_> = sizes.filter_map(|size| Some((size, found(size)?.p99_ms?))).collect();
            if !p99.is_empty() {
                panels[place].lines.push(Line { points: p99, dashed: true, number });
            }
        }
    }
    let legend = grown.iter().map(|growth| growth.into.clone()).collect();
    let note = if of_requests { format!("{}; line: median, dashed: p99", results.note()) } else { results.note() };
    Sheet { title: title.into(), note, legend, panels }
}
