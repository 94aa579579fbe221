//! Values come back, and what claims to be large is looked at before memory is taken.

use proptest::prelude::*;
use vecstash_core::{Compression, MAX_VALUE_BYTES, Status, ValueDecoder, ValueEncoder};

const KEY: &[u8] = b"vecstash:v1:answers:0123456789abcdef:0123456789abcdefghijkl";
const COMPRESSIONS: [Compression; 4] = [Compression::None, Compression::Auto, Compression::Lz4, Compression::Zstd];
const STORED: u8 = 0x70;
const LZ4: u8 = 0x71;
const ZSTD: u8 = 0x72;

fn encode(value: &[u8], compression: Compression) -> Vec<u8> {
    let mut record = Vec::new();
    ValueEncoder::default().encode(KEY, value, compression, &mut record).expect("the length is in range");
    record
}

proptest! {
    #[test]
    fn every_value_comes_back(noise in prop::collection::vec(any::<u8>(), 1..5000), repeat in 1_usize..40) {
        let value = noise.repeat(repeat);
        for compression in COMPRESSIONS {
            let record = encode(&value, compression);
            prop_assert_eq!(ValueDecoder::default().decode(KEY, &record), Ok(value.clone()));
            prop_assert!(record.len() <= value.len() + 22);
        }
    }
}

#[test]
fn what_does_not_win_is_stored() {
    let mode_of = |value: &[u8], compression| encode(value, compression)[2];
    let text = b"the same words again and again and ".repeat(20);
    assert_eq!(mode_of(&text, Compression::None), STORED);
    assert_eq!(mode_of(&text, Compression::Auto), ZSTD);
    assert_eq!(mode_of(&text, Compression::Zstd), ZSTD);
    assert_eq!(mode_of(&text, Compression::Lz4), LZ4);
    for compression in COMPRESSIONS {
        assert_eq!(mode_of(&[0xc0], compression), STORED);
        assert_eq!(mode_of(b"\x8a0123456789", compression), STORED);
    }
    assert_eq!(mode_of(&[0; 63], Compression::Auto), STORED);
    assert_eq!(mode_of(&[0; 64], Compression::Auto), ZSTD);
}

#[test]
fn the_longest_value() {
    let longest = vec![7; MAX_VALUE_BYTES];
    for compression in [Compression::Lz4, Compression::Zstd] {
        let record = encode(&longest, compression);
        assert!(record.len() < MAX_VALUE_BYTES / 200);
        assert_eq!(ValueDecoder::default().decode(KEY, &record).as_ref(), Ok(&longest));
    }
    let mut out = Vec::new();
    for value in [vec![], vec![7; MAX_VALUE_BYTES + 1]] {
        assert_eq!(ValueEncoder::default().encode(KEY, &value, Compression::None, &mut out), Err(Status::Dimensions));
    }
}
