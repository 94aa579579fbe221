import * as v from 'valibot';
import type { EmbeddingsOptions } from '../cache/options.js';
import { ttlSchema } from '../options.js';
import type { Ttl } from '../ttl.js';

/** Options of `watchDrift`: those of the namespace, and how it is watched. */
export interface WatchDriftOptions<Input = string> extends EmbeddingsOptions<Input> {
  /**
   * The canaries: 1 to 256 inputs, which must stay the same. Needed where inputs are no texts; the
   * fewer they are, the less is known. @default 16 texts of several languages and kinds
   */
  texts?: readonly Input[] | undefined;
  /** How often they are embedded again, by one instance of all. @default '1d' */
  every?: Ttl | undefined;
  /**
   * Whether drift begins a new epoch: nothing that was stored before is seen any more.
   * @default 'report', which only tells of it
   */
  onDrift?: 'report' | 'renew' | undefined;
}

export const watchDriftSchema = v.strictObject({
  texts: v.optional(
    v.pipe(
      v.array(v.unknown(), 'an array of inputs'),
      v.minLength(1, 'at least 1 input'),
      v.maxLength(256, 'at most 256 inputs'),
    ),
  ),
  every: v.optional(ttlSchema, '1d'),
  onDrift: v.optional(v.picklist(['report', 'renew']), 'report'),
});
