//! Bytes that must never change: what is written today is read for ever.

mod common;

use common::*;
use vecstash_core::{Compression, Float};

const KEY: &[u8] = b"vecstash:v1:docs:0123456789abcdef:0123456789abcdefghijkl";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Noise for sign and mantissa, and exponents that each occur half as often as the next larger: no arithmetic that a machine
/// could do otherwise.
fn vector(dimensions: usize) -> Vec<Float> {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    let mut float = || (noise() & 0x807f_ffff | (122 - noise().trailing_zeros()) << 23).to_ne_bytes();
    (0..dimensions).map(|_| float()).collect()
}

#[test]
fn known_records() {
    let raw = encode(KEY, &vector(3), Compression::None);
    assert_eq!(hex(&raw), "95010003cf2183c34f0a799f7bc40cac6f573d99e17abdb476a2bc");
    let exponent = encode(KEY, &vector(40), Compression::Auto);
    assert_eq!(
        hex(&exponent),
        "95011028cf282027f45c867cadc48e017c0003000300030020f481002409230100c1c50d00ac6f99e1b47634b5524af683f97a7459346aa9d9d772bc977a24491ea34a3fcf38b81db99485b9c1ff0914959a3be8b55fe254c7f8b63ba8addbee929250d80bcefa66b9456d4413e3e50f51d2695ed557faa2cef8ea9f5b2ee4aabc1ff6fa001d96d9740c9fec216268a5d11d90170bcb97e5c046f701b6"
    );
    let long = encode(KEY, &vector(768), Compression::Auto);
    assert_eq!((long.len(), hex(&long[..18])), (2551, "950110cd0300cf1bd03957822e4972c509e5".into()));
    for (record, dimensions) in [(raw, 3), (exponent, 40), (long, 768)] {
        assert_eq!(decode(KEY, &record, dimensions), Ok(vector(dimensions)));
    }
}
