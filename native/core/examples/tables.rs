//! `cargo run --release --example tables`: how the code lengths of docs/format.md section 2.6 came about. They are optimal prefix codes of at
//! most 11 bits for the multiples of a step that elements are near, elements being Gaussian with a scale that varies from dimension to
//! dimension.

pub const SYMBOLS: usize = 32;
const MAX_BITS: usize = 11;

/// Keeps symbols that hardly occur in the code.
const MIN_PROBABILITY: f64 = 1e-7;

/// What a code is made for.
pub struct Model {
    /// The mean scale, in steps.
    scale: f64,
    /// The standard deviation of the logarithm of the scales.
    spread: f64,
    /// Whether elements are rounded to the nearest multiple, or down to it.
    is_rounded: bool,
}

pub const MODELS: [Model; 7] = [
    Model { scale: 0.19, spread: 0.6, is_rounded: true },
    Model { scale: 1.3, spread: 0.3, is_rounded: true },
    Model { scale: 2.0, spread: 0.3, is_rounded: true },
    Model { scale: 1.54, spread: 0.3, is_rounded: false },
    Model { scale: 2.83, spread: 0.0, is_rounded: false },
    Model { scale: 3.67, spread: 0.0, is_rounded: false },
    Model { scale: 4.4, spread: 0.0, is_rounded: false },
];

// A test includes this file, and has no use for what prints.
#[allow(dead_code)]
fn main() {
    for (table, model) in MODELS.iter().enumerate() {
        let weights = model.weights();
        let lengths = lengths(&weights);
        let text = lengths.map(|length| length.to_string()).join(" ");
        println!("| {table} | {text} | {:.4} bits a symbol", cost(&weights, &lengths));
    }
}

/// The mean length of a code.
pub fn cost(weights: &[f64; SYMBOLS], lengths: &[usize; SYMBOLS]) -> f64 {
    weights.iter().zip(lengths).map(|(weight, length)| weight * *length as f64).sum()
}

impl Model {
    /// How likely each symbol is; symbol 16 is the multiple 0.
    pub fn weights(&self) -> [f64; SYMBOLS] {
        // Scales at 61 places up to three deviations either way.
        let deviations = (-30..=30).map(|place| f64::from(place) / 10.0);
        let mut scales: Vec<(f64, f64)> = deviations.map(|z| ((-z * z / 2.0).exp(), (self.spread * z).exp())).collect();
        let total: f64 = scales.iter().map(|(weight, _)| weight).sum();
        let mean = scales.iter().map(|(weight, scale)| weight * scale).sum::<f64>() / total;
        scales.iter_mut().for_each(|(weight, scale)| (*weight, *scale) = (*weight / total, *scale * self.scale / mean));

        // One side is the other's mirror image: computed once, so that they are equal to the last bit.
        let shift = if self.is_rounded { 0.5 } else { 0.0 };
        std::array::from_fn(|symbol| {
            let multiple = symbol as f64 - 16.0;
            let from = if self.is_rounded { multiple.abs() } else { (multiple + 0.5).abs() - 0.5 } - shift;
            scales.iter().map(|(weight, scale)| weight * between(from / scale, (from + 1.0) / scale)).sum::<f64>()
                + MIN_PROBABILITY
        })
    }
}

/// The share of a Gaussian of scale 1 that lies between two places, by Simpson's rule.
fn between(from: f64, to: f64) -> f64 {
    const PARTS: usize = 1 << 10;
    let (from, to) = (from.max(-9.0), to.clamp(-9.0, 9.0));
    if from >= to {
        return 0.0;
    }
    let width = (to - from) / PARTS as f64;
    let at = |part: usize| (-(from + width * part as f64).powi(2) / 2.0).exp();
    let inner: f64 = (1..PARTS).map(|part| at(part) * if part % 2 == 1 { 4.0 } else { 2.0 }).sum();
    (at(0) + inner + at(PARTS)) * width / 3.0 / std::f64::consts::TAU.sqrt()
}

/// The lengths of an optimal code, by package-merge: each length up to the longest is a coin of every symbol, two coins of one length make
/// a package worth one of the next shorter, and the cheapest coins that together pay for the code say how long each symbol is.
pub fn lengths(weights: &[f64; SYMBOLS]) -> [usize; SYMBOLS] {
    let mut coins: Vec<(f64, Vec<usize>)> = weights.iter().enumerate().map(|(symbol, weight)| (*weight, vec![symbol])).collect();
    coins.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut row = coins.clone();
    for _ in 1..MAX_BITS {
        let packages = row.as_chunks().0.iter().map(|[a, b]| (a.0 + b.0, [&a.1[..], &b.1].concat()));
        row = coins.iter().cloned().chain(packages).collect();
        row.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let mut lengths = [0; SYMBOLS];
    row[..2 * SYMBOLS - 2].iter().flat_map(|(_, symbols)| symbols).for_each(|symbol| lengths[*symbol] += 1);
    lengths
}
