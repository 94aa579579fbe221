import { readFileSync } from 'node:fs';

/** What native/wasm/src/lib.rs exports, beside its calls. */
interface Exports {
  memory: { buffer: ArrayBuffer };
  abi(): number;
  hint_words(): number;
  input(bytes: number): number;
  output(): number;
  output_length(): number;
  trim(): void;
}

export type CallName =
  | 'encode_vectors'
  | 'decode_vectors'
  | 'encode_values'
  | 'decode_values'
  | 'load_dictionary'
  | 'load_profile'
  | 'digest'
  | 'write_records'
  | 'read_records';

interface WebAssemblyApi {
  Module: {
    new (bytes: Uint8Array): object;
    imports(module: object): object[];
    exports(module: object): { name: string }[];
  };
  Instance: new (module: object) => { exports: Exports & Record<CallName, (...args: number[]) => number> };
}

// The types of Node do not have it.
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };

const module = new WebAssembly.Module(readFileSync(new URL('../../native/vecstash.wasm', import.meta.url)));

export const imports = WebAssembly.Module.imports(module);
export const exportNames = WebAssembly.Module.exports(module).map(({ name }) => name);

/** A part of an input. */
export type Part = Uint8Array | Uint32Array | Float32Array | Float64Array;

/** An instance of the core, called as the ABI says and with nothing between. */
export class WasmCore {
  readonly exports = new WebAssembly.Instance(module).exports;

  /** Makes one call. Its output, or undefined where it answered 1; whatever else happens throws. */
  call(name: CallName, args: readonly number[], ...parts: readonly Part[]): Uint8Array | undefined {
    this.put(...parts);
    return this.callOnly(name, args);
  }

  /** The same over the input that is there. */
  callOnly(name: CallName, args: readonly number[]): Uint8Array | undefined {
    const answer = this.exports[name](...args);
    if (answer !== 0 && answer !== 1) throw new Error(`${name} answered ${answer}`);
    const start = this.exports.output() >>> 0;
    const length = this.exports.output_length() >>> 0;
    if (start % 8 !== 0) throw new Error(`the output of ${name} begins at ${start}`);
    if (answer === 1) {
      if (length !== 0) throw new Error(`${name} answered 1 and left an output`);
      return undefined;
    }
    // Throws where it does not lie within the memory.
    return new Uint8Array(this.exports.memory.buffer, start, length).slice();
  }

  put(...parts: readonly Part[]): void {
    const bytes = parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    const total = bytes.reduce((sum, part) => sum + part.length, 0);
    let at = this.exports.input(total) >>> 0;
    if (at === 0 || at % 8 !== 0) throw new Error(`the input begins at ${at}`);
    const memory = new Uint8Array(this.exports.memory.buffer);
    for (const part of bytes) {
      memory.set(part, at);
      at += part.length;
    }
  }
}

/** The u32s at the beginning of an output. */
export function words(output: Uint8Array, count: number, start = 0): Uint32Array {
  return new Uint32Array(output.slice(start, start + 4 * count).buffer);
}

/** Lengths and all bytes end to end: how the calls take keys, values and records. */
export function joined(parts: readonly Uint8Array[]): [lengths: Uint32Array, bytes: Buffer] {
  return [Uint32Array.from(parts, (part) => part.length), Buffer.concat(parts)];
}
