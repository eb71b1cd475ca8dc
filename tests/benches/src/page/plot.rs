//! A plot of lines as SVG, readable on light and on dark.

/// A plot with named lines.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// The horizontal axis. It is logarithmic.
    pub(super) x: Axis<'a>,
    /// The vertical axis.
    pub(super) y: Axis<'a>,
    pub(super) lines: Vec<Line<'a>>,
}

/// An axis: its words, its scale, and the words for a number on it.
pub(super) struct Axis<'a> {
    pub(super) label: &'a str,
    pub(super) scale: Scale,
    pub(super) word: fn(f64) -> String,
}

/// The scale of an axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// Zero stands where a tenth of the smallest other number would.
    Logarithmic,
}

/// A line of a plot: points from left to right.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64)>,
}

impl Plot<'_> {
    /// Writes the plot; nothing without at least one point.
    pub(super) fn svg(&self) -> Option<String> {
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let across = Range::of(points().map(|point| point.0), self.x.scale)?;
        let up = Range::of(points().map(|point| point.1), self.y.scale)?;
        let x = |value| LEFT + across.place(value) * (RIGHT - LEFT);
        let y = |value| BOTTOM - up.place(value) * (BOTTOM - TOP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"sans-serif\" font-size=\"13\">\n<title>{0}</title>\n{STYLE}\
             <rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
             <text class=\"ink\" x=\"{LEFT}\" y=\"22\" font-size=\"16\">{0}</text>\n",
            escaped(self.title)
        );
        let mut ticks: Vec<f64> = points().map(|point| point.0).collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        for tick in ticks {
            let (at, word) = (x(tick), escaped(&(self.x.word)(tick)));
            svg += &format!(
                "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\"/>\n\
                 <text class=\"ink\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{word}</text>\n",
                BOTTOM + 18.0
            );
        }
        for tick in up.ticks() {
            let (at, word) = (y(tick), escaped(&(self.y.word)(tick)));
            svg += &format!(
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\"/>\n\
                 <text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{word}</text>\n",
                LEFT - 8.0,
                at + 4.0
            );
        }
        svg += &format!(
            "<text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text class=\"ink\" transform=\"translate(18 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
            f64::midpoint(LEFT, RIGHT),
            BOTTOM + 42.0,
            escaped(self.x.label),
            f64::midpoint(TOP, BOTTOM),
            escaped(self.y.label)
        );
        for (nth, line) in self.lines.iter().enumerate() {
            svg += &line.svg(nth, x, y);
        }
        svg += "</svg>\n";
        Some(svg)
    }
}

impl Line<'_> {
    /// Writes the line, its points, and its row of the legend.
    fn svg(&self, nth: usize, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
        let at = |point: &(f64, f64)| format!("{:.1},{:.1}", x(point.0), y(point.1));
        let path: Vec<String> = self.points.iter().map(at).collect();
        let class = format!("s{}", nth % COLORS.len());
        // A second mark beside the colour, for those who do not see it.
        let dash = DASHES[nth % DASHES.len()];
        let stroke = format!("class=\"line {class}\" stroke-dasharray=\"{dash}\"");
        let mut svg = format!("<polyline {stroke} points=\"{}\"/>\n", path.join(" "));
        for point in &self.points {
            svg += &format!(
                "<circle class=\"{class} dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>\n",
                x(point.0),
                y(point.1)
            );
        }
        let legend = TOP + 8.0 + 22.0 * nth as f64;
        svg += &format!(
            "<line {stroke} x1=\"{:.1}\" y1=\"{legend:.1}\" x2=\"{:.1}\" y2=\"{legend:.1}\"/>\n\
             <text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            RIGHT + 16.0,
            RIGHT + 46.0,
            RIGHT + 54.0,
            legend + 4.0,
            escaped(self.name)
        );
        svg
    }
}

/// The numbers from one end of an axis to the other.
struct Range {
    low: f64,
    high: f64,
    scale: Scale,
}

impl Range {
    fn of(values: impl Iterator<Item = f64> + Clone, scale: Scale) -> Option<Self> {
        let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
        if !high.is_finite() {
            return None;
        }
        Some(match scale {
            Scale::Linear => {
                let step = step(high.max(f64::MIN_POSITIVE));
                let high = (high / step).ceil().max(1.0) * step;
                Self {
                    low: 0.0,
                    high,
                    scale,
                }
            }
            Scale::Logarithmic => {
                let positive = values.clone().filter(|value| *value > 0.0);
                let low = positive.fold(high.max(f64::MIN_POSITIVE), f64::min);
                let zero = values.into_iter().any(|value| value <= 0.0);
                let low = if zero { low / 10.0 } else { low };
                Self {
                    low,
                    high: high.max(low * 10.0),
                    scale,
                }
            }
        })
    }

    /// Returns where a value is: 0 at one end, 1 at the other one.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => {
                (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
            }
        }
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = step(self.high);
                let steps = (self.high / step).round() as usize;
                (0..=steps).map(|n| n as f64 * step).collect()
            }
            Scale::Logarithmic => {
                let decades = self.low.log10().ceil() as i32..=self.high.log10().floor() as i32;
                decades.map(|decade| 10_f64.powi(decade)).collect()
            }
        }
    }
}

/// Returns a round number that divides a range into three to eight steps.
fn step(high: f64) -> f64 {
    let decade = 10_f64.powf((high / 4.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * decade)
        .into_iter()
        .find(|step| high / step <= 6.0)
        .unwrap_or(10.0 * decade)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 660.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 360.0;

/// Colours that differ also for those who confuse red and green.
const COLORS: [&str; 8] = [
    "#777777", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a6fd1",
];

const DASHES: [&str; 3] = ["none", "7 3", "2 3"];

const STYLE: &str = "<style>\
.back{fill:#ffffff}.ink{fill:#222222}.grid{stroke:#222222;stroke-opacity:.15}\
.line{fill:none;stroke-width:2}\
.s0{stroke:#777777}.s1{stroke:#0072b2}.s2{stroke:#d55e00}.s3{stroke:#009e73}\
.s4{stroke:#cc79a7}.s5{stroke:#b8860b}.s6{stroke:#56b4e9}.s7{stroke:#8a6fd1}\
.dot{fill:#ffffff;stroke-width:2}\
@media (prefers-color-scheme:dark){.back,.dot{fill:#0d1117}.ink{fill:#e6edf3}.grid{stroke:#e6edf3}}\
</style>\n";

#[cfg(test)]
mod tests {
    use super::{Axis, COLORS, Line, Plot, Range, STYLE, Scale};

    #[test]
    fn a_logarithmic_axis_has_room_for_zero() {
        let range = Range::of([0.0, 1.0, 100.0].into_iter(), Scale::Logarithmic).expect("values");
        assert_eq!(range.place(0.0), 0.0);
        assert!((range.place(1.0) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(range.place(100.0), 1.0);
    }

    #[test]
    fn a_linear_axis_ends_at_a_tick_above_the_largest_value() {
        let range = Range::of([3.0, 14.2].into_iter(), Scale::Linear).expect("values");
        assert_eq!(range.ticks(), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(range.place(15.0), 1.0);
    }

    #[test]
    fn a_plot_names_its_lines_and_escapes_their_names() {
        let axis = |label| Axis {
            label,
            scale: Scale::Linear,
            word: |it| it.to_string(),
        };
        let line = |name| Line {
            name,
            points: vec![(1.0, 2.0), (2.0, 3.0)],
        };
        let (x, y) = (axis("bytes"), axis("µs"));
        let lines = vec![line("a < b"), line("c")];
        let svg = Plot {
            title: "t",
            x,
            y,
            lines,
        }
        .svg()
        .expect("points");
        for part in [">a &lt; b<", ">c<", ">bytes<", ">µs<"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        let (x, y) = (axis(""), axis(""));
        assert_eq!(
            Plot {
                title: "t",
                x,
                y,
                lines: Vec::new()
            }
            .svg(),
            None
        );
    }

    #[test]
    fn each_colour_is_in_the_style() {
        for (nth, color) in COLORS.iter().enumerate() {
            assert!(STYLE.contains(&format!(".s{nth}{{stroke:{color}}}")));
        }
    }
}
