//! What a form remembers makes records smaller sooner, and never wrong.

mod common;

use common::judge::assert_holds;
use common::kinds::{Kind, Rounded, Scaling, any_structured_vector, rounded, structured};
use common::*;
use proptest::prelude::*;
use vecstash_core::{Buffer, Compression, Float, Form, HintWords, Precision, VectorEncoder};

/// Words that mean something, and any others.
fn any_words() -> impl Strategy<Value = HintWords> {
    let sensible = || (0_u32..8, 0_u32..40, 0_u32..40).prop_map(|(kind, detail, skipped)| [kind | detail << 8, skipped]);
    let rounded =
        || (0_u32..20, 0_u32..40, 0_u32..40).prop_map(|(low, high, skipped)| [(5 + low % 2) | low << 8 | high << 16, skipped]);
    let sensible = || prop_oneof![sensible(), rounded()];
    let both = (sensible(), sensible()).prop_map(|([a, b], [c, d])| [a, b, c, d]);
    prop_oneof![both, any::<HintWords>()]
}

fn any_precision() -> impl Strategy<Value = Precision> {
    prop_oneof![4 => Just(Precision::Exact), 1 => (-7.0..-2.0).prop_map(|exponent: f64| Precision::MaxError(10f64.powf(exponent) as f32))]
}

/// Encodes, and checks what comes back. Returns the mode.
fn mode_of(encoder: &mut VectorEncoder, form: &mut Form, vector: &[Float]) -> u8 {
    let mut record = Buffer::default();
    encoder.encode(KEY, vector, None, form, &mut record).unwrap();
    assert_holds(&record, vector, form.precision);
    record[MODE_AT]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_sequence_comes_back(vectors in prop::collection::vec(prop_oneof![any_vector(), any_structured_vector()], 1..30),
        precision in any_precision(), words in any_words(), compression in prop::sample::select(&COMPRESSIONS[..])) {
        let mut encoder = VectorEncoder::default();
        let mut form = Form { precision, compression, structure_hint: words };
        for vector in &vectors {
            mode_of(&mut encoder, &mut form, vector);
        }
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_words_do_no_harm(vector in prop_oneof![any_vector(), any_structured_vector()], precision in any_precision(), words in any_words()) {
        let mut form = Form { precision, compression: Compression::Auto, structure_hint: words };
        mode_of(&mut VectorEncoder::default(), &mut form, &vector);
    }
}

/// What takes a search.
const FAMILIES: [(Kind, Scaling, u8); 5] = [
    (Kind::Float16, Scaling::Double, GRID),
    (Kind::Float16, Scaling::Twice, GRID),
    (Kind::BrainFloat, Scaling::Single, GRID),
    (Kind::Decimals(6), Scaling::None, DECIMAL),
    (Kind::Byte, Scaling::Single, MULTIPLES),
];

/// What takes none.
const UNSCALED: [Kind; 2] = [Kind::BrainFloat, Kind::Float16];

/// Vectors whose significands end in zeros are found among any others, each time.
#[test]
fn what_takes_no_search_is_always_found() {
    for kind in UNSCALED {
        for (others, scaling, mode) in FAMILIES {
            let mut encoder = VectorEncoder::default();
            let mut form = Form::new(Precision::Exact, Compression::Auto);
            for seed in 0..200 {
                let found = match ((seed * 2_654_435_761) >> 7) & 3 {
                    0 => (mode_of(&mut encoder, &mut form, &gaussian(384, seed)), EXPONENT),
                    1 if seed < 20 => (mode_of(&mut encoder, &mut form, &structured(others, scaling, 384, seed)), mode),
                    _ => (mode_of(&mut encoder, &mut form, &structured(kind, Scaling::None, 384, seed)), GRID),
                };
                // Others are forgotten after too many strays, and only they are.
                assert!(found.0 == found.1 || found.1 == mode && found.0 == EXPONENT, "{kind:?} among {others:?}, seed {seed}");
            }
        }
    }
}

/// They do not make it forget what the others are.
#[test]
fn what_takes_no_search_is_no_stray() {
    for (kind, scaling, mode) in FAMILIES {
        let mut encoder = VectorEncoder::default();
        let mut form = Form::new(Precision::Exact, Compression::Auto);
        for seed in 0..50 {
            let found = mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, seed));
            assert_eq!(found, mode, "{kind:?}, {scaling:?}, seed {seed}");
            for unscaled in UNSCALED {
                assert_eq!(mode_of(&mut encoder, &mut form, &structured(unscaled, Scaling::None, 384, seed)), GRID);
            }
        }
    }
}

#[test]
fn a_structure_is_found_again_and_again() {
    for (kind, scaling, mode) in FAMILIES {
        let mut encoder = VectorEncoder::default();
        let mut form = Form::new(Precision::Exact, Compression::Auto);
        let mut remembered = None;
        for seed in 0..100 {
            let found = mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, seed));
            assert_eq!(found, mode, "{kind:?}, {scaling:?}, seed {seed}");
            assert_eq!(*remembered.get_or_insert(form.structure_hint), form.structure_hint, "nothing new is learnt");
        }
    }
}

/// Vectors of no structure are looked at now and then, and so are those that follow one: a structure is found within 17 vectors.
#[test]
fn a_structure_is_found_after_others() {
    for (kind, scaling, mode) in FAMILIES {
        for others in [1, 2, 16, 17, 18, 40] {
            let mut encoder = VectorEncoder::default();
            let mut form = Form::new(Precision::Exact, Compression::Auto);
            mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, 0));
            for seed in 0..others {
                assert_eq!(mode_of(&mut encoder, &mut form, &gaussian(384, seed)), EXPONENT);
            }
            let found = (0..17).position(|seed| mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, seed)) == mode);
            assert!(found.is_some(), "{kind:?}, {scaling:?} after {others}");
            assert_eq!(mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, 99)), mode);
        }
    }
}

/// A few vectors of no structure, or of none that pays, do not make it forget what the others are.
#[test]
fn strays_are_forgiven() {
    for (kind, scaling, mode) in FAMILIES {
        let mut encoder = VectorEncoder::default();
        let mut form = Form::new(Precision::Exact, Compression::Auto);
        for strays in [0, 1, 3, 3] {
            for seed in 0..strays {
                assert_eq!(mode_of(&mut encoder, &mut form, &gaussian(384, seed)), EXPONENT);
            }
            let found = mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, 7));
            assert_eq!(found, mode, "{kind:?}, {scaling:?} after {strays}");
        }
        for seed in 0..5 {
            mode_of(&mut encoder, &mut form, &gaussian(384, seed));
        }
        assert_eq!(mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, 7)), EXPONENT, "too many of them");
    }
}

/// Vectors whose planes compress although nothing else is known of them take planes each time, not only where a look is due.
#[test]
fn planes_that_pay_are_remembered() {
    let mut encoder = VectorEncoder::default();
    let mut form = Form::new(Precision::Exact, Compression::Auto);
    for seed in 0..40 {
        // The middle byte has few values, the low one any.
        let vector: Vec<_> =
            gaussian(384, seed).iter().map(|float| (u32::from_ne_bytes(*float) & 0xffff_03ff).to_ne_bytes()).collect();
        assert_eq!(mode_of(&mut encoder, &mut form, &vector), PLANES, "seed {seed}");
    }
}

/// Looks are what vectors without structure cost: the longer nothing was found, the rarer they are.
#[test]
fn looks_get_rarer() {
    let mut encoder = VectorEncoder::default();
    let mut form = Form::new(Precision::Exact, Compression::Auto);
    let structured = structured(FAMILIES[0].0, FAMILIES[0].1, 384, 7);
    let mut looks = Vec::new();
    for seed in 0..512 {
        let mut as_it_is = form;
        if mode_of(&mut encoder, &mut as_it_is, &structured) == FAMILIES[0].2 {
            looks.push(seed);
        }
        mode_of(&mut encoder, &mut form, &gaussian(384, seed));
    }
    assert_eq!(looks, [0, 16, 48, 112, 240, 368, 496]);
}

#[test]
fn another_structure_takes_over() {
    let mut encoder = VectorEncoder::default();
    let mut form = Form::new(Precision::Exact, Compression::Auto);
    for (kind, scaling, mode) in FAMILIES.into_iter().chain(FAMILIES.into_iter().rev()) {
        assert_eq!(mode_of(&mut encoder, &mut form, &structured(kind, scaling, 384, 5)), mode, "{kind:?}, {scaling:?}");
    }
}

/// Grids that were rounded are remembered as others are, also those that end in zeros.
#[test]
fn rounded_grids_are_remembered() {
    for after in [Rounded::Decimals(9), Rounded::Digits(7), Rounded::Half] {
        let mut encoder = VectorEncoder::default();
        let mut form = Form::new(Precision::Exact, Compression::Auto);
        let mut remembered = None;
        for seed in 0..40 {
            let vector = rounded(&structured(Kind::BrainFloat, Scaling::Unit, 1024, seed), after);
            assert_eq!(mode_of(&mut encoder, &mut form, &vector), GRID, "{after:?}, seed {seed}");
            if seed > 0 {
                assert_eq!(
                    *remembered.get_or_insert(form.structure_hint),
                    form.structure_hint,
                    "nothing new is learnt of {after:?}"
                );
            }
        }
    }
}
