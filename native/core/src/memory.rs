//! What a codec remembers of the vectors it has seen, so that the search for their structure is not paid for each.

/// What the vectors of a model have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A grid of so many significant bits, scaled.
    Scaled(u32),
    /// Significands that end in zeros.
    Unscaled,
    /// So many digits behind the point.
    Decimal(u8),
}

/// A search for more significant bits than this takes long, and finds what is chance.
const MAX_SCALED: u32 = 16;

/// Vectors without structure between the first two full looks, and between later ones: each time it is twice as many, up to the last.
const FIRST_TURNS: u32 = 16;
const LAST_TURNS: u32 = 128;

/// So many vectors in a row may be of no structure before it is forgotten what the others were.
const STRAYS: u32 = 3;

/// The words of a memory, all zero at first: the family, and how many vectors without structure there were since.
pub type Words = [u32; 2];

const NONE: u32 = 1;
const PLANES_PAY: u32 = 1 << 8;
const SCALED: u32 = 2;
const UNSCALED: u32 = 3;
const DECIMAL: u32 = 4;

/// A memory, from words and back. Words may hold anything: what makes no sense is unknown.
pub struct Memory<'a>(pub &'a mut Words);

impl Memory<'_> {
    pub fn family(&self) -> Option<Family> {
        let [word, _] = *self.0;
        let detail = word >> 8;
        match word & 0xff {
            SCALED if (2..=MAX_SCALED).contains(&detail) => Some(Family::Scaled(detail)),
            UNSCALED => Some(Family::Unscaled),
            DECIMAL if (1..=12).contains(&detail) => Some(Family::Decimal(detail as u8)),
            _ => None,
        }
    }

    /// Whether vectors were without structure, and are believed to be for one more.
    pub fn skips_a_turn(&mut self) -> bool {
        let [word, turns] = self.0;
        let sum = turns.wrapping_add(FIRST_TURNS);
        let is_time = if sum <= 2 * LAST_TURNS { sum.is_power_of_two() } else { sum.is_multiple_of(LAST_TURNS) };
        let skips = *word & 0xff == NONE && !is_time;
        if skips {
            *turns = turns.wrapping_add(1);
        }
        skips
    }

    /// Whether the planes of vectors without structure are worth a try each time.
    pub fn expects_planes(&self) -> bool {
        self.0[0] == NONE | PLANES_PAY
    }

    /// After a full look that found nothing: whether planes were smallest.
    pub fn remember_planes(&mut self, pay: bool) {
        if self.0[0] & 0xff == NONE {
            self.0[0] = NONE | if pay { PLANES_PAY } else { 0 };
        }
    }

    /// After a vector of the family that is remembered.
    pub fn confirm(&mut self) {
        self.0[1] = 0;
    }

    /// After a full look.
    pub fn remember(&mut self, family: Option<Family>) {
        if family.is_none() && self.family().is_some() && self.0[1] < STRAYS {
            self.0[1] += 1;
            return;
        }
        *self.0 = match family {
            None if self.0[0] & 0xff == NONE => [NONE, self.0[1].wrapping_add(1)],
            None => [NONE, 1],
            Some(Family::Scaled(precision)) => [SCALED | precision << 8, 0],
            Some(Family::Unscaled) => [UNSCALED, 0],
            Some(Family::Decimal(digits)) => [DECIMAL | u32::from(digits) << 8, 0],
        };
    }
}
