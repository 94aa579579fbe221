/** What stands in a record. */
export interface Payload {
  mode: number;
  payload: Uint8Array;
}

/** A payload with its mode, where there is one. */
export function payloadOf(mode: number, payload: Uint8Array | undefined): Payload | undefined {
  return payload && { mode, payload };
}
