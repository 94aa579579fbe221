import loadAddon from '#native';
import instantiate from '#wasm';
import { InvalidOptionError } from '../../errors.js';
import type { Engine } from './engine.js';
import { createNativeEngine } from './native.js';
import { createWasmEngine } from './wasm.js';

/** The only file that loads the core: the addon, or WebAssembly. */
export type EngineChoice = 'auto' | 'native' | 'portable';

let native: Engine | undefined;
let portable: Engine | undefined;

/**
 * The engine for a choice. 'auto' follows the environment's VECSTASH_NATIVE: `auto` (default) takes
 * the native engine where it loads, `off` never, `require` throws where it does not load.
 */
export function selectEngine(choice: EngineChoice = 'auto'): Engine {
  if (choice === 'portable') return usePortable();
  if (choice === 'native') return useNative('engine');
  // A browser has no environment.
  const wish = globalThis.process?.env?.VECSTASH_NATIVE || 'auto';
  if (wish === 'off') return usePortable();
  if (wish === 'require') return useNative('VECSTASH_NATIVE');
  if (wish !== 'auto') throw new InvalidOptionError('VECSTASH_NATIVE', "'auto', 'off' or 'require'", `'${wish}'`);
  return loadAddon().addon === undefined ? usePortable() : useNative('engine');
}

/** Which build of the core serves where nothing else is asked for. */
export function engineName(): 'native' | 'portable' {
  return selectEngine().name;
}

/**
 * The digest function of the engine that serves. Keys know no codec, so the cache hands it to them.
 */
export function engineDigest(): Engine['digest'] {
  return selectEngine().digest;
}

function usePortable(): Engine {
  portable ??= createWasmEngine(instantiate);
  return portable;
}

function useNative(option: string): Engine {
  const { addon, error } = loadAddon();
  if (addon === undefined) {
    const remedy = option === 'engine' ? "set engine: 'auto'" : 'set VECSTASH_NATIVE=auto';
    throw new InvalidOptionError(
      option,
      `the native engine could not be loaded: ${error.message}. Install it, or ${remedy} to use WebAssembly.`,
    );
  }
  native ??= createNativeEngine(addon);
  return native;
}
