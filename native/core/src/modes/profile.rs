//! Profiles: the mean of each dimension of a model's vectors, kept once and beside the records. A record names its own by a number.
//! Docs/format.md section 2.10.

use crate::Float;
use crate::round;
use crate::simd::multiversioned;
use std::ops::Range;
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// `VSP`, and the version of a profile's layout.
const MAGIC: [u8; 4] = *b"VSP\x01";

/// Magic and dimensions, before the means.
const HEAD_BYTES: usize = MAGIC.len() + size_of::<u16>();

/// No mean is further from 0, in units of a record.
const MAX_CENTRE: f64 = 268_435_455.0;

/// One profile.
#[derive(Debug)]
pub struct Profile {
    number: u32,
    means: Vec<f32>,
    /// The largest |mean|.
    largest: f32,
}

impl Profile {
    /// Reads what `trainProfile` made. Nothing where it is something else, or damaged.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (means, checksum) = rest.split_at_checked(rest.len().checked_sub(size_of::<u32>())?)?;
        let (magic, dimensions) = head.split_at(MAGIC.len());
        let dimensions = usize::from(u16::from_le_bytes(dimensions.try_into().ok()?));
        let is_whole = magic == MAGIC && dimensions > 0 && means.len() == 2 * dimensions;
        if !is_whole || checksum != crc32(&bytes[..bytes.len() - checksum.len()]).to_le_bytes() {
            return None;
        }
        let means: Vec<f32> = means.as_chunks().0.iter().map(|upper| brain_float(*upper)).collect();
        let largest = means.iter().fold(0.0, |largest: f32, mean| largest.max(mean.abs()));
        let number = XxHash3_64::oneshot(bytes) as u32;
        // Whoever passes a number has 0 for none.
        let is_sound = number != 0 && means.iter().all(|mean| mean.is_finite());
        is_sound.then_some(Self { number, means, largest })
    }

    /// What records name it by; never 0.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn dimensions(&self) -> usize {
        self.means.len()
    }

    pub fn means(&self) -> &[f32] {
        &self.means
    }

    /// The means in units of `unit`; none where one of them would be too many.
    pub fn centres(&self, unit: f64) -> Option<Centres<'_>> {
        let inverse = 1.0 / unit;
        // Not so where the product is no number, either.
        let fits = f64::from(self.largest) * inverse <= MAX_CENTRE;
        fits.then_some(Centres { means: &self.means, inverse })
    }
}

/// A profile of vectors of one length, 1 to `MAX_DIMENSIONS`: what `trainProfile` of JavaScript makes of them. Nothing where there are
/// none, or where an element is not finite.
pub fn train_profile<'a>(vectors: impl IntoIterator<Item = &'a [Float]>) -> Option<Vec<u8>> {
    let mut sums: Vec<f64> = Vec::new();
    let mut count = 0;
    for vector in vectors {
        sums.resize(vector.len(), 0.0);
        for (sum, float) in sums.iter_mut().zip(vector) {
            *sum += f64::from(f32::from_ne_bytes(*float));
        }
        count += 1;
    }
    let dimensions = u16::try_from(sums.len()).ok().filter(|dimensions| *dimensions > 0)?;
    if !sums.iter().all(|sum| sum.is_finite()) {
        return None;
    }
    let mut bytes = [&MAGIC[..], &dimensions.to_le_bytes()].concat();
    bytes.extend(sums.into_iter().flat_map(|sum| upper_half((sum / f64::from(count)) as f32)));
    bytes.extend(crc32(&bytes).to_le_bytes());
    Some(bytes)
}

/// The nearest bfloat16, ties to even; of the largest numbers the one below.
fn upper_half(value: f32) -> [u8; 2] {
    let bits = value.to_bits();
    let rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    let upper = if rounded & 0x7f80 == 0x7f80 { bits >> 16 } else { rounded };
    (upper as u16).to_le_bytes()
}

/// A bfloat16, the upper half of a float32.
fn brain_float(upper: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(upper)) << 16)
}

/// CRC-32 as in zlib, a bit at a time: profiles are short, and read once.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// The means of a profile as whole numbers of a unit, the nearest, ties to even.
#[derive(Clone, Copy)]
pub struct Centres<'a> {
    means: &'a [f32],
    inverse: f64,
}

impl Centres<'_> {
    /// Those of the dimensions `range`.
    pub fn fill(&self, range: Range<usize>, centres: &mut [i32]) {
        count(&self.means[range], self.inverse, centres);
    }
}

multiversioned! { @wide
fn count(means: &[f32], inverse: f64, centres: &mut [i32]) {
    for (mean, centre) in means.iter().zip(centres) {
        *centre = round::to_i32(f64::from(*mean) * inverse);
    }
}
}

/// Profiles that are at hand, or those of them that a reader takes.
#[derive(Clone, Debug, Default)]
pub struct Profiles(Vec<Arc<Profile>>);

impl Profiles {
    /// Takes in what `trainProfile` made and returns the number that records know it by. Nothing where it is no profile, or where
    /// another with its number is here.
    pub fn load(&mut self, bytes: &[u8]) -> Option<u32> {
        let profile = Profile::parse(bytes)?;
        let number = profile.number;
        match self.find(number) {
            Some(known) => (known.means == profile.means).then_some(number),
            None => {
                self.0.push(Arc::new(profile));
                Some(number)
            }
        }
    }

    pub fn find(&self, number: u32) -> Option<&Profile> {
        self.0.iter().find(|profile| profile.number == number).map(|profile| &**profile)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.0.iter().map(|profile| &**profile)
    }

    /// Those with these numbers; none where one of them is not here.
    pub fn only(&self, numbers: &[u32]) -> Option<Self> {
        let find = |number: &u32| self.0.iter().find(|profile| profile.number == *number).cloned();
        numbers.iter().map(find).collect::<Option<_>>().map(Self)
    }
}

/// A payload's number of a profile, and what follows it.
pub fn split(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = payload.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(means: &[f32]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &(means.len() as u16).to_le_bytes()].concat();
        bytes.extend(means.iter().flat_map(|mean| ((mean.to_bits() >> 16) as u16).to_le_bytes()));
        bytes.extend(crc32(&bytes).to_le_bytes());
        bytes
    }

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_was_trained_is_read() {
        let profile = Profile::parse(&bytes_of(&[0.5, -0.25, 0.0])).expect("it is sound");
        assert_eq!(profile.means(), [0.5, -0.25, 0.0]);
        let mut centres = [0; 2];
        profile.centres(0.1).expect("few units").fill(0..2, &mut centres);
        assert_eq!(centres, [5, -2]);
        assert!(profile.centres(1e-9).is_none() && profile.centres(0.0).is_none());
        assert!(profile.centres(f64::INFINITY).is_some());
        assert!(Profile::parse(&bytes_of(&[0.0])).expect("it is sound").centres(0.0).is_none());
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        let sound = bytes_of(&[0.5, -0.25, 1e9]);
        for length in 0..sound.len() {
            assert!(Profile::parse(&sound[..length]).is_none(), "{length} bytes");
        }
        for bit in 0..8 * sound.len() {
            let mut flipped = sound.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Profile::parse(&flipped).is_none(), "bit {bit}");
        }
        assert!(Profile::parse(&[&sound[..], &[0]].concat()).is_none());
        for wrong in [&[][..], &[f32::INFINITY], &[1.0, f32::NAN]] {
            assert!(Profile::parse(&bytes_of(wrong)).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn training_takes_the_mean() {
        let floats = |values: &[f32]| values.iter().map(|value| value.to_ne_bytes()).collect::<Vec<Float>>();
        // 1 + 2^-8 lies in the middle between two bfloat16s, of which 1 is the even one; 1 + 3 x 2^-8 rounds up.
        let vectors = [[1.0, 1.0, -3.0, f32::MAX], [1.0 + 2f32.powi(-7), 1.0 + 6.0 * 2f32.powi(-8), 1.0, f32::MAX]];
        let vectors = vectors.map(|vector| floats(&vector));
        let bytes = train_profile(vectors.iter().map(|vector| &vector[..])).expect("they are finite");
        assert_eq!(bytes.len(), 2 * 4 + 10);
        let below_largest = f32::from_bits(0x7f7f_0000);
        assert_eq!(Profile::parse(&bytes).expect("it is sound").means(), [1.0, 1.0 + 2f32.powi(-6), -1.0, below_largest]);
        assert_eq!(train_profile([]), None);
        assert_eq!(train_profile([&floats(&[f32::NAN])[..]]), None);
        assert_eq!(train_profile([&floats(&[f32::INFINITY])[..]]), None);
    }

    #[test]
    fn a_set_gives_what_is_in_it() {
        let mut profiles = Profiles::default();
        let numbers = [[0.5], [1.0]].map(|means| profiles.load(&bytes_of(&means)).expect("it is sound"));
        assert_eq!(profiles.load(&bytes_of(&[0.5])), Some(numbers[0]));
        assert_eq!(profiles.load(b"no profile"), None);
        let second = profiles.only(&numbers[1..]).expect("it was loaded");
        assert!(second.find(numbers[0]).is_none());
        assert_eq!(second.find(numbers[1]).map(Profile::means), Some(&[1.0][..]));
        assert!(second.only(&numbers).is_none());
    }
}
