//! Records around payloads that are made elsewhere, such as sealed ones: docs/format.md section 1.

use crate::buffer::Buffer;
use crate::record::header::{Draft, MAX_FIXINT, Parsed};
use crate::status::Status;

/// Puts payloads into records and finds them there; keeps its buffer from one to the next.
#[derive(Default)]
pub struct Framer {
    scratch: Vec<u8>,
}

/// The parts of a record that was found sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed {
    pub mode: u8,
    /// The third element of the record.
    pub number: u32,
    /// Where the payload begins; it ends where the record does.
    pub payload_at: usize,
}

impl Framer {
    /// Appends the record of `payload` under `key` to `out`. `Mode` where the number of a mode is not below 128, `Dimensions` where a
    /// payload is longer than a record can say.
    pub fn write(&mut self, key: &[u8], mode: u8, number: u32, payload: &[u8], out: &mut Buffer) -> Result<(), Status> {
        if mode > MAX_FIXINT {
            return Err(Status::Mode);
        }
        if u32::try_from(payload.len()).is_err() {
            return Err(Status::Dimensions);
        }
        let mut draft = Draft::begin(out, number, None, payload.len());
        draft.restart().append(payload);
        draft.finish(key, mode, &mut self.scratch);
        Ok(())
    }

    /// Reads the record that is stored under `key` and whose third element counts bytes (1 to `MAX_VALUE_BYTES`, or `Dimensions`).
    /// What the payload holds is not looked at.
    pub fn read(&mut self, key: &[u8], record: &[u8]) -> Result<Framed, Status> {
        let parsed = Parsed::of_bytes(key, record, &mut self.scratch)?;
        Ok(Framed { mode: parsed.mode, number: parsed.dimensions, payload_at: record.len() - parsed.payload.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::dictionary::Dictionaries;
    use crate::modes::{Compression, MAX_VALUE_BYTES};
    use crate::record::value::{ValueDecoder, ValueEncoder};

    fn written(mode: u8, number: u32, payload: &[u8]) -> Vec<u8> {
        let mut out = Buffer::default();
        Framer::default().write(b"key", mode, number, payload, &mut out).unwrap();
        out.to_vec()
    }

    #[test]
    fn what_was_written_is_read() {
        for length in [0, 1, 255, 256, 0xffff, 0x1_0000] {
            for number in [1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, MAX_VALUE_BYTES as u32] {
                let payload = vec![7; length];
                let record = written(0x7e, number, &payload);
                let framed = Framer::default().read(b"key", &record).unwrap();
                assert_eq!((framed.mode, framed.number), (0x7e, number));
                assert_eq!(record[framed.payload_at..], payload);
                assert_eq!(Framer::default().read(b"other", &record), Err(Status::Checksum));
            }
        }
    }

    #[test]
    fn it_writes_what_the_value_encoder_writes() {
        let mut out = Buffer::default();
        ValueEncoder::default().encode(b"key", &[0xc0], Compression::None, None, &mut out).unwrap();
        assert_eq!(out[..], written(0x70, 1, &[0xc0]));
        assert_eq!(ValueDecoder::default().decode(b"key", &out, &mut Dictionaries::default()), Ok(vec![0xc0]));
    }

    #[test]
    fn what_no_record_can_say_is_refused() {
        let mut out = Buffer::default();
        assert_eq!(Framer::default().write(b"key", 0x80, 1, b"", &mut out), Err(Status::Mode));
        assert!(out.is_empty());
        for number in [0, MAX_VALUE_BYTES as u32 + 1] {
            assert_eq!(Framer::default().read(b"key", &written(0x7e, number, b"payload")), Err(Status::Dimensions));
        }
        let record = written(0x7e, 9, b"payload");
        for length in 0..record.len() {
            assert_eq!(Framer::default().read(b"key", &record[..length]), Err(Status::Truncated));
        }
    }
}
