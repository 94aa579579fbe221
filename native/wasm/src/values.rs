//! `encode_values`, `decode_values` and `load_dictionary`.

use crate::abi::{Input, Misuse, Output, Result};
use vecstash_core::{Compression, Dictionaries, Status, ValueDecoder, ValueEncoder};

#[derive(Default)]
pub struct Values {
    encoder: ValueEncoder,
    decoder: ValueDecoder,
    dictionaries: Dictionaries,
}

impl Values {
    /// Gives back what the encoder and the decoder keep; dictionaries stay.
    pub fn trim(&mut self) {
        (self.encoder, self.decoder) = Default::default();
    }

    pub fn encode(
        &mut self,
        mut input: Input,
        output: &mut Output,
        count: u32,
        compression: u32,
        dictionary: Option<u32>,
    ) -> Result<()> {
        let compression = Compression::from_number(compression).ok_or(Misuse)?;
        let mut dictionary = match dictionary {
            None => None,
            Some(number) => Some(self.dictionaries.find(number).ok_or(Misuse)?),
        };
        let (key_lengths, value_lengths) = (input.numbers(count)?, input.numbers(count)?);
        let (keys, values) = (input.parts(key_lengths)?, input.parts(value_lengths)?);

        output.grow(u64::from(count) * 4)?;
        output.append_each(0, keys.zip(values), |(key, value), records| {
            self.encoder.encode(key, value, compression, dictionary.as_deref_mut(), records).map_err(|_| Misuse)
        })
    }

    pub fn decode(&mut self, mut input: Input, output: &mut Output, count: u32) -> Result<()> {
        let (key_lengths, record_lengths) = (input.numbers(count)?, input.numbers(count)?);
        let (keys, records) = (input.parts(key_lengths)?, input.parts(record_lengths)?);

        output.grow(u64::from(count) * (4 + 1))?;
        let mut statuses = Vec::with_capacity(count as usize);
        output.append_each(0, keys.zip(records), |(key, record), values| {
            let decoded = match record {
                [] => Err(Status::Absent),
                record => self.decoder.decode(key, record, &mut self.dictionaries),
            };
            statuses.push(*decoded.as_ref().err().unwrap_or(&Status::Ok) as u8);
            values.append(&decoded.unwrap_or_default());
            Ok(())
        })?;
        output.overwrite(4 * count as usize, &statuses);
        Ok(())
    }

    /// Writes whether the dictionary was taken, and its number.
    pub fn load(&mut self, mut input: Input, output: &mut Output, length: u32) -> Result<()> {
        let number = self.dictionaries.load(input.bytes(u64::from(length))?);
        output.append_number(u32::from(number.is_some()));
        output.append_number(number.unwrap_or(0));
        Ok(())
    }
}
