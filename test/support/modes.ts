/** The modes of docs/format.md section 2, by number. */
export const MODE = {
  raw: 0x00,
  planes: 0x08,
  exponent: 0x10,
  grid: 0x20,
  steps: 0x30,
  decimal: 0x31,
  multiples: 0x32,
  float16: 0x40,
  int8: 0x41,
  value: 0x70,
  valueLz4: 0x71,
  valueZstd: 0x72,
  valueDictionary: 0x73,
} as const;
