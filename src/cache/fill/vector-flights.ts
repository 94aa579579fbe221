import type { Flight, Flights } from './flights.js';

/**
 * What came of a flight: vectors by key, and what went wrong with the others. The vectors are the
 * flight's own: whoever gets one gets a copy.
 */
export interface FlightResult {
  vectors: ReadonlyMap<string, Float32Array>;
  /** What they took, where it is known. */
  tokens: ReadonlyMap<string, number>;
  error?: unknown;
  /**
   * Keys that others had stored, and how many had joined when they were read: old to later ones.
   */
  reread: ReadonlyMap<string, number>;
  /**
   * The same of keys that were stored under locks, for where it is known in time whether they were.
   */
  sent: ReadonlyMap<string, number>;
  /**
   * Resolves, when what can be stored is, to the keys that others wrote or removed before: to
   * whoever asked after that it is old.
   */
  outdated: Promise<ReadonlySet<string>>;
}

/** Flights of vectors: those of one cache and precision. */
export type VectorFlights = Flights<FlightResult>;
export type VectorFlight = Flight<FlightResult>;
