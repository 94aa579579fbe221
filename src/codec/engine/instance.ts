import type wasm from '#wasm';
import { EngineError } from '../../errors.js';

/**
 * An instance whose memory has become larger is given up: the memory of WebAssembly never shrinks.
 * In bytes.
 */
const MAX_KEPT = 16 * 1024 * 1024;

/** What a call is given. */
export interface Input {
  /** In bytes. */
  length: number;
  /** Writes it at a multiple of 8 in the memory: words first, then floats, then bytes. */
  write(memory: ArrayBuffer, at: number): void;
}

/** What a call wrote. It is gone with the next call. */
export interface Output {
  /** At a multiple of 8 in the memory. */
  readonly bytes: Uint8Array;
  /** Numbers at a multiple of 4 from the output's beginning. */
  words(at: number, count: number): Uint32Array;
  floats(at: number, count: number): Float32Array;
}

/**
 * An instance of the core, made when it is first needed, and made anew after it failed or took much
 * memory.
 */
export class Instance {
  readonly #instantiate: typeof wasm;
  readonly #prepare: (instance: Instance) => void;
  #exports: wasm.Exports | undefined;

  /** @param prepare is called with each new instance, before its first call */
  constructor(instantiate: typeof wasm, prepare: (instance: Instance) => void = () => {}) {
    this.#instantiate = instantiate;
    this.#prepare = prepare;
  }

  /**
   * Runs one call. Throws `EngineError` where the core fails.
   *
   * @param read takes what is wanted of the output in memory of its own
   */
  run<T>({ length, write }: Input, call: (exports: wasm.Exports) => number, read: (output: Output) => T): T {
    const exports = this.#exports ?? this.#start();
    // Addresses above 2 GiB come as negative numbers.
    const at = this.#unlessItTraps(() => exports.input(length)) >>> 0;
    write(exports.memory.buffer, at);
    this.#unlessItTraps(() => (call(exports) === 0 ? 1 : 0));
    const result = read(outputOf(exports));
    if (exports.memory.buffer.byteLength > MAX_KEPT) this.#exports = undefined;
    return result;
  }

  /**
   * What a call returns, which is 0 where it could not be done. After a trap the memory is as the
   * fault left it.
   */
  #unlessItTraps(call: () => number): number {
    let result = 0;
    try {
      result = call();
    } catch {
      // Its message says nothing of use.
    }
    if (result !== 0) return result;
    this.#exports = undefined;
    throw new EngineError();
  }

  #start(): wasm.Exports {
    const exports = this.#instantiate();
    this.#exports = exports;
    this.#prepare(this);
    return exports;
  }
}

function outputOf(exports: wasm.Exports): Output {
  const { buffer } = exports.memory;
  const start = exports.output() >>> 0;
  return {
    bytes: new Uint8Array(buffer, start, exports.output_length() >>> 0),
    words: (at, count) => new Uint32Array(buffer, start + at, count),
    floats: (at, count) => new Float32Array(buffer, start + at, count),
  };
}
