import type load from '#native';
import { lookInto, RecordSpans } from '../../record-spans.js';
import { concat, frameOf, joinKeys, numberOf, plain, READ_NUMBERS, split, statusOf, toleranceOf } from './crossing.js';
import type { Engine } from './engine.js';

const MIB = 1024 * 1024;

/** The core as an addon: this file only arranges a batch so that it crosses once. */
export function createNativeEngine(addon: load.NativeAddon): Engine {
  return {
    name: 'native',

    encodeVectors(keys, vectors, { dimensions, precision, compression, structureHint, profiles }, tokens) {
      const [keyBytes, keyLengths] = joinKeys(keys);
      const { bytes, lengths } = addon.encodeVectors(
        keyBytes,
        keyLengths,
        vectors as Float32Array[],
        dimensions,
        numberOf(compression),
        toleranceOf(precision),
        structureHint,
        profiles[0] ?? 0,
        tokens,
      );
      return split(bytes, lengths);
    },

    decodeVectors: (...batch) => withinMemory(batch, (sound) => addon.decodeVectors(...crossing(...sound))),

    decodeVectorsLater: (...batch) => withinMemory(batch, (sound) => addon.decodeVectorsLater(...crossing(...sound))),

    sliceBytes: { decoded: 4 * MIB, encoded: MIB },

    loadProfile: (bytes) => addon.loadProfile(bytes) ?? undefined,

    loadDictionary: (bytes) => addon.loadDictionary(bytes) ?? undefined,

    trainDictionary(samples, bytes) {
      const lengths = Uint32Array.from(samples, ({ length }) => length);
      const trained = addon.trainDictionary(concat(samples), lengths, bytes);
      return trained ? plain(trained, 0, trained.length) : undefined;
    },

    encodeValues(keys, values, compression, dictionary) {
      const batch = [...joinKeys(keys), values as Uint8Array[], numberOf(compression), dictionary] as const;
      const { bytes, lengths } = addon.encodeValues(...batch);
      return split(bytes, lengths);
    },

    decodeValues(keys, records) {
      const { buffers, spans } = RecordSpans.of(records);
      return addon
        .decodeValues(...joinKeys(keys), buffers as Uint8Array[], spans)
        .map((value) => (typeof value === 'number' ? statusOf(value) : plain(value, 0, value.length)));
    },

    digest(secret, prefix, inputs) {
      if (inputs.every(isText)) return addon.digestStrings(secret, prefix, ...inputs);
      const texts = addon.digestStrings(secret, prefix, ...inputs.filter(isText));
      const images = inputs.filter((input): input is Uint8Array => !isText(input));
      const digests = addon.digestBytes(secret, prefix, images);
      const length = digests.length / images.length;
      let [text, image] = [0, 0];
      const next = (input: string | Uint8Array) =>
        isText(input) ? texts.slice(length * text++, length * text) : digests.slice(length * image++, length * image);
      return inputs.map(next).join('');
    },

    writeRecords(keys, frames) {
      const modes = Uint32Array.from(frames, ({ mode }) => mode);
      const numbers = Uint32Array.from(frames, ({ number }) => number);
      const payloads = frames.map(({ payload }) => payload);
      const { bytes, lengths } = addon.writeRecords(...joinKeys(keys), payloads, modes, numbers);
      return split(bytes, lengths);
    },

    readRecords(keys, records) {
      const { buffers, spans } = RecordSpans.of(records);
      const read = addon.readRecords(...joinKeys(keys), buffers as Uint8Array[], spans);
      return records.map((record, i) => frameOf(read.subarray(READ_NUMBERS * i), record));
    },
  };
}

function isText(input: string | Uint8Array): input is string {
  return typeof input === 'string';
}

/**
 * Decodes a batch. The addon throws where a record lies outside of its memory, which is so where
 * that was detached since the record came: such records are then left out.
 */
function withinMemory<T>(batch: Parameters<Engine['decodeVectors']>, decode: (sound: typeof batch) => T): T {
  try {
    return decode(batch);
  } catch (error) {
    const [keys, records, ...rest] = batch;
    const sound = RecordSpans.of(records.toArray());
    if (keys.every((_, place) => sound.has(place) === records.has(place))) throw error;
    return decode([keys, sound, ...rest]);
  }
}

/** A batch to decode as it crosses. */
function crossing(
  ...[keys, records, { dimensions, precision, profiles }, blocks, rowsPerBlock]: Parameters<Engine['decodeVectors']>
): Parameters<load.NativeAddon['decodeVectors']> {
  const { buffers, spans } = lookInto(records);
  return [
    ...joinKeys(keys),
    buffers as Uint8Array[],
    spans,
    dimensions,
    toleranceOf(precision),
    blocks as Float32Array[],
    rowsPerBlock,
    profiles,
  ];
}
