//! Small plots in a grid, as SVG.

use crate::error::BenchError;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

const COLUMNS: usize = 3;
const PANEL: (u32, u32) = (330, 230);
const HEAD: u32 = 58;
const INK: RGBColor = RGBColor(36, 41, 47);
const FAINT: RGBColor = RGBColor(140, 149, 159);
const GRID: RGBColor = RGBColor(234, 238, 242);
/// Of the lines, by their number: told apart without colours too, by their lightness.
const COLOURS: [RGBColor; 2] = [RGBColor(9, 88, 190), RGBColor(214, 120, 30)];

/// Plots that belong together.
pub(super) struct Sheet {
    pub(super) title: String,
    pub(super) note: String,
    /// What lines are, by their number.
    pub(super) legend: Vec<String>,
    pub(super) panels: Vec<Panel>,
}

/// One plot.
pub(super) struct Panel {
    pub(super) title: String,
    /// What stands under the points, from the left.
    pub(super) ticks: Vec<String>,
    /// By their number.
    pub(super) lines: Vec<Line>,
}

pub(super) struct Line {
    /// At the tick of this number, this value.
    pub(super) points: Vec<(usize, f64)>,
    /// In place of a line through the points, one with gaps.
    pub(super) dashed: bool,
    /// Which of the legend.
    pub(super) number: usize,
}

impl Panel {
    /// None of them can be drawn where there is nothing above zero.
    fn highest(&self) -> Option<f64> {
        let values = self.lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
        values.reduce(f64::max).filter(|highest| *highest > 0.0 && highest.is_finite())
    }
}

/// Writes a sheet; nothing where it has no plot.
pub(super) fn write(sheet: &Sheet, path: &Path) -> Result<bool, BenchError> {
    let panels: Vec<&Panel> = sheet.panels.iter().filter(|panel| panel.highest().is_some()).collect();
    if panels.is_empty() {
        return Ok(false);
    }
    let rows = u32::try_from(panels.len().div_ceil(COLUMNS)).unwrap_or(u32::MAX);
    let columns = u32::try_from(COLUMNS).unwrap_or(1);
    let root = SVGBackend::new(path, (PANEL.0 * columns, HEAD + PANEL.1 * rows)).into_drawing_area();
    draw(sheet, &panels, &root).map_err(|error| BenchError::Check(format!("{}: {error}", path.display())))?;
    Ok(true)
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(sheet: &Sheet, panels: &[&Panel], root: &Area<'_>) -> Drawn {
    root.fill(&WHITE)?;
    let (head, body) = root.split_vertically(HEAD);
    label(&head, &sheet.title, (14, 12), 21, INK, HPos::Left)?;
    label(&head, &sheet.note, (14, 38), 14, FAINT, HPos::Left)?;
    legend(&head, &sheet.legend)?;
    let rows = panels.len().div_ceil(COLUMNS);
    for (area, panel) in body.split_evenly((rows, COLUMNS)).iter().zip(panels) {
        draw_panel(area, panel)?;
    }
    root.present()
}

fn label(area: &Area<'_>, text: &str, at: (i32, i32), size: u32, colour: RGBColor, side: HPos) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&colour).pos(Pos::new(side, VPos::Top));
    area.draw(&Text::new(text.to_owned(), at, style))
}

fn legend(head: &Area<'_>, names: &[String]) -> Drawn {
    let mut right = i32::try_from(head.dim_in_pixel().0).unwrap_or(i32::MAX) - 20;
    for (name, colour) in names.iter().zip(COLOURS).rev() {
        label(head, name, (right, 13), 16, INK, HPos::Right)?;
        right -= i32::try_from(name.chars().count()).unwrap_or(0) * 8 + 12;
        head.draw(&Circle::new((right, 20), 5, colour.filled()))?;
        right -= 24;
    }
    Ok(())
}

fn draw_panel(area: &Area<'_>, panel: &Panel) -> Drawn {
    let Some(highest) = panel.highest() else { return Ok(()) };
    label(area, &panel.title, (52, 4), 16, INK, HPos::Left)?;
    let last = panel.ticks.len().saturating_sub(1);
    #[expect(clippy::cast_precision_loss, reason = "a few ticks")]
    let right = last as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_top(28)
        .margin_right(22)
        .margin_bottom(8)
        .set_label_area_size(LabelAreaPosition::Left, 50)
        .set_label_area_size(LabelAreaPosition::Bottom, 26)
        .build_cartesian_2d(-0.15..right + 0.15, 0.0..highest * 1.12)?;
    let tick = |place: &f64| tick(&panel.ticks, *place);
    let text = ("sans-serif", 14).into_font().color(&FAINT);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(panel.ticks.len())
        .y_labels(5)
        .x_label_formatter(&tick)
        .y_label_formatter(&|value| short(*value))
        .label_style(text)
        .draw()?;
    for line in &panel.lines {
        draw_line(&mut chart, line)?;
    }
    Ok(())
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn draw_line(chart: &mut Chart<'_, '_>, line: &Line) -> Drawn {
    let colour = COLOURS[line.number % COLOURS.len()];
    #[expect(clippy::cast_precision_loss, reason = "a few ticks")]
    let points: Vec<(f64, f64)> = line.points.iter().map(|(tick, value)| (*tick as f64, *value)).collect();
    if line.dashed {
        chart.draw_series(DashedLineSeries::new(points.clone(), 4, 4, colour.stroke_width(1)))?;
    } else {
        chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
    }
    chart.draw_series(
        points.into_iter().map(|point| Circle::new(point, if line.dashed { 2 } else { 3 }, colour.filled())),
    )?;
    Ok(())
}

/// The name of a tick; nothing in between.
fn tick(ticks: &[String], place: f64) -> String {
    let nearest = place.round();
    let named = (0_u32..).zip(ticks).find(|(number, _)| (f64::from(*number) - nearest).abs() < 0.5);
    named.filter(|_| (place - nearest).abs() < 1e-6).map_or_else(String::new, |(_, name)| name.clone())
}

/// A number in few characters.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, " M"),
        value if value >= 1e3 => (value / 1e3, " k"),
        value => (value, ""),
    };
    let digits = if value >= 10.0 || value.fract().abs() < 1e-9 { 0 } else { 2 };
    let shown = format!("{value:.digits$}");
    let shown = if digits == 0 { &shown } else { shown.trim_end_matches('0') };
    format!("{shown}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (40.0, "40"), (20_000.0, "20 k"), (1e6, "1 M")]
        {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn ticks_have_their_names_and_nothing_has_one_in_between() {
        let ticks = ["1".to_owned(), "64".to_owned()];
        assert_eq!(
            (tick(&ticks, 1.0), tick(&ticks, 0.5), tick(&ticks, 2.0)),
            ("64".into(), String::new(), String::new())
        );
    }

    #[test]
    fn a_sheet_is_written_where_there_is_something_to_show() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rate.svg");
        let line = |points| Line { points, dashed: false, number: 0 };
        let panel =
            |points| Panel { title: "send".into(), ticks: vec!["1".into(), "64".into()], lines: vec![line(points)] };
        let sheet =
            |panels| Sheet { title: "Rate".into(), note: String::new(), legend: vec!["tidings".into()], panels };
        assert!(!write(&sheet(vec![panel(vec![])]), &path).unwrap());
        assert!(write(&sheet(vec![panel(vec![(0, 10.0), (1, 90.0)])]), &path).unwrap());
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("send") && svg.contains("polyline"));
    }
}
