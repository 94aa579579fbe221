//! A file of vectors: NumPy's format, as far as rows of float32s need it
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use crate::Vector;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The rows of a two-dimensional array of little-endian float32s, in C order. Panics, saying why, where the file is anything else.
pub fn read(path: &str) -> Vec<Vector> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (header, data) = split(&bytes).unwrap_or_else(|| panic!("{path}: not a .npy file"));
    assert!(
        header.contains("'<f4'") && header.contains("'fortran_order': False"),
        "{path}: expected float32s in C order, got {header}"
    );
    let dimensions = dimensions(header).unwrap_or_else(|| panic!("{path}: expected two dimensions, got {header}"));
    let rows = data.as_chunks().0.chunks_exact(dimensions);
    rows.map(|row| row.iter().map(|bytes| u32::from_le_bytes(*bytes).to_ne_bytes()).collect()).collect()
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (version, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
    let (length, rest) = if version[0] == 1 {
        let (length, rest) = rest.split_first_chunk()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        (u32::from_le_bytes(*length) as usize, rest)
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// The second number of `'shape': (rows, dimensions)`.
fn dimensions(header: &str) -> Option<usize> {
    let (_, shape) = header.split_once("'shape': (")?;
    let (shape, _) = shape.split_once(')')?;
    let (_, dimensions) = shape.split_once(',')?;
    dimensions.trim().parse().ok().filter(|dimensions| *dimensions > 0)
}
