//! Finding the few bytes of a plane that lie apart from all others.

use crate::simd::multiversioned;

/// Bytes that are looked at together.
const ROW: usize = 32;

/// The bytes that are none of the `count` values from `top` down (modulo 256), and where they are. Fast where they are rare.
pub fn outside(bytes: &[u8], top: u8, count: u8) -> impl Iterator<Item = (usize, u8)> {
    let rows = bytes.chunks(ROW).enumerate().filter(move |(_, row)| has_outside(row, top, count));
    let elements = rows.flat_map(|(index, row)| (index * ROW..).zip(row.iter().copied()));
    elements.filter(move |(_, byte)| top.wrapping_sub(*byte) >= count)
}

multiversioned! {
fn has_outside(row: &[u8], top: u8, count: u8) -> bool {
    row.iter().fold(false, |found, byte| found | (top.wrapping_sub(*byte) >= count))
}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_them_is_found() {
        for length in [0, 1, 31, 32, 33, 200] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 37) as u8).collect();
            for (top, count) in [(255_u8, 255_u8), (120, 16), (5, 16), (31, 32), (0, 1)] {
                let is_inside = |byte: u8| (0..count).any(|distance| top.wrapping_sub(distance) == byte);
                let expected: Vec<_> = bytes.iter().copied().enumerate().filter(|(_, byte)| !is_inside(*byte)).collect();
                assert_eq!(outside(&bytes, top, count).collect::<Vec<_>>(), expected, "{count} from {top} down");
            }
        }
    }
}
