//! What the payloads of docs/format.md have in common: codes, patches, stored bits. The plainest way, for `reference`.

/// A canonical Huffman code.
pub struct Code {
    /// Length, code with its first bit highest, and symbol.
    codes: Vec<(u32, u32, u8)>,
}

impl Code {
    /// Table `table` of those in the document that have so many symbols.
    pub fn of(symbols: usize, table: usize) -> Self {
        let row = format!("| {table} | ");
        let lengths: Vec<u32> = include_str!("../../../../docs/format.md")
            .lines()
            .filter_map(|line| line.strip_prefix(&row)?.strip_suffix(" |"))
            .map(|cell| cell.split(' ').map_while(|number| number.parse().ok()).collect())
            .find(|lengths: &Vec<u32>| lengths.len() == symbols)
            .expect("the document has the table");
        let mut codes = Vec::new();
        let mut next = 0;
        for length in 1..=11 {
            for symbol in (0..symbols).filter(|symbol| lengths[*symbol] == length) {
                codes.push((length, next, symbol as u8));
                next += 1;
            }
            next <<= 1;
        }
        Self { codes }
    }

    /// The first `count` symbols of a stream, and how many bytes they take.
    fn read(&self, stream: &[u8], count: usize) -> Option<(Vec<u8>, usize)> {
        let mut at = 0;
        let mut symbols = Vec::new();
        while symbols.len() < count {
            let (mut code, mut length) = (0, 0);
            let symbol = loop {
                let bit = stream.get(at / 8)? >> (at % 8) & 1;
                at += 1;
                (code, length) = (code << 1 | u32::from(bit), length + 1);
                if let Some((_, _, symbol)) = self.codes.iter().find(|found| (found.0, found.1) == (length, code)) {
                    break *symbol;
                }
            };
            symbols.push(symbol);
        }
        Some((symbols, at.div_ceil(8)))
    }

    pub fn bytes_of(&self, stream: &[u8], count: usize) -> Option<usize> {
        self.read(stream, count).map(|(_, bytes)| bytes)
    }
}

/// How many bytes each plane of stored bits takes: words, bytes, fields.
fn stored_sizes(bits: u32, dimensions: usize) -> [usize; 3] {
    let words = if bits >= 16 { 2 * dimensions } else { 0 };
    let bytes = if bits % 16 >= 8 { dimensions } else { 0 };
    [words, bytes, (dimensions * (bits % 8) as usize).div_ceil(8)]
}

pub fn stored_size(bits: u32, dimensions: usize) -> usize {
    stored_sizes(bits, dimensions).iter().sum()
}

/// The planes of these stored bits.
pub fn stored_planes(bits: u32, values: &[u32]) -> Vec<u8> {
    let [words, bytes, fields] = stored_sizes(bits, values.len());
    let (below_bytes, below_fields) = (bits / 16 * 16, bits / 8 * 8);
    let low = values.iter().filter(|_| words > 0).flat_map(|w| (*w as u16).to_le_bytes());
    let middle = values.iter().filter(|_| bytes > 0).map(|w| (w >> below_bytes) as u8);
    let mut planes: Vec<u8> = low.chain(middle).collect();
    let fields_at = planes.len();
    planes.resize(fields_at + fields, 0);
    let places = values.iter().flat_map(|w| (below_fields..bits).map(move |place| w >> place & 1));
    for (at, bit) in places.enumerate() {
        planes[fields_at + at / 8] |= (bit as u8) << (at % 8);
    }
    planes
}

/// What is left of a payload.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn patches<const N: usize>(&mut self, count: u8, dimensions: usize) -> Option<Vec<[u8; N]>> {
        let patches = (0..count).map(|_| self.array()).collect::<Option<Vec<[u8; N]>>>()?;
        let indices: Vec<usize> = patches.iter().map(|patch| usize::from(u16::from_le_bytes([patch[0], patch[1]]))).collect();
        let ascend = indices.windows(2).all(|pair| pair[0] < pair[1]);
        (ascend && indices.iter().all(|index| *index < dimensions)).then_some(patches)
    }

    /// The symbols of four streams, which end where what is stored begins.
    pub fn streams(&mut self, code: &Code, lengths: [u8; 3], stored: usize, dimensions: usize) -> Option<Vec<u8>> {
        let mut all = Bytes(self.take(self.0.len().checked_sub(stored)?)?);
        let lengths: Vec<usize> = if lengths[0] == 0x80 {
            let apart: [u8; 6] = all.array()?;
            apart.chunks(2).map(|length| usize::from(u16::from_le_bytes([length[0], length[1]]))).collect()
        } else {
            let of_all = all.0.len() / 4;
            lengths.iter().map(|longer| of_all.checked_add_signed(isize::from(*longer as i8))).collect::<Option<_>>()?
        };
        let quarter = dimensions.div_ceil(4);
        let mut symbols = Vec::new();
        for k in 0..4 {
            let length = lengths.get(k).copied().unwrap_or(all.0.len());
            let count = dimensions.min((k + 1) * quarter).saturating_sub(k * quarter);
            let (of_stream, bytes) = code.read(all.take(length)?, count)?;
            if bytes != length {
                return None;
            }
            symbols.extend(of_stream);
        }
        Some(symbols)
    }

    /// The stored bits of each element.
    pub fn stored(&mut self, bits: u32, dimensions: usize) -> Option<Vec<u32>> {
        let [words, bytes, fields] = stored_sizes(bits, dimensions);
        let (words, bytes, fields) = (self.take(words)?, self.take(bytes)?, self.take(fields)?);
        let element = |index: usize| {
            let (mut w, mut filled) = (0, 0);
            if !words.is_empty() {
                w = u32::from(words[2 * index]) | u32::from(words[2 * index + 1]) << 8;
                filled = 16;
            }
            if !bytes.is_empty() {
                w |= u32::from(bytes[index]) << filled;
                filled += 8;
            }
            let width = (bits % 8) as usize;
            for place in 0..width {
                let at = index * width + place;
                w |= u32::from(fields[at / 8] >> (at % 8) & 1) << (filled + place);
            }
            w
        };
        Some((0..dimensions).map(element).collect())
    }
}
