//! `encode_vectors` and `decode_vectors`.

use crate::abi::{Input, Misuse, Output, Result, number};
use vecstash_core::{Compression, Float, Form, MAX_DIMENSIONS, MemoryWords, Precision, Status, VectorDecoder, VectorEncoder};

/// How many words of memory there are.
pub const MEMORY_WORDS: usize = size_of::<MemoryWords>() / size_of::<u32>();

#[derive(Default)]
pub struct Vectors {
    encoder: VectorEncoder,
    decoder: VectorDecoder,
}

impl Vectors {
    pub fn encode(
        &mut self,
        mut input: Input,
        output: &mut Output,
        count: u32,
        dimensions: u32,
        compression: u32,
        tolerance: f64,
    ) -> Result<()> {
        let row = row_bytes(dimensions)?;
        let compression = Compression::from_number(compression).ok_or(Misuse)?;
        let mut form = Form::new(Precision::from_number(tolerance).ok_or(Misuse)?, compression);
        let memory = input.numbers(MEMORY_WORDS as u32)?;
        form.memory = std::array::from_fn(|index| number(memory[index]));
        let lengths = input.numbers(count)?;
        let vectors: &[Float] = input.bytes(u64::from(count) * row)?.as_chunks().0;
        let keys = input.parts(lengths)?;

        output.grow((MEMORY_WORDS as u64 + u64::from(count)) * 4)?;
        let mut vectors = vectors.chunks_exact(dimensions as usize).peekable();
        output.append_each(MEMORY_WORDS, keys, |key, records| {
            let vector = vectors.next().ok_or(Misuse)?;
            self.encoder.encode(key, vector, vectors.peek().copied(), &mut form, records).map_err(|_| Misuse)
        })?;
        for (index, word) in form.memory.iter().enumerate() {
            output.set_number(index, *word);
        }
        Ok(())
    }

    pub fn decode(&mut self, mut input: Input, output: &mut Output, count: u32, dimensions: u32, tolerance: f64) -> Result<()> {
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
                record => self.decoder.decode(key, record, precision, vector),
            };
            if found.is_err() {
                // Nothing of another call shows.
                vector.fill(Float::default());
            }
            *status = found.err().unwrap_or(Status::Ok) as u8;
        }
        Ok(())
    }
}

/// The bytes of one vector.
fn row_bytes(dimensions: u32) -> Result<u64> {
    let is_allowed = (1..=MAX_DIMENSIONS).contains(&(dimensions as usize));
    if is_allowed { Ok(u64::from(dimensions) * size_of::<Float>() as u64) } else { Err(Misuse) }
}
