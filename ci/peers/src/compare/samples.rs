//! The same figure from several rounds.

/// One figure for each round.
#[derive(Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn new(figures: Vec<f64>) -> Self {
        Self(figures)
    }

    /// Each divided by the other's of the same round.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }

    /// The larger one in each round.
    pub(crate) fn larger(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one.max(*other)).collect())
    }

    pub(crate) fn figures(&self) -> &[f64] {
        &self.0
    }

    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        match sorted.get(middle) {
            None => f64::NAN,
            Some(upper) if sorted.len().is_multiple_of(2) => f64::midpoint(sorted[middle - 1], *upper),
            Some(median) => *median,
        }
    }

    pub(crate) fn least(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios_are_of_rounds() {
        let (one, other) = (Samples::new(vec![4.0, 1.0, 6.0]), Samples::new(vec![2.0, 2.0, 2.0]));
        assert_eq!((one.least(), one.median(), one.most()), (1.0, 4.0, 6.0));
        assert_eq!(one.over(&other).figures(), [2.0, 0.5, 3.0]);
        assert_eq!(one.larger(&other).figures(), [4.0, 2.0, 6.0]);
        assert_eq!(Samples::new(vec![1.0, 2.0]).median(), 1.5);
        assert!(Samples::new(Vec::new()).median().is_nan());
    }
}
