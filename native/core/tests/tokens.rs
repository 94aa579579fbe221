//! Records that hold what a provider charged: docs/format.md section 1.

mod common;

use common::forge::{payload_of, record_of, record_with, sealed_up, spelled};
use common::judge::{assert_holds, decode_both_ways, lenient};
use common::profiles::the_profile;
use common::reference::{Layout, layout};
use common::*;
use proptest::prelude::*;
use vecstash_core::{
    Buffer, Compression, Dictionaries, Float, Form, Framer, Item, MAX_VALUE_BYTES, Precision, Profile, Status, ValueDecoder,
    VectorEncoder,
};

/// On both sides of each width.
const TOKENS: [u32; 9] = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, u32::MAX];

fn encode_item(profile: Option<&Profile>, item: Item, precision: Precision) -> Vec<u8> {
    let mut record = Buffer::default();
    let form = &mut Form::new(precision, Compression::Auto);
    VectorEncoder::default().encode_with(profile, item, None, form, &mut record).expect("the dimensions are in range");
    record.to_vec()
}

fn with_tokens(vector: &[Float], tokens: u32) -> Vec<u8> {
    encode_item(None, Item { tokens: Some(tokens), ..item(vector) }, Precision::Exact)
}

#[test]
fn they_stand_behind_the_dimensions() {
    for dimensions in [1, 5, 0x7f, 0x80, 0x100, 1000] {
        let vector = gaussian(dimensions, 3);
        let without = encode(KEY, &vector, Compression::Auto);
        for tokens in TOKENS {
            let record = with_tokens(&vector, tokens);
            assert_eq!(record, record_with(without[MODE_AT], dimensions, Some(tokens), payload_of(&without)));
            let parts =
                Layout { mode: without[MODE_AT], number: dimensions as u32, tokens: Some(tokens), payload: payload_of(&without) };
            assert_eq!(layout(&record), Ok(parts));
            assert_eq!(decode(KEY, &record, dimensions), Ok(vector.clone()));
            assert_eq!(decode(KEY, &record, dimensions + 1), Err(Status::Dimensions));
            assert_eq!(decode(b"another key", &record, dimensions), Err(Status::Checksum));
        }
    }
}

#[test]
fn damage_is_refused() {
    for (dimensions, tokens) in [5, 200].into_iter().flat_map(|dimensions| TOKENS.map(|tokens| (dimensions, tokens))) {
        let record = with_tokens(&gaussian(dimensions, 5), tokens);
        for length in 0..record.len() {
            assert_eq!(decode(KEY, &record[..length], dimensions), Err(Status::Truncated), "{length} bytes");
        }
        assert_eq!(decode(KEY, &[&record[..], &[0]].concat(), dimensions), Err(Status::Malformed));
        let tokens_at = 3 + spelled(dimensions as u32).len();
        let checksum_at = tokens_at + spelled(tokens).len();
        for bit in 0..8 * record.len() {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refusal = decode(KEY, &flipped, dimensions).unwrap_err();
            if (tokens_at..checksum_at).contains(&(bit / 8)) {
                assert!(matches!(refusal, Status::Checksum | Status::Malformed), "bit {bit}: {refusal:?}");
            }
        }
    }
}

/// Five elements where six were, and the reverse: the array says how many there are.
#[test]
fn elements_are_counted() {
    let vector = gaussian(5, 5);
    let payload = payload_of(&encode(KEY, &vector, Compression::Auto)).to_vec();
    for (header, status) in [
        (&[0x95, 1, 0, 5][..], None),
        (&[0x96, 1, 0, 5, 9], None),
        (&[0x95, 1, 0, 5, 9], Some(Status::Malformed)),
        (&[0x96, 1, 0, 5], Some(Status::Malformed)),
        (&[0x96, 1, 0, 5, 9, 9], Some(Status::Malformed)),
        (&[0x97, 1, 0, 5, 9, 9], Some(Status::Malformed)),
        (&[0x94, 1, 0], Some(Status::Malformed)),
        // Another format is told before the rest is judged; a mode that is unknown, behind the checksum.
        (&[0x96, 2, 0, 5], Some(Status::Format)),
        (&[0x96, 1, 0x6f, 5, 9], Some(Status::Mode)),
        (&[0x96, 1, 0x70, 5, 9], Some(Status::Malformed)),
        // Longer spellings.
        (&[0x96, 1, 0, 5, 0xcc, 9], Some(Status::Malformed)),
        (&[0x96, 1, 0, 5, 0xcd, 0, 0x80], Some(Status::Malformed)),
        (&[0x96, 1, 0, 5, 0xce, 0, 0, 1, 0], Some(Status::Malformed)),
        (&[0x96, 1, 0, 0xcc, 5, 9], Some(Status::Malformed)),
        // What is no uint of 32 bits.
        (&[0x96, 1, 0, 5, 0xe0], Some(Status::Malformed)),
        (&[0x96, 1, 0, 5, 0xcf, 0, 0, 0, 0, 0, 0, 0, 9], Some(Status::Malformed)),
        (&[0x96, 1, 0, 5, 0xc0], Some(Status::Malformed)),
    ] {
        let expected = status.map_or_else(|| Ok(vector.clone()), Err);
        assert_eq!(decode(KEY, &sealed_up(header, &payload), 5), expected, "{header:02x?}");
    }
}

#[test]
fn only_vectors_have_them() {
    for mode in [0x70, 0x71, 0x72, 0x73, 0x7e, 0x7f] {
        let record = record_with(mode, 5, Some(9), &[0; 5]);
        assert_eq!(ValueDecoder::default().decode(KEY, &record, &mut Dictionaries::default()), Err(Status::Malformed));
        assert_eq!(Framer::default().read(KEY, &record), Err(Status::Malformed));
        assert_eq!(decode(KEY, &record, 5), Err(Status::Malformed));
        let without = record_of(mode, 5, &[0; 5]);
        assert_eq!(Framer::default().read(KEY, &without).map(|framed| framed.mode), Ok(mode));
    }
    let vector = with_tokens(&gaussian(5, 5), 9);
    assert_eq!(ValueDecoder::default().decode(KEY, &vector, &mut Dictionaries::default()), Err(Status::Mode));
    let framed = Framer::default().read(KEY, &vector).unwrap();
    assert_eq!((framed.mode, framed.number, &vector[framed.payload_at..]), (RAW, 5, payload_of(&vector)));
}

fn any_precision() -> impl Strategy<Value = Precision> {
    let bound = (-7.0..-1.0).prop_map(|exponent: f64| Precision::MaxError(10f64.powf(exponent) as f32));
    prop_oneof![Just(Precision::Exact), Just(Precision::Float16), Just(Precision::Int8), bound]
}

proptest! {
    #![proptest_config(cases(1000))]

    /// Whatever the mode, they change nothing but the header.
    #[test]
    fn what_is_written_is_read(vector in any_vector(), tokens: u32, shift in 0..32_u32, precision in any_precision(), has_profile: bool) {
        let profile = has_profile.then(|| Profile::parse(&the_profile(vector.len())).unwrap());
        let tokens = Some(tokens >> shift);
        let without = encode_item(profile.as_ref(), item(&vector), precision);
        let record = encode_item(profile.as_ref(), Item { tokens, ..item(&vector) }, precision);
        assert_holds(&record, &vector, precision);
        let Layout { mode, number, payload, .. } = layout(&without).unwrap();
        prop_assert_eq!(layout(&record), Ok(Layout { mode, number, tokens, payload }));
        prop_assert_eq!(decode_both_ways(&record, lenient(mode), vector.len()), decode_both_ways(&without, lenient(mode), vector.len()));
    }

    /// Any bytes behind the beginning of a record have the parts that the document says, or are refused for what it says.
    #[test]
    fn layouts_are_held_to_the_format(array in 0x95_u8..=0x96, mode in prop_oneof![0_u8..=0x42, any::<u8>()],
        numbers in prop::collection::vec(prop_oneof![0_u8..=0x20, 0xcc_u8..=0xcf, any::<u8>()], 0..12), rest in prop::collection::vec(any::<u8>(), 0..12)) {
        let record = [&[array, 1, mode][..], &numbers, &[0xcf, 0, 0, 0, 0, 0, 0, 0, 0, 0xc4, rest.len() as u8], &rest].concat();
        let expected = match layout(&record) {
            Err(status) => status,
            Ok(Layout { number, .. }) if !(1..=MAX_VALUE_BYTES as u32).contains(&number) => Status::Dimensions,
            Ok(_) => Status::Checksum,
        };
        prop_assert_eq!(Framer::default().read(KEY, &record), Err(expected));
    }
}
