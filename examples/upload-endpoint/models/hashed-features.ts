/**
 * A vector of a text without a model: its words and the trigrams of their letters, each hashed to a dimension and a sign, scaled to
 * length 1. Texts that share words come out alike, and nothing more is to be had of it.
 */
export function hashedFeatures(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const feature of featuresOf(text)) {
    const hash = fnv1a(feature);
    const place = (hash >>> 1) % dimensions;
    vector[place] = (vector[place] as number) + (hash & 1 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  // Features may cancel out, and a vector of zeros is none.
  if (length === 0) vector[0] = 1;
  return length === 0 ? vector : vector.map((x) => x / length);
}

function* featuresOf(text: string): Generator<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text];
  for (const word of words) {
    yield word;
    const padded = ` ${word} `;
    for (let at = 0; at + 3 <= padded.length; at++) yield padded.slice(at, at + 3);
  }
}

/** FNV-1a with a last mix: its lowest bits alone, which choose sign and place, repeat too much. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
