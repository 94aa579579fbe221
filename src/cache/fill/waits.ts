/** Between two looks whether other processes are done with a key. */
export const LOOKS = { baseMs: 10, maxMs: 200 };

/** How long other processes are waited for that say they are at a key, in milliseconds. */
export const MAX_WAIT = 60_000;

/** The same where a model waits: they may wait for that, in a way that nobody sees from here. */
export const MAX_NESTED_WAIT = 2_000;
