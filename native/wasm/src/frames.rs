//! `write_records` and `read_records`.

use crate::abi::{Input, Misuse, Output, Result, number};
use vecstash_core::{Framed, Framer, Status};

/// Frames payloads as records.
pub fn write(framer: &mut Framer, mut input: Input, output: &mut Output, count: u32) -> Result<()> {
    let (key_lengths, payload_lengths) = (input.numbers(count)?, input.numbers(count)?);
    let (modes, numbers) = (input.numbers(count)?, input.numbers(count)?);
    let (keys, payloads) = (input.parts(key_lengths)?, input.parts(payload_lengths)?);

    output.grow(u64::from(count) * 4)?;
    let rows = keys.zip(payloads).zip(modes.iter().zip(numbers));
    output.append_each(0, rows, |((key, payload), (mode, third)), records| {
        let mode = u8::try_from(number(*mode)).map_err(|_| Misuse)?;
        framer.write(key, mode, number(*third), payload, records).map_err(|_| Misuse)
    })
}

/// Writes status, mode, third element and the payload's offset in its record for each record; all but the status are 0 where that is
/// not ok.
pub fn read(framer: &mut Framer, mut input: Input, output: &mut Output, count: u32) -> Result<()> {
    let (key_lengths, record_lengths) = (input.numbers(count)?, input.numbers(count)?);
    let (keys, records) = (input.parts(key_lengths)?, input.parts(record_lengths)?);

    for (key, record) in keys.zip(records) {
        let found = match record {
            [] => Err(Status::Absent),
            record => framer.read(key, record),
        };
        let numbers = match found {
            Ok(Framed { mode, number, payload_at }) => [Status::Ok as u32, u32::from(mode), number, payload_at as u32],
            Err(status) => [status as u32, 0, 0, 0],
        };
        for number in numbers {
            output.append_number(number);
        }
    }
    Ok(())
}
