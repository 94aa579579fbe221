import { type Change, type PackedChange, unpackChange } from '../change.js';

/** One message between instances. */
export interface Message {
  from: string;
  /** Counts all messages of a sender, so that a gap is seen. */
  seq: number;
  /** It is there. The number is its `seq`. */
  hello?: number;
  /** It ends. */
  bye?: boolean;
  change?: PackedChange;
  /** Whether the change is a removal. */
  removal?: boolean;
  /** The change is to be acknowledged under this number. */
  confirm?: number;
  /** Acknowledges a change of the instance `to`. */
  ack?: number;
  to?: string;
}

/** Undefined for what is no message of ours. */
export function parseMessage(text: string): Message | undefined {
  try {
    const message = JSON.parse(text);
    return typeof message?.from === 'string' && typeof message.seq === 'number' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The change that a message tells of. */
export function changeOf({ change }: Message): Change | undefined {
  return change === undefined ? undefined : unpackChange(change);
}
