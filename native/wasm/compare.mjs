/**
 * Whether two builds of the core do the same: what they read of every golden record, and what they write for made vectors and values.
 * For a build whose bytes differ because another clang made it. It uses nothing but Node itself.
 */
const DIMENSIONS = [1, 5, 66, 384];
/** Exact, float16, int8, bounded. */
const TOLERANCES = [0, -1, -2, 1e-6, 1e-3, 0.5];
/** Auto, none, lz4, zstd. */
const COMPRESSIONS = [0, 1, 2, 3];

/**
 * @param one the bytes of a build
 * @param other those of another
 * @param golden the parsed test/golden/format-1.json
 * @returns how many calls answered alike; throws at the first that did not
 */
export function compare(one, other, golden) {
  const instances = [one, other].map(instantiate);
  let calls = 0;
  const both = (name, args, ...parts) => {
    const [a, b] = instances.map((instance) => call(instance, name, args, parts));
    if (!a.equals(b))
      throw new Error(
        `the builds differ at call ${calls}, ${name}(${args}): native/vecstash.wasm is not of this source`,
      );
    calls++;
    return a;
  };

  for (const { key, record, floats, precision } of golden.vectors) {
    const parts = [words(key.length, record.length / 2), Buffer.from(key), Buffer.from(record, 'hex')];
    both('decode_vectors', [1, floats.length / 8, toleranceOf(precision)], ...parts);
  }
  for (const { key, record, dictionary } of [...golden.values, ...golden.sealed]) {
    const parts = [words(key.length, record.length / 2), Buffer.from(key), Buffer.from(record, 'hex')];
    if (dictionary !== undefined) both('load_dictionary', [dictionary.length / 2], Buffer.from(dictionary, 'hex'));
    both('decode_values', [1], ...parts);
    both('read_records', [1], ...parts);
  }

  const hintWords = instances[0].hint_words();
  const key = Buffer.from('key');
  for (const dimensions of DIMENSIONS) {
    const vectors = madeVectors(dimensions);
    const keys = Buffer.concat(vectors.map(() => key));
    const lengths = words(...vectors.map(() => key.length));
    for (const tolerance of TOLERANCES) {
      for (const compression of tolerance === 0 ? COMPRESSIONS : [0]) {
        const parts = [words(...new Array(hintWords).fill(0)), lengths, ...vectors, keys];
        both('encode_vectors', [vectors.length, dimensions, compression, tolerance], ...parts);
        const tokens = Float64Array.from(vectors, (_, i) => 300 ** i - 1);
        const args = [vectors.length, dimensions, compression, tolerance, 0, 1];
        both('encode_vectors', args, parts[0], tokens, ...parts.slice(1));
      }
    }
  }
  const text = Buffer.from(golden.values.map(({ json }) => json).join());
  for (const length of [1, 100, 1000, 17_000, 70_000, 300_000]) {
    for (const compression of COMPRESSIONS) {
      both('encode_values', [1, compression, 0, 0], words(key.length, length), key, Buffer.alloc(length, text));
    }
  }
  both('digest', [1, 0, 0, 0], words(key.length), Uint8Array.of(0), key);
  return calls;
}

function instantiate(bytes) {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
}

/** What a call answers, and behind it what it wrote. */
function call(instance, name, args, parts) {
  const input = Buffer.concat(
    parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  );
  const start = instance.input(input.length) >>> 0;
  new Uint8Array(instance.memory.buffer).set(input, start);
  const answer = instance[name](...args);
  const output = new Uint8Array(instance.memory.buffer, instance.output() >>> 0, instance.output_length() >>> 0);
  return Buffer.concat([Uint8Array.of(answer), output]);
}

function words(...numbers) {
  return Uint32Array.from(numbers);
}

function toleranceOf(precision = 'exact') {
  return precision.maxError ?? { exact: 0, float16: -1, int8: -2 }[precision];
}

/** Vectors that lead to every mode: noise, of few bits, of few bits times a scale, with few decimals, mostly zeros, and any bits. */
function madeVectors(dimensions) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const noise = Float32Array.from({ length: dimensions }, () => (random() + random() + random() - 1.5) / 20);
  const few = Float32Array.from(noise);
  const bits = new Uint32Array(few.buffer);
  for (let i = 0; i < dimensions; i++) bits[i] &= 0xffffe000;
  return [
    noise,
    few,
    few.map((x) => x * 1.0437261),
    noise.map((x) => Number(x.toFixed(6))),
    noise.map((x, i) => (i % 11 === 0 ? x : 0)),
    new Float32Array(Uint32Array.from({ length: dimensions }, () => random() * 2 ** 32).buffer),
  ];
}
