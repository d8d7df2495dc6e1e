//! How the comparison is told.

use serde_json::{Value, json};

use super::plan::Bar;
use super::samples::Samples;

/// One line of the table: a figure of dl, maybe beside another's, and maybe a bar.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) work: String,
    pub(crate) unit: Unit,
    pub(crate) dl: Samples,
    pub(crate) beside: Option<(String, Samples)>,
    pub(crate) ratio: Option<Samples>,
    /// On the ratio, if there is one, else on the figure.
    pub(crate) bar: Option<Bar>,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    PerSecond,
    BytesPerSecond,
    Seconds,
    Microseconds,
    /// Of processor time, for each record.
    EachMicroseconds,
    Bytes,
    Times,
}

/// The table, below what there is to say about all of it.
pub(crate) fn markdown(head: &[String], lines: &[Line]) -> String {
    let mut text: String = head.iter().map(|line| format!("- {line}\n")).collect();
    text.push_str("\n| work | dl | beside | its figure | ratio | bar | |\n|---|---|---|---|---|---|---|\n");
    for line in lines {
        text.push_str(&format!("| {} |\n", line.cells().join(" | ")));
    }
    text
}

impl Line {
    fn cells(&self) -> [String; 7] {
        let none = || "–".to_owned();
        let (name, its) = match &self.beside {
            Some((name, its)) => (name.clone(), self.unit.tell(its)),
            None => (none(), none()),
        };
        let ratio = self.ratio.as_ref().map_or_else(none, |ratio| Unit::Times.tell(ratio));
        let unit = if self.ratio.is_some() { Unit::Times } else { self.unit };
        let bar = self.bar.map_or_else(none, |bar| bar.tell(unit));
        let met = self.met().map_or("", |met| if met { "met" } else { "missed" }).to_owned();
        [self.work.clone(), self.unit.tell(&self.dl), name, its, ratio, bar, met]
    }

    fn met(&self) -> Option<bool> {
        let judged = self.ratio.as_ref().unwrap_or(&self.dl).median();
        self.bar.map(|bar| match bar {
            Bar::AtLeast(least) => judged >= least,
            Bar::AtMost(most) => judged <= most,
        })
    }

    /// The same for programs.
    pub(crate) fn object(&self) -> Value {
        let samples = |samples: &Samples| {
            json!({
                "median": samples.median(), "least": samples.least(), "most": samples.most(),
                "rounds": samples.figures(),
            })
        };
        let (at_least, at_most) = match self.bar {
            Some(Bar::AtLeast(least)) => (Some(least), None),
            Some(Bar::AtMost(most)) => (None, Some(most)),
            None => (None, None),
        };
        json!({
            "work": self.work,
            "unit": self.unit.name(),
            "dl": samples(&self.dl),
            "beside": self.beside.as_ref().map(|(name, its)| json!({ "name": name, "figure": samples(its) })),
            "ratio": self.ratio.as_ref().map(samples),
            "at_least": at_least,
            "at_most": at_most,
            "met": self.met(),
        })
    }
}

impl Bar {
    fn tell(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", unit.with(least)),
            Self::AtMost(most) => format!("≤ {}", unit.with(most)),
        }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "a second",
            Self::BytesPerSecond => "bytes a second",
            Self::Seconds => "seconds",
            Self::Microseconds | Self::EachMicroseconds => "microseconds",
            Self::Bytes => "bytes",
            Self::Times => "times",
        }
    }

    /// The median, and the least and most.
    fn tell(self, samples: &Samples) -> String {
        let median = self.with(samples.median());
        if samples.figures().len() < 2 {
            return median;
        }
        format!("{median} ({}–{})", self.number(samples.least()), self.number(samples.most()))
    }

    fn with(self, figure: f64) -> String {
        let unit = match self {
            Self::PerSecond => "/s",
            Self::BytesPerSecond => " MB/s",
            Self::Seconds => " s",
            Self::Microseconds => " ms",
            Self::EachMicroseconds => " µs",
            Self::Bytes => " MB",
            Self::Times => " ×",
        };
        format!("{}{unit}", self.number(figure))
    }

    fn number(self, figure: f64) -> String {
        match self {
            Self::PerSecond => grouped(figure),
            Self::BytesPerSecond | Self::Bytes => grouped(figure / 1e6),
            Self::Seconds | Self::EachMicroseconds | Self::Times => format!("{figure:.2}"),
            Self::Microseconds => format!("{:.3}", figure / 1e3),
        }
    }
}

/// A whole number with commas between thousands.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_judged_by_the_ratio_where_there_is_one() {
        let line = Line {
            work: "W".to_owned(),
            unit: Unit::PerSecond,
            dl: Samples::new(vec![12_345.6, 10_000.0, 20_000.0]),
            beside: Some(("other".to_owned(), Samples::new(vec![5_000.0, 6_000.0]))),
            ratio: Some(Samples::new(vec![1.9])),
            bar: Some(Bar::AtLeast(2.0)),
        };
        let head = ["about".to_owned()];
        assert_eq!(
            markdown(&head, &[line.clone()]).lines().last(),
            Some(
                "| W | 12,346/s (10,000–20,000) | other | 5,500/s (5,000–6,000) | 1.90 × | ≥ 2.00 × | missed |"
            )
        );
        let alone = Line { beside: None, ratio: None, ..line };
        assert_eq!(alone.cells()[5..], ["≥ 2/s", "met"]);
        assert_eq!(Line { bar: Some(Bar::AtMost(12_345.0)), ..alone.clone() }.cells()[6], "missed");
        assert_eq!(Line { bar: None, ..alone }.cells()[5..], ["–", ""]);
    }
}
