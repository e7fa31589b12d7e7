//! The scale on which a series is judged, so that one unit means the same at any height.

/// How values become numbers that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Whole numbers from 0 on: they vary like counts.
    Counts,
    /// Anything else: as it is.
    Reals,
}

/// By how much the squared relative spread of large counts exceeds Poisson's: at 1,000 a minute
/// and more, a change of 3 % is as unremarkable as the square root of a small count.
const DISPERSION: f64 = 0.001;

/// Anscombe's correction (Biometrika 35, 1948).
const ANSCOMBE: f64 = 0.375;

impl Scale {
    /// Whether the value can stand on the scale.
    pub(super) fn admits(self, value: f64) -> bool {
        match self {
            Self::Counts => value >= 0.0 && value.fract() == 0.0,
            Self::Reals => true,
        }
    }

    /// The value on the scale. For counts it is Anscombe's transform of the negative binomial
    /// distribution, whose standard deviation is about 1 at any height: like a square root where
    /// counts are small, like a logarithm where they are large.
    pub(super) fn to(self, value: f64) -> f64 {
        match self {
            Self::Counts => {
                2.0 / DISPERSION.sqrt() * (DISPERSION * (value + ANSCOMBE)).max(0.0).sqrt().asinh()
            }
            Self::Reals => value,
        }
    }

    /// The value at a place of the scale.
    pub(super) fn from(self, place: f64) -> f64 {
        match self {
            Self::Counts => {
                let root = (place.max(0.0) * DISPERSION.sqrt() / 2.0).sinh();
                (root * root / DISPERSION - ANSCOMBE).max(0.0)
            }
            Self::Reals => place,
        }
    }

    /// The least standard deviation that is believed, of a series that lies around `size`.
    pub(super) fn floor(self, size: f64) -> f64 {
        match self {
            Self::Counts => 1.0,
            Self::Reals => 1e-9 + size * 1e-4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for value in [0.0, 1.0, 7.0, 1000.0, 1e9] {
            assert!((Scale::Counts.from(Scale::Counts.to(value)) - value).abs() <= value * 1e-9);
        }
        assert_eq!(Scale::Reals.from(Scale::Reals.to(-3.5)), -3.5);
    }

    #[test]
    fn one_unit_is_one_deviation_of_a_count() {
        for mean in [10.0_f64, 100.0, 400.0] {
            let step = Scale::Counts.to(mean + mean.sqrt()) - Scale::Counts.to(mean);
            assert!((0.8..1.1).contains(&step), "{mean}: {step}");
        }
    }
}
