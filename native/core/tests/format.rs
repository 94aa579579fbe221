//! Bytes that must never change: what is written today is read for ever.

mod common;

use common::*;
use vecstash_core::{Compression, Float, Precision};

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
        "95011028cfe4c1acdeae5bc085c48b017c0000000020f481002409230100c1c50d00ac6f99e1b47634b5524af683f97a7459346aa9d9d772bc977a24491ea34a3fcf38b81db99485b9c1ff0914959a3be8b55fe254c7f8b63ba8addbee929250d80bcefa66b9456d4413e3e50f51d2695ed557faa2cef8ea9f5b2ee4aabc1ff6fa001d96d9740c9fec216268a5d11d90170bcb97e5c046f701b6"
    );
    let long = encode(KEY, &vector(768), Compression::Auto);
    assert_eq!((long.len(), hex(&long[..18])), (2548, "950110cd0300cfd61b5b5df457207fc509e2".into()));
    for (record, dimensions) in [(raw, 3), (exponent, 40), (long, 768)] {
        assert_eq!(decode(KEY, &record, dimensions), Ok(vector(dimensions)));
    }
}

/// A record of each mode that came later, and the bits of what it holds. What is written may become better than this.
const KNOWN: [(u8, &str, &str); 7] = [
    // Scaled, without and with residuals.
    (
        GRID,
        "95012014cf07c641753f2b2ab3c432110b000000000000ee31700eda3efa09a2021001e404f6465bd4ecaa8638811485e701e3716a1f5fe29ec522925f1a1a430b",
        "ba9b52113a5eb367383fa8333a97dc263b345bf1ba730eafbaebba9fba5bd9d3bac386583ab86e323b0fd1b1bb19cb383a02623fbafea91dba27d7013ae607763a398cd13a63ca39b99948f0ba925d1a",
    ),
    (
        GRID,
        "95012014cf9dd25c325bc3016bc437190b00000000690261fdec0eda3efa09a2021001e404da196e52b3aa1ae20652169e058fc6aa7e7e8a7a37b4b3a4849e994b660e2c5c0b",
        "ba9b54f93a5eb791383fabc93a97defd3b345f51ba73133bbaebbf08ba5bddf0bac38a003ab871a53b0fd462bb19ce193a0264afbafeade1ba27da253ae60bc43a39904a3a63ce7cb9994bceba925fd7",
    ),
    // Not scaled, with zeros and a patch.
    (
        GRID,
        "95012014cf002dc8269aa40baac4280108010101007f0900c1fa7f01ff47051001e404bf09003a5e809187f02d31bd209cce0d640cbcb4",
        "be3f00003e090000000000003e3a00003ede000080000000be910000be070000be70000060ad00003eb10000bebd00003da00000be9c0000bdce00003e8d00003de400003e0c0000bd3c0000be340000",
    ),
    // With a patch each: a count, and -0.
    (
        STEPS,
        "95013014cf23b6f0c62067df02c41c14000000016f12033c02a8fb05389c05ef5f7208371500c02f296557",
        "be449a1e3e031169000000003e3437f03edd2d61be137396be937396be031169be75c0a53e655e783eb437f0bf655e783da3d5c3be9ba4adbdc49a1e3e8b42803de55e783e137396bd449a1ebe3437f0",
    ),
    (
        DECIMAL,
        "95013114cf5cb1c54d0aa754c3c4346c010100010507008088fb021ca3f778089b083b26ce1fff118500696cb9ed89b9afcb76580c6e978a834e04c49ae7115eabba0d",
        "be3ec2ce3e08b4393beb46353e3a708f3edd81aebe153f7dbe90cf1880000000be7018e73e628cbd3eb0956cbebcd7493da01798be9c56d6bdce21963e8d49523de3dc483e0bd662bd3c408ebe33c0c2",
    ),
    // With a NaN each.
    (
        FLOAT16,
        "95014014cf25b5537a844d9c32c42f0103000000c07ff6b146305b1f003eec36aab086b438b081b314338535e7b5012de3b471ae6a341f2f5f30e2a99eb1",
        "be3ec0003e08c0003beb60007fc000003edd8000be154000be90c000be070000be7020003e6280003eb0a000bebce0003da02000be9c6000bdce20003e8d40003de3e0003e0be000bd3c4000be33c000",
    ),
    (
        INT8,
        "95014114cf16d1f419412195b5c41f16405f3b0103000000c07fc92702007fd5add9bb41659417a6e2512128f3cc",
        "be3fdb133e080b0d3bdf40167fc000003edd8196be15ff0fbe90c38ebe080b0dbe70b1183e62bd163eb02891bebc5e133da07610be9cf90fbdd14c153e8d468e3de63a173e0b880ebd356412be356412",
    ),
];

#[test]
fn known_records_are_read() {
    for (mode, record, expected) in KNOWN {
        let record: Vec<u8> =
            (0..record.len()).step_by(2).map(|at| u8::from_str_radix(&record[at..at + 2], 16).expect("two digits")).collect();
        assert_eq!(record[MODE_AT], mode);
        let precision = if mode == STEPS { Precision::MaxError(0.008) } else { Precision::Int8 };
        let vector = decode_as(KEY, &record, precision, expected.len() / 8).expect("it is sound");
        let bits: Vec<u8> = vector.iter().flat_map(|float| u32::from_ne_bytes(*float).to_be_bytes()).collect();
        assert_eq!(hex(&bits), expected, "mode {mode:02x}");
    }
}
