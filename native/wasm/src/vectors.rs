//! `encode_vectors` and `decode_vectors`.

use crate::abi::{Input, Misuse, Output, Result, number};
use vecstash_core::{
    Compression, Float, Form, HINT_WORDS, Item, MAX_DIMENSIONS, Precision, Profiles, Status, VectorDecoder, VectorEncoder,
    tokens_from_number,
};

#[derive(Default)]
pub struct Vectors {
    encoder: VectorEncoder,
    decoder: VectorDecoder,
    /// Those that were loaded.
    profiles: Profiles,
}

impl Vectors {
    #[allow(clippy::too_many_arguments, reason = "one crossing for a whole batch")]
    pub fn encode(
        &mut self,
        mut input: Input,
        output: &mut Output,
        count: u32,
        dimensions: u32,
        compression: u32,
        tolerance: f64,
        profile: u32,
        has_tokens: bool,
    ) -> Result<()> {
        let profiles = self.profiles_of(if profile == 0 { vec![] } else { vec![profile] })?;
        let row = row_bytes(dimensions)?;
        let compression = Compression::from_number(compression).ok_or(Misuse)?;
        let mut form = Form::new(Precision::from_number(tolerance).ok_or(Misuse)?, compression);
        let hint = input.numbers(HINT_WORDS as u32)?;
        form.structure_hint = std::array::from_fn(|index| number(hint[index]));
        let tokens = input.doubles(if has_tokens { count } else { 0 })?;
        let lengths = input.numbers(count)?;
        let vectors: &[Float] = input.bytes(u64::from(count) * row)?.as_chunks().0;
        let keys = input.parts(lengths)?;

        output.grow((HINT_WORDS as u64 + u64::from(count)) * 4)?;
        let mut vectors = vectors.chunks_exact(dimensions as usize).peekable();
        let mut tokens = tokens.iter();
        output.append_each(HINT_WORDS, keys, |key, records| {
            let vector = vectors.next().ok_or(Misuse)?;
            let tokens = tokens.next().and_then(|tokens| tokens_from_number(f64::from_le_bytes(*tokens)));
            let item = Item { key, vector, tokens };
            self.encoder
                .encode_with(profiles.find(profile), item, vectors.peek().copied(), &mut form, records)
                .map_err(|_| Misuse)
        })?;
        for (index, word) in form.structure_hint.iter().enumerate() {
            output.set_number(index, *word);
        }
        Ok(())
    }

    pub fn decode(
        &mut self,
        mut input: Input,
        output: &mut Output,
        count: u32,
        dimensions: u32,
        tolerance: f64,
        profile_count: u32,
    ) -> Result<()> {
        let profiles = self.profiles_of(input.numbers(profile_count)?.iter().copied().map(number).collect())?;
        let row = row_bytes(dimensions)?;
        let precision = Precision::from_number(tolerance).ok_or(Misuse)?;
        let (key_lengths, record_lengths) = (input.numbers(count)?, input.numbers(count)?);
        let (keys, records) = (input.parts(key_lengths)?, input.parts(record_lengths)?);

        let decoded = output.grow(u64::from(count) * (row + 1))?;
        let (vectors, statuses) = decoded.split_at_mut(count as usize * row as usize);
        let vectors = vectors.as_chunks_mut().0.chunks_exact_mut(dimensions as usize);
        for (((key, record), vector), status) in keys.zip(records).zip(vectors).zip(statuses) {
            let found = match record {
                [] => Err(Status::Absent),
                record => self.decoder.decode_with(key, record, precision, &profiles, vector),
            };
            if found.is_err() {
                // Nothing of another call shows.
                vector.fill(Float::default());
            }
            *status = found.err().unwrap_or(Status::Ok) as u8;
        }
        Ok(())
    }

    /// The number of a profile that is taken.
    pub fn load_profile(&mut self, mut input: Input, output: &mut Output, length: u32) -> Result<()> {
        let number = self.profiles.load(input.bytes(u64::from(length))?);
        output.append_number(u32::from(number.is_some()));
        output.append_number(number.unwrap_or(0));
        Ok(())
    }

    /// Gives back what is kept between calls, profiles excepted.
    pub fn trim(&mut self) {
        (self.encoder, self.decoder) = Default::default();
    }

    /// Those of the loaded profiles that have these numbers.
    fn profiles_of(&self, numbers: Vec<u32>) -> Result<Profiles> {
        self.profiles.only(&numbers).ok_or(Misuse)
    }
}

/// The bytes of one vector.
fn row_bytes(dimensions: u32) -> Result<u64> {
    let is_allowed = (1..=MAX_DIMENSIONS).contains(&(dimensions as usize));
    if is_allowed { Ok(u64::from(dimensions) * size_of::<Float>() as u64) } else { Err(Misuse) }
}
