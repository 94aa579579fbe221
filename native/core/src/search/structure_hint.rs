//! What a codec remembers of the vectors it has seen, so that the search for their structure is not paid for each.

use crate::modes::rounding::Rounding;

/// What the vectors of a model have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A grid of so many significant bits, scaled.
    Scaled(u32),
    /// Significands of so many bits, which takes no search to find and so is not remembered.
    Unscaled(u32),
    /// So many digits behind the point.
    Decimal(u8),
    /// A grid of so many significant bits, scaled and then rounded.
    Rounded { precision: u32, rounding: Rounding },
    /// Multiples of some step, rounded, of less than 2^`bits` each.
    Multiples { rounding: Rounding, bits: u32 },
}

/// A search for more significant bits than this takes long, and finds what is chance.
const MAX_SCALED: u32 = 16;

/// Vectors without structure between two searches: at first, and at most. It doubles with each search.
const MIN_SEARCH_INTERVAL: u32 = 16;
const MAX_SEARCH_INTERVAL: u32 = 128;

/// Significands that end in zeros are a structure already, and its planes compress, which makes a search dear.
const MAX_SEARCH_INTERVAL_OF_ZEROS: u32 = 2048;

/// So many vectors in a row may be of no structure before it is forgotten what the others were.
const MAX_STRAYS: u32 = 3;

/// A form's hints, all zero at first. Of each two words: the family, and how many vectors without structure there were since. Vectors
/// whose significands end in zeros have a hint of their own, since to tell them from others takes no search.
pub type HintWords = [u32; HINT_WORDS];

pub const HINT_WORDS: usize = 4;

const NONE: u32 = 1;
const PLANES_PAY: u32 = 1 << 8;
const SCALED: u32 = 2;
const DECIMAL: u32 = 4;
const MULTIPLES: u32 = 5;
const ROUNDED: u32 = 6;

/// One hint, in words that may hold anything: what makes no sense is unknown.
pub struct StructureHint<'a> {
    words: &'a mut [u32; 2],
    max_interval: u32,
}

impl<'a> StructureHint<'a> {
    pub fn of(words: &'a mut HintWords, ends_in_zeros: bool) -> Self {
        let [of_others, of_zeros] = words.as_chunks_mut().0 else { unreachable!("four words") };
        match ends_in_zeros {
            true => Self { words: of_zeros, max_interval: MAX_SEARCH_INTERVAL_OF_ZEROS },
            false => Self { words: of_others, max_interval: MAX_SEARCH_INTERVAL },
        }
    }

    pub fn family(&self) -> Option<Family> {
        let [word, _] = *self.words;
        let detail = word >> 8;
        match word & 0xff {
            SCALED if (2..=MAX_SCALED).contains(&detail) => Some(Family::Scaled(detail)),
            MULTIPLES => Rounding::from_byte(detail as u8).map(|rounding| Family::Multiples { rounding, bits: detail >> 8 }),
            ROUNDED if (2..=MAX_SCALED).contains(&(detail & 0xff)) => {
                Rounding::from_byte((detail >> 8) as u8).map(|rounding| Family::Rounded { precision: detail & 0xff, rounding })
            }
            DECIMAL if (1..=12).contains(&detail) => Some(Family::Decimal(detail as u8)),
            _ => None,
        }
    }

    /// Whether vectors were without structure, and are believed to be for one more.
    pub fn skips_search(&mut self) -> bool {
        let [word, skipped] = self.words;
        let sum = skipped.wrapping_add(MIN_SEARCH_INTERVAL);
        let is_time = if sum <= 2 * self.max_interval { sum.is_power_of_two() } else { sum.is_multiple_of(self.max_interval) };
        let skips = *word & 0xff == NONE && !is_time;
        if skips {
            *skipped = skipped.wrapping_add(1);
        }
        skips
    }

    /// Whether the planes of vectors without structure are worth a try each time.
    pub fn expects_planes(&self) -> bool {
        self.words[0] == NONE | PLANES_PAY
    }

    /// After a search that found nothing: whether planes were smallest.
    pub fn remember_planes(&mut self, pay: bool) {
        if self.words[0] & 0xff == NONE {
            self.words[0] = NONE | if pay { PLANES_PAY } else { 0 };
        }
    }

    /// After a vector of the family that is remembered.
    pub fn confirm(&mut self) {
        self.words[1] = 0;
    }

    /// After a search.
    pub fn remember(&mut self, family: Option<Family>) {
        let family = family.filter(|family| !matches!(family, Family::Unscaled(_)));
        if family.is_none() && self.family().is_some() && self.words[1] < MAX_STRAYS {
            self.words[1] += 1;
            return;
        }
        *self.words = match family {
            None if self.words[0] & 0xff == NONE => [NONE, self.words[1].wrapping_add(1)],
            None | Some(Family::Unscaled(_)) => [NONE, 1],
            Some(Family::Scaled(precision)) => [SCALED | precision << 8, 0],
            Some(Family::Decimal(digits)) => [DECIMAL | u32::from(digits) << 8, 0],
            Some(Family::Rounded { precision, rounding }) => [ROUNDED | precision << 8 | u32::from(rounding.byte()) << 16, 0],
            Some(Family::Multiples { rounding, bits }) => [MULTIPLES | u32::from(rounding.byte()) << 8 | bits << 16, 0],
        };
    }
}
