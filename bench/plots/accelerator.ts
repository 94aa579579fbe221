/**
 * Measured once, elsewhere, on a machine with an NVIDIA H200: 1000 texts in milliseconds; models in
 * bfloat16, without tokenising; caches on the same machine, warm, over a loopback Redis.
 */
export const MODELS = [
  { name: 'MiniLM-size', at64: 7.4, at256: 24 },
  { name: 'BERT-base-size', at64: 28, at256: 109 },
  { name: 'BERT-large-size', at64: 84, at256: 333 },
  { name: 'a model of 0.6 B', at64: 324, at256: 1249 },
  { name: 'a model of 8 B', at64: 1969, at256: 7744 },
];

/** `ms` is where the point is drawn: the middle, where a range was seen. */
export const ACCELERATOR_CACHES = [
  { name: 'vecstash, int8', ms: 2.4, label: '2.4' },
  { name: 'vecstash, maxError 1e-5', ms: 3.3, label: '3.3' },
  { name: 'bare mgetBuffer', ms: 4.7, label: '4.6-4.8' },
  { name: 'vecstash, exact', ms: 4.9, label: '4.9' },
  { name: 'lz4 + msgpackr', ms: 12, label: '12' },
  { name: 'JSON values', ms: 184, label: '165-205' },
];
