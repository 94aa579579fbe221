//! Bytes that must never change: what is written today is read for ever.

mod common;

use common::profiles::decode_with;
use common::*;
use vecstash_core::{Buffer, Compression, Float, Form, Item, Precision, Profiles, VectorEncoder};

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

/// A profile, and a record of each mode that needs one.
const PROFILE: &str = "565350012800f0be00bdd03e20be903e90be203ed0be003df03ec0bdb03e60be603eb0bec03df0be00bdd03e20be903e90be203ed0be003df03ec0bdb03e60be603eb0bec03df0be00bdd03e20be903e90be203ed0be44445525";
const PROFILE_NUMBER: u32 = 0x2254_c81a;
const KNOWN_WITH_PROFILE: [(u8, &str, &str); 8] = [
    // Exponents, with zeros and what lies near to zero.
    (
        PROFILED_GRID,
        "95012828cf59a49cefc26bd02cc4911ac85422110003000018780068000000e8cfbffcd3351a131da5e40a88ae0d22433df4d64d128bc10824eaa077d9b87e0100000000006f1203ad73b340af846f3eb3f45584769243b09ba8844a1ae0fa6f460df4876d93bd277f39d516de149397256f80e4632c738a27e4f3e0db82649c86f93ba5f491c49b2ff5712d541d0761369bf9104c47ec6f0000000000000004",
        "bef4ea24bcf65de83ed97eb800000000800000003a83126f3e26e75abeebd02c3d96f84a3edcb33ebd81157d3eb249dabe3bb0433e489513bec0692a3dfffae0bef4d466bcb61fd03ed7d936be45fc9e3ea76a9cbe629bc23e265e4cbec837923c8c7c903f013996bda909e23e9383cfbe2482db3e88d38cbebddfcc3de3e94abefb7892bccfa97c3ed285aebe4038ea3ea33661bea43e663dc474c1bedc6fec",
    ),
    // Grids: scaled, with residuals of elements, rounded, and not scaled.
    (
        PROFILED_GRID,
        "95012828cf896ac1be5e10406fc44a1ac854220d000000012b00005d130133ce3e001900000025b28a713e8367a3cb08fdcb81fdf31db49451f1215022f4b4bf27bbf7fefa5d887432bfc1fa5b2a632c0813f36ffb28648c03",
        "bee7184dbce8647e3ecd2478be2508bb3e99b59abe87c7523e1d7bfbbede7bc23d8e627a3ed035a6bd737b393ea8381cbe31110d3e3d3793beb58c9f3df179d6bee6fa1abcabc2163ecb9be1be3abd643e9df4c7be55c1043e1ce4fcbebcdcfa3c8479be3ef3b79fbd9f7d5e3e8b3319be1b3e323e810df7beb312703dd70d35beed3aa9bcc3f0ee3ec6a783be3550393e99f200be9ae3993db95300becff940",
    ),
    (
        PROFILED_GRID,
        "95012828cf682e4bf9415af7bbc4541ac854221200000000ab582018b7ffffcf3e0023000000262e9c0ea19a18065d7039bb8a603a4701917af9b9df6412d6455eb2efb7ebbdbab725a2d8254e7f26ecee6ba54ac33133224bb4ddcfb54f329886a303",
        "bef4dffebcf63ffd3ed95fffbe2edfff3ea2dffebe8fdffe3e26dfffbeebbffe3d96dfff3edc9ffebd80ffff3eb23ffebe3b9ffe3e487ffebec05ffe3dffdffdbef4bffdbcb5fffe3ed7bfffbe45dffe3ea75ffebe627ffe3e263fffbec81ffe3c8c5fff3f011fffbda8ffff3e937fffbe247fff3e88bfffbebdbfff3de3dffebefb5ffebccf9ffe3ed27ffebe401ffe3ea31fffbea41fff3dc45ffebedc5ffe",
    ),
    (
        PROFILED_GRID,
        "95012828cf6c42140b7efd0474c43b1ac854220d0000000128000000e0ee32fe3e200a00000025b28a713e8367a3cb08fdcb81fdf31db49451f1215022f4b4bf6cb5c538bb8a25ee4304",
        "bee64000bce820003eccc000be2440003e98e000be8700003e1ca000beddc0003d8d80003ecfa000bd7380003ea80000be3080003e3cc000beb540003df0a000bee64000bcabc0003ecae000be39e0003e9da000be5540003e1ca000bebcc0003c8420003ef38000bd9f80003e8ac000be1ac0003e806000beb260003dd64000beece000bcc360003ec62000be3540003e99e000be9ac0003db90000becfa000",
    ),
    (
        PROFILED_GRID,
        "95012828cf089cd6afe6454689c4341ac8542212000000000877000a000000262e9c0ea19a18065d7039bb8a603a4701917af9b9df6412d6456cb5c538bb8a25ee4304",
        "bef40000bcf600003ed90000be2e00003ea20000be8f00003e260000beeb00003d9600003edc0000bd8100003eb20000be3b00003e480000bec000003dff0000bef40000bcb600003ed70000be4500003ea70000be6200003e260000bec800003c8c00003f010000bda900003e930000be2400003e880000bebd00003de30000befb0000bccf00003ed20000be4000003ea30000bea400003dc40000bedc0000",
    ),
    // With a patch each: a count, and -0.
    (
        PROFILED_STEPS,
        "95013828cfe7f4b1307917db36c42c1ac8542219010000006f12033b0502003128e91a1a840ea5e40a88d206852968fa1301d5ce8b8c74a6522047",
        "bef5bdc4bd030fe03ffffb02be301d553ea3d3d8be8f595d3e27ec57beeb80863d9371dc3edd2acabd830fe03eb22994be3c66d23e48b04fbec07f513dfdeec2bef5bdc4bcc497d03ed7060cbe4497d03ea7ec57be6143493e27ec57bec8b04f3c830fe03f0103a0bdac04d63e9371dcbe23d3d83e89349ebebe73123de55bc8befbe282bcc497d03ed2ed8cbe407f513ea3d3d8bea3d3d83dc497d0bedd2aca",
    ),
    (
        PROFILED_DECIMAL,
        "95013928cf3bbc78045eaaef6bc4421ac854223a0100000104090080262a3c0ba59a9a0c7b89ca731713c1f43c02a185ae2d0710c129008d35de007122ada6a1bcfe3073747c5a24cb5fa09dac88a7971a",
        "bef4e3bdbcf694463ed97f63be2f00693ea2eb1cbe8ff9723e26e979beebd3c33d96f00780000000bd8106253eb24745be3bb2ff3e489a02bec068dc3e000000bef4d6a1bcb5dcc63ed7dbf5be45f06f3ea76c8bbe629c783e266666bec831273c8c154d3f013a93bda8f5c33e9381d8be248e8a3e88ce70bebdd97f3de3f141befb7e91bccf41f23ed288cebe40346e3ea339c1bea43fe63dc46738bedc6a7f",
    ),
    // Multiples of a step.
    (
        PROFILED_MULTIPLES,
        "95013a28cfa245e397e72fce5cc4351ac854221d000000001b7bfa47de39543f0094d1d29a00adce68ca01f3c868af33e994a2e34ec96b944b583b39d5946df6cb266f9c",
        "bef49bd8bcf2b66b3ed96e16be2e731d3ea31290be901c503e26dd6abeebc2873d97b2033edc9720bd80f0e93eb23df7be3b17483e48ff11bec025c03dff5a96bef49bd8bcb608d13ed788a9be4677d53ea77f39be6247673e26dd6abec85d423c8d95143f0141d1bda964a63e93455abe24562e3e88869cbebd9e843de38b05befb8fbdbcd45f9e3ed27a31be4025c03ea31290bea4562e3dc53437bedc9720",
    ),
];

/// The first of the records above, with tokens.
const KNOWN_WITH_TOKENS: [(u32, &str); 2] = [
    (7, "9601000307cf685bb867f67fe50ec40cac6f573d99e17abdb476a2bc"),
    (300, "96010003cd012ccf246cffee0fa9dfb9c40cac6f573d99e17abdb476a2bc"),
];

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits")).collect()
}

fn bits_of(vector: &[Float]) -> String {
    hex(&vector.iter().flat_map(|float| u32::from_ne_bytes(*float).to_be_bytes()).collect::<Vec<u8>>())
}

#[test]
fn known_records_with_a_profile_are_read() {
    let mut profiles = Profiles::default();
    assert_eq!(profiles.load(&bytes_of(PROFILE)), Some(PROFILE_NUMBER));
    for (mode, record, expected) in KNOWN_WITH_PROFILE {
        let record = bytes_of(record);
        assert_eq!(record[MODE_AT], mode);
        let precision = if mode == PROFILED_STEPS { Precision::MaxError(0.002) } else { Precision::Exact };
        let vector = decode_with(&profiles, &record, precision, expected.len() / 8).expect("it is sound");
        assert_eq!(bits_of(&vector), expected, "mode {mode:02x}");
    }
}

#[test]
fn known_records_with_tokens() {
    let vector = vector(3);
    for (tokens, known) in KNOWN_WITH_TOKENS {
        let item = Item { tokens: Some(tokens), ..item(&vector) };
        let mut record = Buffer::default();
        let form = &mut Form::new(Precision::Exact, Compression::None);
        VectorEncoder::default().encode_with(None, item, None, form, &mut record).unwrap();
        assert_eq!(hex(&record), known);
        assert_eq!(decode(KEY, &bytes_of(known), 3), Ok(vector.clone()));
    }
}

#[test]
fn known_records_are_read() {
    for (mode, record, expected) in KNOWN {
        let record = bytes_of(record);
        assert_eq!(record[MODE_AT], mode);
        let precision = if mode == STEPS { Precision::MaxError(0.008) } else { Precision::Int8 };
        let vector = decode_as(KEY, &record, precision, expected.len() / 8).expect("it is sound");
        assert_eq!(bits_of(&vector), expected, "mode {mode:02x}");
    }
}
