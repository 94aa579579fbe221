//! The codec of vecstash for WebAssembly: `vecstash-core` behind a C ABI, for a host that needs nothing but `WebAssembly` itself.
//!
//! A call takes its input from the room that `input` gave and leaves its output in another. Numbers are u32s and little-endian unless
//! they are said to be something else. A call returns 0 when it wrote an output, and 1 where its arguments do not fit together, go
//! beyond the input, or ask for more than there is memory for; there is no output then. Nothing is imported. A panic traps: the host
//! drops the instance then, and makes another. src/codec/engine holds the host's side.

mod abi;
mod digests;
mod frames;
mod values;
mod vectors;

use abi::{ALIGNMENT, Input, Output, Result, Room};
use std::cell::RefCell;
use values::Values;
use vecstash_core::{Framer, HINT_WORDS};
use vectors::Vectors;

/// Raised whenever an export changes what it takes or gives.
const ABI: u32 = 3;

#[derive(Default)]
struct Codec {
    vectors: Vectors,
    values: Values,
    framer: Framer,
}

thread_local! {
    // Three cells, so that what a call reads, what it writes and what it works with are borrowed apart.
    static ROOM: RefCell<Room> = RefCell::default();
    static OUTPUT: RefCell<Output> = RefCell::default();
    static CODEC: RefCell<Codec> = RefCell::default();
}

fn call(run: impl FnOnce(&mut Codec, Input, &mut Output) -> Result<()>) -> u32 {
    ROOM.with_borrow(|room| {
        OUTPUT.with_borrow_mut(|output| {
            output.clear();
            let result = CODEC.with_borrow_mut(|codec| run(codec, room.input(), output));
            match result {
                Ok(()) => output.finish(),
                Err(_) => output.clear(),
            }
            u32::from(result.is_err())
        })
    })
}

/// An address in linear memory, which is 32 bits wide. Nothing at all lies aligned too.
fn address(bytes: &[u8]) -> u32 {
    if bytes.is_empty() { ALIGNMENT as u32 } else { bytes.as_ptr().addr() as u32 }
}

/// Exports functions to the host of a WebAssembly module. Elsewhere they are built for the compiler and clippy to look at, under names
/// that get into nobody's way.
macro_rules! exports {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$attribute])*
            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            pub extern "C" fn $name($($argument: $type),*) $(-> $result)? $body
        )*
    };
}

exports! {
    fn abi() -> u32 {
        ABI
    }

    /// How many words the structure hint of `encode_vectors` has.
    fn hint_words() -> u32 {
        HINT_WORDS as u32
    }

    /// The address of room for `bytes` bytes of input, 8-aligned, valid until the next `input` or `trim`; 0 where there is no memory for
    /// it. Its content is whatever was there.
    fn input(bytes: u32) -> u32 {
        ROOM.with_borrow_mut(|room| room.open(bytes as usize).map_or(0, |room| address(room)))
    }

    /// The address of what the last call wrote, 8-aligned, valid until the next call or `trim`.
    fn output() -> u32 {
        OUTPUT.with_borrow(|output| address(output.bytes()))
    }

    fn output_length() -> u32 {
        OUTPUT.with_borrow(|output| output.bytes().len() as u32)
    }

    /// Gives back to the allocator whatever is kept between calls, dictionaries and profiles excepted.
    fn trim() {
        ROOM.take();
        OUTPUT.take();
        CODEC.with_borrow_mut(|codec| {
            codec.values.trim();
            codec.vectors.trim();
            codec.framer = Framer::default();
        });
    }

    /// Input: structure hint (`hint_words()` words), tokens where there are some (count float64, anything but a whole number below 2^32
    /// where they are not known), key lengths, vectors (count x dimensions float32), keys end to end.
    /// Output: structure hint, record lengths, records end to end.
    ///
    /// `compression` is 0 auto, 1 none, 2 lz4, 3 zstd; `tolerance` is 0 for exact, -1 for float16, -2 for int8, or the largest error;
    /// `profile` is the number of one that was loaded, or 0.
    fn encode_vectors(count: u32, dimensions: u32, compression: u32, tolerance: f64, profile: u32, has_tokens: u32) -> u32 {
        call(|codec, input, output| {
            codec.vectors.encode(input, output, count, dimensions, compression, tolerance, profile, has_tokens != 0)
        })
    }

    /// Input: the numbers of profiles that may be read with (`profiles` of them, all loaded), key lengths, record lengths (0: there is none), keys, records.
    /// Output: vectors (count x dimensions float32, zeros where the status is not ok), statuses (count u8).
    fn decode_vectors(count: u32, dimensions: u32, tolerance: f64, profiles: u32) -> u32 {
        call(|codec, input, output| codec.vectors.decode(input, output, count, dimensions, tolerance, profiles))
    }

    /// Input: what `trainProfile` made. Output: 1 and its number, or 0 and 0 where it is none, or where another one has its number.
    fn load_profile(length: u32) -> u32 {
        call(|codec, input, output| codec.vectors.load_profile(input, output, length))
    }

    /// Input: key lengths, value lengths, keys, values (msgpack).
    /// Output: record lengths, records.
    fn encode_values(count: u32, compression: u32, has_dictionary: u32, dictionary: u32) -> u32 {
        let dictionary = (has_dictionary != 0).then_some(dictionary);
        call(|codec, input, output| codec.values.encode(input, output, count, compression, dictionary))
    }

    /// Input: key lengths, record lengths (0: there is none), keys, records.
    /// Output: value lengths, statuses (count u8), values.
    fn decode_values(count: u32) -> u32 {
        call(|codec, input, output| codec.values.decode(input, output, count))
    }

    /// Input: the bytes of a dictionary. Output: whether it was taken (0 or 1), and the number that records know it by.
    fn load_dictionary(length: u32) -> u32 {
        call(|codec, input, output| codec.values.load(input, output, length))
    }

    /// Input: lengths, kinds (count u8: 0 UTF-8, 1 UTF-16LE code units, 2 bytes), the prefix (ASCII), the secret, what is digested.
    /// Output: for each, the prefix and 22 characters.
    fn digest(count: u32, prefix_length: u32, has_secret: u32, secret_length: u32) -> u32 {
        let secret_length = (has_secret != 0).then_some(secret_length);
        call(|_, input, output| digests::digest(input, output, count, prefix_length, secret_length))
    }

    /// Input: key lengths, payload lengths, modes (0 to 127), numbers (the third element of each record), keys, payloads.
    /// Output: record lengths, records.
    fn write_records(count: u32) -> u32 {
        call(|codec, input, output| frames::write(&mut codec.framer, input, output, count))
    }

    /// Input: key lengths, record lengths (0: there is none), keys, records.
    /// Output: for each, its status, and where that is ok its mode, its third element and its payload's offset.
    fn read_records(count: u32) -> u32 {
        call(|codec, input, output| frames::read(&mut codec.framer, input, output, count))
    }
}
