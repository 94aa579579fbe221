//! Payloads of values under sound checksums: a value of the length that was promised, or a refusal. And values come back.

use crate::common::forge::{payload_of, record_of};
use crate::common::*;
use arbitrary::Arbitrary;
use vecstash_core::{Buffer, Dictionaries, Status, ValueDecoder, ValueEncoder};

const STORED: u8 = 0x70;
const WITH_DICTIONARY: u8 = 3;

#[derive(Arbitrary, Debug)]
pub struct Given<'a> {
    coding: u8,
    /// Where there is none it is that of the payload, decompressed.
    length: Option<u32>,
    is_written: bool,
    changes: Vec<(u16, u8)>,
    bytes: &'a [u8],
}

pub fn check(forged: Given) {
    let coding = forged.coding % 4;
    let mut dictionaries = Dictionaries::default();
    let number = dictionaries.load(b"what many of the values have in common").expect("it is long enough");
    let mut payload = forged.bytes.to_vec();
    if coding == WITH_DICTIONARY {
        payload.splice(0..0, number.to_le_bytes());
    }
    let mut length = payload.len();
    if forged.is_written && !forged.bytes.is_empty() {
        // Long enough to be worth compressing.
        let value = forged.bytes.repeat(1 + 100 / forged.bytes.len());
        length = value.len();
        let mut record = Buffer::default();
        let compression = [COMPRESSIONS[0], COMPRESSIONS[2], COMPRESSIONS[3], COMPRESSIONS[1]][usize::from(coding)];
        let dictionary = dictionaries.find(number).filter(|_| coding == WITH_DICTIONARY);
        ValueEncoder::default().encode(KEY, &value, compression, dictionary, &mut record).expect("the length is in range");
        assert_eq!(ValueDecoder::default().decode(KEY, &record, &mut dictionaries), Ok(value));
        payload = payload_of(&record).to_vec();
    }
    for (at, byte) in forged.changes.iter().take(8) {
        if let Some(changed) = payload.get_mut(usize::from(*at)) {
            *changed = *byte;
        }
    }
    let length = forged.length.map_or(length, |length| length as usize % (1 << 27));
    let result = ValueDecoder::default().decode(KEY, &record_of(STORED + coding, length, &payload), &mut dictionaries);
    match result {
        Ok(value) => assert_eq!(value.len(), length),
        Err(status) => assert!(matches!(status, Status::Payload | Status::Dimensions | Status::Unsupported)),
    }
}
