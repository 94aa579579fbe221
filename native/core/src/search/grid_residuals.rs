//! What scaling twice leaves over, and whom it belongs to: docs/format.md section 2.5.

use crate::Float;
use crate::modes::grid::{MAX_TABLE_PRECISION, RESIDUAL_BITS, ResidualTable};
use crate::simd::multiversioned;

const MAGNITUDE: u32 = 0x7fff_ffff;

/// In a table: no residual yet.
const UNKNOWN: u8 = 0xff;

/// What stands for no residual.
pub const ZERO: u8 = 2;

/// Makes a table of residuals that are the same for all elements of one `K`, and takes them out of `low`, which then holds sign and `K` only. False,
/// with `low` as it was, where they are not, or where the table would be the longer way.
pub fn move_to_table(vector: &[Float], precision: u32, low: &mut [u32], table: &mut ResidualTable) -> bool {
    let count = 1_usize << (precision - 1);
    if precision > MAX_TABLE_PRECISION || count >= vector.len() {
        return false;
    }
    let table = &mut table[..count];
    table.fill(UNKNOWN);
    for (float, low) in vector.iter().zip(&*low) {
        if u32::from_ne_bytes(*float) & MAGNITUDE != 0 {
            let residual = &mut table[(low >> RESIDUAL_BITS) as usize & (count - 1)];
            let found = *low as u8 & 3;
            if *residual != UNKNOWN && *residual != found {
                return false;
            }
            *residual = found;
        }
    }
    table.iter_mut().filter(|residual| **residual == UNKNOWN).for_each(|residual| *residual = ZERO);
    low.iter_mut().for_each(|low| *low >>= RESIDUAL_BITS);
    true
}

multiversioned! { @wide
/// Whether every element is its `K` times `scale`, of its exponent in `exponents` (0 for zeros), rounded.
pub fn is_exact(vector: &[Float], ks: &[u32], exponents: &[u8], scale: f64) -> bool {
    let mut is_exact = true;
    for ((float, k), exponent) in vector.iter().zip(ks).zip(exponents) {
        let magnitude = u32::from_ne_bytes(*float) & MAGNITUDE;
        let product = ((f64::from(*k as i32) * scale) as f32).to_bits();
        let on_grid = product.wrapping_add(u32::from(*exponent) << 23).wrapping_sub(127 << 23);
        is_exact &= on_grid == magnitude || magnitude == 0;
    }
    is_exact
}
}
