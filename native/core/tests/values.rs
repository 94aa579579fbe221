//! Values come back, and what claims to be large is looked at before memory is taken.

mod common;

use common::forge::{payload_of, record_of};
use common::{COMPRESSIONS, KEY};
use proptest::prelude::*;
use vecstash_core::{
    Buffer, Compression, DICTIONARY_BYTES, Dictionaries, MAX_VALUE_BYTES, Status, ValueDecoder, ValueEncoder, train_dictionary,
};

const STORED: u8 = 0x70;
const LZ4: u8 = 0x71;
const ZSTD: u8 = 0x72;
const DICTIONARY: u8 = 0x73;

fn encode(value: &[u8], compression: Compression) -> Vec<u8> {
    let mut record = Buffer::default();
    ValueEncoder::default().encode(KEY, value, compression, None, &mut record).expect("the length is in range");
    record.to_vec()
}

fn encode_with(dictionaries: &mut Dictionaries, number: u32, value: &[u8], compression: Compression) -> Vec<u8> {
    let mut record = Buffer::default();
    ValueEncoder::default()
        .encode(KEY, value, compression, dictionaries.find(number), &mut record)
        .expect("the length is in range");
    record.to_vec()
}

fn decode(record: &[u8]) -> Result<Vec<u8>, Status> {
    ValueDecoder::default().decode(KEY, record, &mut Dictionaries::default())
}

/// Values that have much in common, and a dictionary that was trained on others of their kind.
fn alike(seed: u32) -> Vec<u8> {
    let hash = seed.wrapping_mul(0x9e37_79b9);
    format!(r#"{{"kind":"asset","id":"{hash:08x}","status":"ready","size":{},"tags":["a{}","b"]}}"#, hash % 5000, hash % 7)
        .into_bytes()
}

fn trained() -> Vec<u8> {
    let samples: Vec<Vec<u8>> = (0..500).map(alike).collect();
    let lengths: Vec<usize> = samples.iter().map(Vec::len).collect();
    train_dictionary(&samples.concat(), &lengths, 1024).expect("samples are many")
}

proptest! {
    #[test]
    fn every_value_comes_back(noise in prop::collection::vec(any::<u8>(), 1..5000), repeat in 1_usize..40) {
        let value = noise.repeat(repeat);
        for compression in COMPRESSIONS {
            let record = encode(&value, compression);
            prop_assert_eq!(decode(&record), Ok(value.clone()));
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
        assert_eq!(decode(&record).as_ref(), Ok(&longest));
    }
    let mut out = Buffer::default();
    for value in [vec![], vec![7; MAX_VALUE_BYTES + 1]] {
        assert_eq!(ValueEncoder::default().encode(KEY, &value, Compression::None, None, &mut out), Err(Status::Dimensions));
    }
}

#[test]
fn values_with_a_dictionary_come_back_and_are_smaller() {
    let mut dictionaries = Dictionaries::default();
    let number = dictionaries.load(&trained()).unwrap();
    // Bytes that were not trained do as well.
    let other = dictionaries.load(&alike(1000)).unwrap();
    assert_eq!(dictionaries.load(&trained()), Some(number), "the same is loaded once");
    for seed in 1000..1100 {
        let value = alike(seed);
        for number in [number, other] {
            let record = encode_with(&mut dictionaries, number, &value, Compression::Auto);
            assert_eq!(record[2], DICTIONARY);
            assert!(record.len() < encode(&value, Compression::Auto).len() - 30);
            assert_eq!(ValueDecoder::default().decode(KEY, &record, &mut dictionaries).as_ref(), Ok(&value));
            assert_eq!(decode(&record), Err(Status::Unsupported));
        }
    }
}

#[test]
fn a_dictionary_is_used_where_it_wins_and_where_zstd_was_asked_for() {
    let mut dictionaries = Dictionaries::default();
    let number = dictionaries.load(&trained()).unwrap();
    let mut mode_of = |value: &[u8], compression| encode_with(&mut dictionaries, number, value, compression)[2];
    assert_eq!(mode_of(&alike(1), Compression::Zstd), DICTIONARY);
    assert_eq!(mode_of(&alike(1), Compression::None), STORED);
    assert_eq!(mode_of(&alike(1).repeat(3), Compression::Lz4), LZ4);
    assert_eq!(mode_of(&[0xc0], Compression::Auto), STORED);
    assert_eq!(mode_of(br#"{"kind":"asset","id":""#, Compression::Auto), DICTIONARY, "short ones too");
}

#[test]
fn what_is_no_dictionary_is_refused() {
    let mut dictionaries = Dictionaries::default();
    let mut broken = trained();
    broken[8..64].fill(0xff);
    for bytes in [vec![], vec![7; DICTIONARY_BYTES.start() - 1], vec![7; DICTIONARY_BYTES.end() + 1], broken] {
        assert_eq!(dictionaries.load(&bytes), None, "{} bytes", bytes.len());
    }
    for length in [*DICTIONARY_BYTES.start(), *DICTIONARY_BYTES.end()] {
        let number = dictionaries.load(&vec![7; length]).unwrap();
        let record = encode_with(&mut dictionaries, number, &alike(1), Compression::Auto);
        assert_eq!(ValueDecoder::default().decode(KEY, &record, &mut dictionaries), Ok(alike(1)));
    }
    assert_eq!(train_dictionary(b"too little", &[10], 1024), None);
}

#[test]
fn payloads_with_a_dictionary_are_what_they_say() {
    let mut dictionaries = Dictionaries::default();
    let number = dictionaries.load(&trained()).unwrap();
    let value = alike(1);
    let payload = payload_of(&encode_with(&mut dictionaries, number, &value, Compression::Auto)).to_vec();
    let mut status = |length, payload: &[u8]| {
        ValueDecoder::default().decode(KEY, &record_of(DICTIONARY, length, payload), &mut dictionaries).err()
    };
    assert_eq!(status(value.len(), &payload), None);
    for length in 0..payload.len() {
        assert_eq!(status(value.len(), &payload[..length]), Some(Status::Payload), "cut to {length}");
    }
    for length in [value.len() - 1, value.len() + 1, 1 << 26] {
        assert_eq!(status(length, &payload), Some(Status::Payload));
    }
    assert_eq!(status(value.len(), &[&payload[..], &[0]].concat()), Some(Status::Payload));
    assert_eq!(status(value.len(), &[&payload[..], &payload[4..]].concat()), Some(Status::Payload), "two frames");
    let mut unknown = payload.clone();
    unknown[0] ^= 1;
    assert_eq!(status(value.len(), &unknown), Some(Status::Unsupported));
    // A frame that needs no dictionary is read all the same.
    let plain = payload_of(&encode(&value.repeat(2), Compression::Zstd)).to_vec();
    assert_eq!(status(2 * value.len(), &[&payload[..4], &plain[..]].concat()), None);
}
