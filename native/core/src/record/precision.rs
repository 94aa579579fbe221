//! How much of a vector must come back.

use crate::modes::profile;
use crate::modes::{self, steps};

/// What a writer may lose, and what a reader accepts: docs/format.md section 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// Bit for bit.
    Exact,
    Float16,
    Int8,
    /// The furthest that an element may end from what it was: positive and finite.
    MaxError(f32),
}

impl Precision {
    /// From the number that crosses from JavaScript: 0 exact, -1 float16, -2 int8, above 0 the largest error.
    pub fn from_number(number: f64) -> Option<Self> {
        match number {
            0.0 => Some(Self::Exact),
            -1.0 => Some(Self::Float16),
            -2.0 => Some(Self::Int8),
            _ if number > 0.0 && number.is_finite() => {
                let bound = round_down(number);
                (bound > 0.0).then_some(Self::MaxError(bound))
            }
            _ => None,
        }
    }

    /// Whether a vector record of `mode` is fine enough; none where its payload is too short to tell.
    pub fn accepts(self, mode: u8, payload: &[u8]) -> Option<bool> {
        Some(match (mode, self) {
            (modes::PROFILED_STEPS, _) => {
                let (_, rest) = profile::split(payload)?;
                return self.accepts(modes::STEPS, rest);
            }
            (modes::STEPS, Self::MaxError(asked)) => steps::bound(payload)? <= asked,
            (modes::STEPS, _) => {
                steps::bound(payload)?;
                false
            }
            (modes::FLOAT16, _) => matches!(self, Self::Float16 | Self::Int8),
            (modes::INT8, _) => self == Self::Int8,
            _ => true,
        })
    }
}

/// The largest float32 that is not above `number`.
fn round_down(number: f64) -> f32 {
    let nearest = number as f32;
    if f64::from(nearest) > number { nearest.next_down() } else { nearest }
}
