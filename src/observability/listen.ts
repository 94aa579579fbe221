import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CHANNELS, type Events, quietly } from '../events.js';

/**
 * What is done with each event; the others are not heard. What a listener returns may be a promise,
 * whose rejection is lost.
 */
export type Listeners = { [Event in keyof Events]?: (event: Events[Event]) => unknown };

/**
 * Hears events until the returned function is called. An error of a listener is lost: it must not
 * become the cache's.
 */
export function listen(listeners: Listeners): () => void {
  const subscriptions = Object.entries(listeners).map(([event, hear]) => {
    // Node would throw an error anew where nobody can catch it, and end the process.
    const onMessage = (message: unknown) => quietly(() => (hear as (event: unknown) => unknown)(message));
    return [CHANNELS[event as keyof Events], onMessage] as const;
  });
  for (const [channel, onMessage] of subscriptions) subscribe(channel, onMessage);
  return () => {
    for (const [channel, onMessage] of subscriptions) unsubscribe(channel, onMessage);
  };
}
