/**
 * XXH3-64 with a seed, in 32-bit halves: BigInt is ten times slower, and WebAssembly is refused where Workers run.
 * Source of the algorithm: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md (XXH3).
 *
 * A 64-bit number is two int32, high and low. Functions that make one leave it in the registers `rh` and `rl`.
 */
let rh = 0;
let rl = 0;

const SECRET_LENGTH = 192;
const STRIPE = 64;
const STRIPES_PER_BLOCK = (SECRET_LENGTH - STRIPE) / 8;
const BLOCK = STRIPE * STRIPES_PER_BLOCK;

const SECRET_HEX =
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
  'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
  'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
  '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e';

const defaultSecret = new DataView(
  Uint8Array.from({ length: SECRET_LENGTH }, (_, i) => Number.parseInt(SECRET_HEX.slice(2 * i, 2 * i + 2), 16)).buffer,
);
const seededSecret = new DataView(new ArrayBuffer(SECRET_LENGTH));
const accumulators = new Int32Array(16); // eight lanes of low, high

/** Unsigned 32 x 32 -> 64. */
function multiplyWide(a: number, b: number): void {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const t = (Math.imul(a1, b0) >>> 0) + (Math.imul(a0, b0) >>> 16);
  const u = (Math.imul(a0, b1) >>> 0) + (t & 0xffff);
  rh = (Math.imul(a1, b1) + (t >>> 16) + (u >>> 16)) | 0;
  rl = Math.imul(a, b);
}

/** 64 x 64 -> the low 64. */
function multiply(ah: number, al: number, bh: number, bl: number): void {
  multiplyWide(al, bl);
  rh = (rh + Math.imul(ah, bl) + Math.imul(al, bh)) | 0;
}

function add(ah: number, al: number, bh: number, bl: number): void {
  const low = (al >>> 0) + (bl >>> 0);
  rl = low | 0;
  rh = (ah + bh + (low > 0xffffffff ? 1 : 0)) | 0;
}

function subtract(ah: number, al: number, bh: number, bl: number): void {
  rl = (al - bl) | 0;
  rh = (ah - bh - (al >>> 0 < bl >>> 0 ? 1 : 0)) | 0;
}

/** 64 x 64 -> 128, high half xor low half. */
function multiplyFold(ah: number, al: number, bh: number, bl: number): void {
  multiplyWide(al, bl);
  const llh = rh >>> 0;
  const lll = rl;
  multiplyWide(ah, bl);
  const hlh = rh >>> 0;
  const hll = rl >>> 0;
  multiplyWide(al, bh);
  const lhh = rh >>> 0;
  const lhl = rl >>> 0;
  multiplyWide(ah, bh);
  const middle = llh + hll + lhl; // below 3 * 2^32: exact
  const carry = (middle - (middle >>> 0)) / 0x100000000;
  const high = (rl >>> 0) + hlh + lhh + carry;
  const top = rh + (high - (high >>> 0)) / 0x100000000;
  rh = (top ^ middle) | 0;
  rl = (high ^ lll) | 0;
}

/** The end of every input over 3 bytes. */
function avalanche(): void {
  rl ^= rh >>> 5; // x ^= x >> 37
  multiply(rh, rl, 0x16566791, 0x9e3779f9);
  rl ^= rh; // x ^= x >> 32
}

/** XXH64's, which XXH3 keeps for the shortest inputs. */
function avalanche64(): void {
  rl ^= rh >>> 1; // x ^= x >> 33
  multiply(rh, rl, 0xc2b2ae3d, 0x27d4eb4f);
  rl ^= (rh << 3) | (rl >>> 29); // x ^= x >> 29
  rh ^= rh >>> 29;
  multiply(rh, rl, 0x165667b1, 0x9e3779f9);
  rl ^= rh;
}

function shortHash(input: DataView, offset: number, length: number, seedHigh: number, seedLow: number): void {
  const secret = defaultSecret;
  const word = (at: number) => input.getInt32(offset + at, true);
  const key = (at: number) => secret.getInt32(at, true);
  if (length === 0) {
    rh = seedHigh ^ key(60) ^ key(68);
    rl = seedLow ^ key(56) ^ key(64);
    avalanche64();
  } else if (length <= 3) {
    const first = input.getUint8(offset);
    const middle = input.getUint8(offset + (length >> 1));
    const last = input.getUint8(offset + length - 1);
    add(0, key(0) ^ key(4), seedHigh, seedLow);
    rl ^= (first << 16) | (middle << 24) | last | (length << 8);
    avalanche64();
  } else if (length <= 8) {
    const swapped =
      ((seedLow & 0xff) << 24) | ((seedLow & 0xff00) << 8) | ((seedLow >>> 8) & 0xff00) | ((seedLow >>> 24) & 0xff);
    subtract(key(12) ^ key(20), key(8) ^ key(16), seedHigh ^ swapped, seedLow);
    const h = rh ^ word(0);
    const l = rl ^ word(length - 4);
    // x ^= rotl(x, 49) ^ rotl(x, 24)
    rh = h ^ ((l << 17) | (h >>> 15)) ^ ((h << 24) | (l >>> 8));
    rl = l ^ ((h << 17) | (l >>> 15)) ^ ((l << 24) | (h >>> 8));
    multiply(rh, rl, 0x9fb21c65, 0x1e98df25);
    const [h2, l2] = [rh, rl];
    add(0, h2 >>> 3, 0, length); // (x >> 35) + length
    rh ^= h2;
    rl ^= l2;
    multiply(rh, rl, 0x9fb21c65, 0x1e98df25);
    rl ^= (rh << 4) | (rl >>> 28); // x ^= x >> 28
    rh ^= rh >>> 28;
  } else {
    add(key(28) ^ key(36), key(24) ^ key(32), seedHigh, seedLow);
    const lowHigh = rh ^ word(4);
    const lowLow = rl ^ word(0);
    subtract(key(44) ^ key(52), key(40) ^ key(48), seedHigh, seedLow);
    const highHigh = rh ^ word(length - 4);
    const highLow = rl ^ word(length - 8);
    multiplyFold(lowHigh, lowLow, highHigh, highLow);
    add(rh, rl, highHigh, highLow);
    add(rh, rl, byteSwap(lowLow), byteSwap(lowHigh));
    add(rh, rl, 0, length);
    avalanche();
  }
}

function byteSwap(x: number): number {
  return (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
}

/** Adds sixteen bytes of input, mixed with sixteen of the secret, to the sum in (`sumHigh`, `sumLow`), into the registers. */
function mix16(
  input: DataView,
  at: number,
  secretAt: number,
  seedHigh: number,
  seedLow: number,
  sumHigh: number,
  sumLow: number,
): void {
  const secret = defaultSecret;
  add(secret.getInt32(secretAt + 4, true), secret.getInt32(secretAt, true), seedHigh, seedLow);
  const ah = rh ^ input.getInt32(at + 4, true);
  const al = rl ^ input.getInt32(at, true);
  subtract(secret.getInt32(secretAt + 12, true), secret.getInt32(secretAt + 8, true), seedHigh, seedLow);
  multiplyFold(ah, al, rh ^ input.getInt32(at + 12, true), rl ^ input.getInt32(at + 8, true));
  add(rh, rl, sumHigh, sumLow);
}

function mediumHash(input: DataView, offset: number, length: number, seedHigh: number, seedLow: number): void {
  multiply(0x9e3779b1, 0x85ebca87, 0, length);
  if (length <= 128) {
    for (let i = (length - 1) >> 5; i >= 0; i--) {
      mix16(input, offset + 16 * i, 32 * i, seedHigh, seedLow, rh, rl);
      mix16(input, offset + length - 16 * (i + 1), 32 * i + 16, seedHigh, seedLow, rh, rl);
    }
  } else {
    for (let i = 0; i < 8; i++) mix16(input, offset + 16 * i, 16 * i, seedHigh, seedLow, rh, rl);
    avalanche();
    const rounds = length >> 4;
    for (let i = 8; i < rounds; i++) mix16(input, offset + 16 * i, 16 * (i - 8) + 3, seedHigh, seedLow, rh, rl);
    mix16(input, offset + length - 16, 136 - 17, seedHigh, seedLow, rh, rl);
  }
  avalanche();
}

/** Mixes one stripe into the lanes. The hot loop: everything is inlined by hand, which makes it four times as fast. */
function accumulate(acc: Int32Array, input: DataView, at: number, secret: DataView, secretAt: number): void {
  for (let lane = 0; lane < 16; lane += 2) {
    const low = input.getInt32(at + 4 * lane, true);
    const high = input.getInt32(at + 4 * lane + 4, true);
    const a = low ^ secret.getInt32(secretAt + 4 * lane, true);
    const b = high ^ secret.getInt32(secretAt + 4 * lane + 4, true);
    // acc[lane ^ 1] += input
    const neighbour = lane ^ 2;
    const sum = ((acc[neighbour] as number) + low) | 0;
    const carry = ((acc[neighbour] as number) & low) | (((acc[neighbour] as number) | low) & ~sum);
    acc[neighbour] = sum;
    acc[neighbour + 1] = (acc[neighbour + 1] as number) + high + (carry >>> 31);
    // acc[lane] += a * b, 32 x 32 -> 64
    const a0 = a & 0xffff;
    const a1 = a >>> 16;
    const b0 = b & 0xffff;
    const b1 = b >>> 16;
    const t = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
    const u = (Math.imul(a0, b1) + (t & 0xffff)) | 0;
    const productLow = Math.imul(a, b);
    const productHigh = (Math.imul(a1, b1) + (t >>> 16) + (u >>> 16)) | 0;
    const total = ((acc[lane] as number) + productLow) | 0;
    const carry2 = ((acc[lane] as number) & productLow) | (((acc[lane] as number) | productLow) & ~total);
    acc[lane] = total;
    acc[lane + 1] = (acc[lane + 1] as number) + productHigh + (carry2 >>> 31);
  }
}

function scramble(acc: Int32Array, secret: DataView): void {
  for (let lane = 0; lane < 8; lane++) {
    const low = acc[2 * lane] as number;
    const high = acc[2 * lane + 1] as number;
    const at = SECRET_LENGTH - STRIPE + 8 * lane;
    multiply(
      high ^ secret.getInt32(at + 4, true),
      low ^ (high >>> 15) ^ secret.getInt32(at, true), // x ^= x >> 47
      0,
      0x9e3779b1,
    );
    acc[2 * lane] = rl;
    acc[2 * lane + 1] = rh;
  }
}

function longHash(input: DataView, offset: number, length: number, seedHigh: number, seedLow: number): void {
  let secret = defaultSecret;
  if ((seedHigh | seedLow) !== 0) {
    secret = seededSecret;
    for (let at = 0; at < SECRET_LENGTH; at += 16) {
      add(defaultSecret.getInt32(at + 4, true), defaultSecret.getInt32(at, true), seedHigh, seedLow);
      secret.setInt32(at, rl, true);
      secret.setInt32(at + 4, rh, true);
      subtract(defaultSecret.getInt32(at + 12, true), defaultSecret.getInt32(at + 8, true), seedHigh, seedLow);
      secret.setInt32(at + 8, rl, true);
      secret.setInt32(at + 12, rh, true);
    }
  }
  const acc = accumulators;
  acc.set([
    0xc2b2ae3d, 0, 0x85ebca87, 0x9e3779b1, 0x27d4eb4f, 0xc2b2ae3d, 0x9e3779f9, 0x165667b1, 0xc2b2ae63, 0x85ebca77,
    0x85ebca77, 0, 0x165667c5, 0x27d4eb2f, 0x9e3779b1, 0,
  ]);
  const blocks = Math.floor((length - 1) / BLOCK);
  for (let block = 0; block < blocks; block++) {
    for (let n = 0; n < STRIPES_PER_BLOCK; n++) {
      accumulate(acc, input, offset + block * BLOCK + n * STRIPE, secret, 8 * n);
    }
    scramble(acc, secret);
  }
  const stripes = Math.floor((length - 1 - blocks * BLOCK) / STRIPE);
  for (let n = 0; n < stripes; n++) accumulate(acc, input, offset + blocks * BLOCK + n * STRIPE, secret, 8 * n);
  accumulate(acc, input, offset + length - STRIPE, secret, SECRET_LENGTH - STRIPE - 7);

  multiply(0x9e3779b1, 0x85ebca87, Math.floor(length / 0x100000000), length | 0);
  for (let pair = 0; pair < 4; pair++) {
    const [sumHigh, sumLow] = [rh, rl];
    const at = 11 + 16 * pair;
    multiplyFold(
      (acc[4 * pair + 1] as number) ^ secret.getInt32(at + 4, true),
      (acc[4 * pair] as number) ^ secret.getInt32(at, true),
      (acc[4 * pair + 3] as number) ^ secret.getInt32(at + 12, true),
      (acc[4 * pair + 2] as number) ^ secret.getInt32(at + 8, true),
    );
    add(rh, rl, sumHigh, sumLow);
  }
  avalanche();
}

/**
 * Hashes `length` bytes of `input` from `offset` and leaves the hash in `out[0]` (high) and `out[1]` (low). `out` may hold the
 * seed going in: the caller passes it as two int32.
 */
export function xxh3(
  input: DataView,
  offset: number,
  length: number,
  seedHigh: number,
  seedLow: number,
  out: Int32Array,
): void {
  if (length <= 16) shortHash(input, offset, length, seedHigh, seedLow);
  else if (length <= 240) mediumHash(input, offset, length, seedHigh, seedLow);
  else longHash(input, offset, length, seedHigh, seedLow);
  out[0] = rh;
  out[1] = rl;
}
