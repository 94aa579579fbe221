//! Modes `38` to `3a`: multiples of a step, less the mean of each dimension. Docs/format.md section 2.10.

use super::counts::{BLOCK, Counts, Head, NEGATIVE_ZERO_Q};
use super::unit::Unit;
use crate::bits::coded_streams::Scratch;
use crate::modes::profile::Profile;
use crate::simd::multiversioned;
use crate::{Float, modes};

/// Decodes what follows the number of `profile`, which has the dimensions of `vector`, into that; it is left as it was where nothing
/// is returned.
pub fn decode(mode: u8, rest: &[u8], profile: &Profile, vector: &mut [Float], scratch: &mut Scratch) -> Option<()> {
    let (head, rest) = Head::read(rest)?;
    let (unit, rest) = Unit::read(modes::without_profile(mode)?, rest)?;
    let step = unit.step();
    let centres = profile.centres(step)?;
    let counts = Counts::read(&head, rest, vector, scratch)?;
    let (mut q, mut of_means) = ([0; BLOCK], [0; BLOCK]);
    for block in counts.blocks() {
        let (q, of_means) = (&mut q[..block.len()], &mut of_means[..block.len()]);
        counts.fill(block.clone(), q);
        centres.fill(block.clone(), of_means);
        scale(q, of_means, step, &mut vector[block]);
    }
    unit.rounding().apply(vector);
    Some(())
}

multiversioned! { @wide
fn scale(q: &[i32], centres: &[i32], step: f64, vector: &mut [Float]) {
    for ((float, q), centre) in vector.iter_mut().zip(q).zip(centres) {
        let count = f64::from(*q) + f64::from(*centre);
        let value = if *q == NEGATIVE_ZERO_Q { -0.0 } else { (count * step) as f32 };
        *float = value.to_ne_bytes();
    }
}
}
