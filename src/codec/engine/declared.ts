/**
 * The third number of a record, as it says: a value's bytes (docs/format.md section 1). 0 where nothing can be read there. Nothing else
 * is looked at: this is what to expect of an engine, before it is asked.
 */
export function declaredLength(record: Uint8Array): number {
  const [, , , token = 0] = record;
  if (token <= 0x7f) return token;
  const width = [1, 2, 4][token - 0xcc];
  if (width === undefined || record.length < 4 + width) return 0;
  let length = 0;
  for (let at = 4; at < 4 + width; at++) length = 256 * length + (record[at] as number);
  return length;
}
