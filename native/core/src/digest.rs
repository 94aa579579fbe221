//! The digest at the end of a key: docs/format.md section 3.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The characters of one digest: the first 132 bits of a hash in base64url.
pub const DIGEST_CHARS: usize = 22;

/// Whole groups of four characters, of which `DIGEST_CHARS` are kept.
const ENCODED_CHARS: usize = 24;
const ENCODED_BYTES: usize = 18;

/// What is hashed. Each kind has a tag of its own, so no input of one kind can pass for one of another.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The UTF-8 of a well-formed string.
    Utf8(&'a [u8]),
    /// The code units of a string with a lone surrogate, which has no UTF-8 of its own.
    Utf16(&'a [u16]),
    /// Bytes that are no string.
    Bytes(&'a [u8]),
}

/// Hashes inputs, with a secret or without.
pub struct Digester {
    /// Keyed once: HMAC hashes the key before each message otherwise.
    keyed: Option<Hmac<Sha256>>,
}

impl Digester {
    pub fn new(secret: Option<&[u8]>) -> Self {
        Self { keyed: secret.map(|secret| Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")) }
    }

    pub fn digest(&self, input: Input) -> [u8; DIGEST_CHARS] {
        let hash = match &self.keyed {
            None => {
                let mut hash = Sha256::new();
                feed(input, |bytes| hash.update(bytes));
                hash.finalize()
            }
            Some(keyed) => {
                let mut hash = keyed.clone();
                feed(input, |bytes| hash.update(bytes));
                hash.finalize().into_bytes()
            }
        };
        let mut characters = [0; ENCODED_CHARS];
        let written = URL_SAFE_NO_PAD.encode_slice(&hash[..ENCODED_BYTES], &mut characters);
        debug_assert_eq!(written, Ok(ENCODED_CHARS));
        let [digest @ .., _, _] = characters;
        digest
    }
}

fn feed(input: Input, mut update: impl FnMut(&[u8])) {
    match input {
        Input::Utf8(bytes) => {
            update(b"t");
            update(bytes);
        }
        Input::Utf16(units) => {
            update(b"u");
            for unit in units {
                update(&unit.to_le_bytes());
            }
        }
        Input::Bytes(bytes) => {
            update(b"b");
            update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(secret: Option<&[u8]>, input: Input) -> String {
        String::from_utf8(Digester::new(secret).digest(input).to_vec()).unwrap()
    }

    #[test]
    fn known_answers() {
        // printf 'thello' | openssl dgst -sha256 [-hmac key] -binary | basenc --base64url | head -c 22
        assert_eq!(digest(None, Input::Utf8(b"hello")), "otm3Y8PrEQyBGAWktxnFdU");
        assert_eq!(digest(Some(b"key"), Input::Utf8(b"hello")), "ItRS08ZoK_HWfnlhy4yFqO");
        // printf 'u\x00\xd8a\x00' | ...
        assert_eq!(digest(None, Input::Utf16(&[0xd800, 0x61])), "XT2LIpA41dXHqC7mnCntBz");
        // printf 'bhello' | ...
        assert_eq!(digest(None, Input::Bytes(b"hello")), "obV9YKMg9B7Ye8XCDzV5yR");
        assert_eq!(digest(Some(b"key"), Input::Bytes(b"hello")), "2Wk_w2-MUS03Z62AfM7uEO");
    }
}
