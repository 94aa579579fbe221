//! Any vectors, of any bits or of some structure, in any form and with anything remembered: what comes back is what was asked for. An
//! encoder that has seen much writes what a new one does.

use crate::common::judge::assert_holds;
use crate::common::kinds::{Kind, Near, Rounded, Scaling, near_profile, rounded, structured};
use crate::common::profiles::the_profile;
use crate::common::reference::layout;
use crate::common::*;
use arbitrary::Arbitrary;
use std::cell::RefCell;
use vecstash_core::{Buffer, Float, Form, HintWords, Item, Precision, Profile, VectorEncoder};

#[derive(Arbitrary, Debug)]
pub struct Given {
    precision: Asked,
    compression: u8,
    has_profile: bool,
    hint: HintWords,
    vectors: [Source; 2],
}

#[derive(Arbitrary, Debug)]
enum Asked {
    Exact,
    Float16,
    Int8,
    /// The exponent in binades, and any bits.
    MaxError(u8),
    AnyError(u32),
}

#[derive(Arbitrary, Debug)]
enum Source {
    Bits(Vec<u32>),
    Made { kind: u8, scaling: u8, after: u8, dimensions: u16, seed: u16, changes: Vec<(u16, u32)> },
}

const SCALINGS: [Scaling; 7] =
    [Scaling::None, Scaling::Single, Scaling::Double, Scaling::Twice, Scaling::Unit, Scaling::UnitTwice, Scaling::By127];

impl Source {
    fn vector(&self) -> Vec<Float> {
        match self {
            Self::Bits(bits) if bits.is_empty() => vec![[0; 4]],
            Self::Bits(bits) => bits.iter().map(|bits| bits.to_ne_bytes()).collect(),
            Self::Made { kind, scaling, after, dimensions, seed, changes } => {
                let (dimensions, seed) = (usize::from(*dimensions) % 1100 + 1, u64::from(*seed));
                let scaling = SCALINGS[usize::from(*scaling) % SCALINGS.len()];
                let near = [Near::Anywhere, Near::Of(Kind::Float16, scaling), Near::Of(Kind::Decimals(5), Scaling::None)];
                let mut vector = match kind % 17 {
                    kind @ 14.. => near_profile(dimensions, seed, near[usize::from(kind - 14)]),
                    0 => gaussian(dimensions, seed),
                    1 => structured(Kind::Float16, scaling, dimensions, seed),
                    2 => structured(Kind::BrainFloat, scaling, dimensions, seed),
                    3 => structured(Kind::Byte, scaling, dimensions, seed),
                    4 => vec![(seed as u32 * 0x1_0001).to_ne_bytes(); dimensions],
                    5 => structured(Kind::Integers(1 << (seed % 18)), scaling, dimensions, seed),
                    digits => structured(Kind::Decimals(i32::from(digits) - 3), Scaling::None, dimensions, seed),
                };
                match after % 8 {
                    0 => vector = rounded(&vector, Rounded::Half),
                    1 => vector = rounded(&vector, Rounded::Decimals(3 + i32::from(after / 8 % 8))),
                    2 => vector = rounded(&vector, Rounded::Digits(2 + usize::from(after / 8 % 7))),
                    _ => {}
                }
                for (at, bits) in changes {
                    vector[usize::from(*at) % dimensions] = bits.to_ne_bytes();
                }
                vector
            }
        }
    }
}

pub fn check(given: Given) {
    thread_local!(static SEASONED: RefCell<(VectorEncoder, Buffer)> = RefCell::default());
    let precision = match given.precision {
        Asked::Exact => Precision::Exact,
        Asked::Float16 => Precision::Float16,
        Asked::Int8 => Precision::Int8,
        Asked::MaxError(binades) => Precision::MaxError(2f32.powi(-i32::from(binades % 40))),
        Asked::AnyError(bits) => Precision::MaxError(f32::from_bits(bits % 0x7f7f_ffff + 1)),
    };
    let compression = COMPRESSIONS[usize::from(given.compression) % 4];
    let mut form = Form { precision, compression, structure_hint: given.hint };
    for vector in given.vectors.iter().map(Source::vector) {
        let mut same_form = form;
        let profile = given.has_profile.then(|| Profile::parse(&the_profile(vector.len())).expect("it is sound"));
        // Of what is there, so that the inputs that are kept mean what they meant.
        let [first, second, ..] = given.hint;
        let item = Item { tokens: (first % 2 == 1).then_some(second >> (first % 32)), ..item(&vector) };
        let record = SEASONED.with_borrow_mut(|(encoder, out)| {
            out.clear();
            encoder.encode_with(profile.as_ref(), item, None, &mut form, out).expect("it has elements");
            out.to_vec()
        });
        let mut same_record = Buffer::default();
        let result = VectorEncoder::default().encode_with(profile.as_ref(), item, None, &mut same_form, &mut same_record);
        result.expect("it has elements");
        assert_eq!((&record[..], form.structure_hint), (&same_record[..], same_form.structure_hint));
        assert_holds(&record, &vector, precision);
        assert_eq!(layout(&record).expect("it is sound").tokens, item.tokens);
    }
}
