/**
 * `instanceof` for what may be of another realm. Jest, Vitest's vmThreads, jsdom and `node:vm` run
 * code with globals of its own, and Node's Buffer, sockets, fetch and structuredClone hand it
 * objects of the main ones.
 */
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const nameOfTypedArray = getterOf(typedArray, Symbol.toStringTag) as (this: unknown) => string | undefined;
const byteLengthOfBuffer = getterOf(ArrayBuffer.prototype, 'byteLength');

/** Of the value itself: nothing that anybody put on it is asked. */
function getterOf(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: unknown) => unknown;
}

export function isUint8Array(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || nameOfTypedArray.call(value) === 'Uint8Array';
}

export function isUint32Array(value: unknown): value is Uint32Array {
  return value instanceof Uint32Array || nameOfTypedArray.call(value) === 'Uint32Array';
}

export function isFloat32Array(value: unknown): value is Float32Array {
  return value instanceof Float32Array || nameOfTypedArray.call(value) === 'Float32Array';
}

/** False for a SharedArrayBuffer. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  if (value instanceof ArrayBuffer) return true;
  if (typeof value !== 'object' || value === null) return false;
  try {
    byteLengthOfBuffer.call(value);
    return true;
  } catch {
    return false;
  }
}

export function isError(value: unknown): value is Error {
  if (value instanceof Error) return true;
  return /^\[object (Error|DOMException)\]$/.test(Object.prototype.toString.call(value));
}
