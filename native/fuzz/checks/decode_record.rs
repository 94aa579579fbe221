//! Any bytes as a record, or a written one that was changed: refused, with nothing touched, and for the reason that comes first. No checksum
//! is forged, so that this is about the layout.

use crate::common::judge::decode_both_ways;
use crate::common::reference::layout;
use crate::common::*;
use arbitrary::Arbitrary;
use vecstash_core::{Buffer, Compression, Dictionaries, Form, Item, Precision, Status, ValueDecoder, VectorEncoder};

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
            // Every bit above the lowest one is about tokens, of any width: with none of them there are no tokens.
            let tokens = (compression > 1).then(|| u32::MAX >> (compression / 2 % 33));
            let compression = [Compression::None, Compression::Auto][usize::from(compression) % 2];
            let vector = gaussian(dimensions, 1);
            let item = Item { tokens, ..item(&vector) };
            let mut record = Buffer::default();
            let form = &mut Form::new(precision, compression);
            VectorEncoder::default().encode_with(None, item, None, form, &mut record).expect("it has elements");
            record.to_vec()
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
    assert_eq!(layout(&record).map(|_| ()), if is_of_layout(as_vector) { Err(as_vector) } else { Ok(()) });
    // There is one spelling only: of a sound layout, a byte more is one too many and a byte less is one too few.
    if as_vector == Status::Checksum {
        let longer = [&record[..], &[0]].concat();
        assert_eq!(decode_both_ways(&longer, Precision::Int8, dimensions), Err(Status::Malformed));
        assert_eq!(decode_both_ways(&record[..record.len() - 1], Precision::Int8, dimensions), Err(Status::Truncated));
    }
}
