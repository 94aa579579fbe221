/**
 * Vectors that tell of what key and version they are: PRF(key, version) behind the two numbers, so that a wrong, mixed or changed
 * vector is never taken for another one.
 */
export interface Named {
  key: number;
  version: number;
}

export function vectorOf({ key, version }: Named, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = key + 1;
  vector[1] = version;
  for (let i = 2; i < dimensions; i += 1) vector[i] = noise(key, version, i);
  return vector;
}

/** What a vector is of; undefined where it is no such vector, bit for bit. */
export function nameOf(vector: ArrayLike<number>, dimensions: number): Named | undefined {
  const name = { key: (vector[0] as number) - 1, version: vector[1] as number };
  if (vector.length !== dimensions || !Number.isInteger(name.key) || !Number.isInteger(name.version)) return undefined;
  for (let i = 2; i < dimensions; i += 1) if (vector[i] !== noise(name.key, name.version, i)) return undefined;
  return name;
}

/** The same for what is no vector. */
export interface SimValue extends Named {
  check: number;
}

export function simValueOf({ key, version }: Named): SimValue {
  return { key, version, check: noise(key, version, 0) };
}

export function nameOfValue({ key, version, check }: SimValue): Named | undefined {
  return check === noise(key, version, 0) ? { key, version } : undefined;
}

/** A float32 of -1 to 1. */
function noise(key: number, version: number, place: number): number {
  let x = Math.imul(key + 1, 0x9e3779b1) ^ Math.imul(version + 1, 0x85ebca6b) ^ Math.imul(place + 1, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return Math.fround((x ^ (x >>> 15)) / 0x80000000);
}
