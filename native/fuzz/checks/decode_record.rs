//! Any bytes as a record, or a written one that was changed: refused, with nothing touched, and for the reason that comes first. No checksum
//! is forged, so that this is about the layout.

use crate::common::judge::decode_both_ways;
use crate::common::*;
use arbitrary::Arbitrary;
use vecstash_core::{Compression, Dictionaries, Form, Precision, Status, ValueDecoder};

#[derive(Arbitrary, Debug)]
pub struct Given<'a> {
    dimensions: u8,
    source: Source<'a>,
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
enum Source<'a> {
    Bytes(&'a [u8]),
    Written { is_coarse: bool, compression: u8 },
}

#[derive(Arbitrary, Debug)]
enum Change {
    Set(u16, u8),
    Insert(u16, u8),
    Remove(u16),
}

pub fn check(given: Given) {
    let dimensions = usize::from(given.dimensions) * 3;
    let written = match given.source {
        Source::Written { is_coarse, compression } if dimensions > 0 => {
            let precision = if is_coarse { Precision::Int8 } else { Precision::Exact };
            let compression = [Compression::None, Compression::Auto][usize::from(compression) % 2];
            encode_as(KEY, &gaussian(dimensions, 1), Form::new(precision, compression))
        }
        Source::Bytes(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    };
    let is_written = matches!(given.source, Source::Written { .. }) && dimensions > 0;
    let mut record = written.clone();
    for change in given.changes.iter().take(8) {
        match *change {
            Change::Set(at, byte) if usize::from(at) < record.len() => record[usize::from(at)] = byte,
            Change::Insert(at, byte) if usize::from(at) <= record.len() => record.insert(usize::from(at), byte),
            Change::Remove(at) if usize::from(at) < record.len() => _ = record.remove(usize::from(at)),
            _ => {}
        }
    }

    let as_vector = match decode_both_ways(&record, Precision::Int8, dimensions) {
        Ok(_) => return assert!(is_written && record == written),
        Err(status) => status,
    };
    let as_value = ValueDecoder::default().decode(KEY, &record, &mut Dictionaries::default()).unwrap_err();
    // Whatever is looked at before the dimensions is found either way.
    let is_of_layout = |status| matches!(status, Status::Truncated | Status::Malformed | Status::Format);
    assert_eq!(is_of_layout(as_vector), is_of_layout(as_value));
    assert!(!is_of_layout(as_vector) || as_vector == as_value);
    assert!(is_of_layout(as_vector) || matches!(as_vector, Status::Dimensions | Status::Checksum));
    // There is one spelling only: of a sound layout, a byte more is one too many and a byte less is one too few.
    if as_vector == Status::Checksum {
        let longer = [&record[..], &[0]].concat();
        assert_eq!(decode_both_ways(&longer, Precision::Int8, dimensions), Err(Status::Malformed));
        assert_eq!(decode_both_ways(&record[..record.len() - 1], Precision::Int8, dimensions), Err(Status::Truncated));
    }
}
