//! `digest`.

use crate::abi::{self, Misuse, Numbers, Output, Result, number};
use vecstash_core::{DIGEST_CHARS, Digester, Input};

/// Kinds of input by number: UTF-8, UTF-16LE code units, bytes.
const UTF8: u8 = 0;
const UTF16: u8 = 1;
const BYTES: u8 = 2;

/// Writes the prefix and a digest for each input.
pub fn digest(
    mut input: abi::Input,
    output: &mut Output,
    count: u32,
    prefix_length: u32,
    secret_length: Option<u32>,
) -> Result<()> {
    let lengths: Numbers = input.numbers(count)?;
    let kinds = input.bytes(u64::from(count))?;
    let prefix = input.bytes(u64::from(prefix_length))?;
    let secret = secret_length.map(|length| input.bytes(u64::from(length))).transpose()?;
    let is_allowed =
        |(kind, length): (&u8, &[u8; 4])| *kind == UTF8 || *kind == BYTES || *kind == UTF16 && number(*length).is_multiple_of(2);
    if !prefix.is_ascii() || !kinds.iter().zip(lengths).all(is_allowed) {
        return Err(Misuse);
    }
    let texts = input.parts(lengths)?;

    let digester = Digester::new(secret);
    let one = prefix.len() + DIGEST_CHARS;
    let digests = output.grow(u64::from(count) * one as u64)?.chunks_exact_mut(one);
    let mut units = Vec::new();
    for ((text, kind), out) in texts.zip(kinds).zip(digests) {
        let input = match *kind {
            UTF8 => Input::Utf8(text),
            BYTES => Input::Bytes(text),
            _ => {
                units.clear();
                units.extend(text.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)));
                Input::Utf16(&units)
            }
        };
        let (head, digest) = out.split_at_mut(prefix.len());
        head.copy_from_slice(prefix);
        digest.copy_from_slice(&digester.digest(input));
    }
    Ok(())
}
