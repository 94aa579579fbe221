import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CHANNELS, type Events } from '../events.js';

/** What is done with each event; the others are not heard. */
export type Listeners = { [Event in keyof Events]?: (event: Events[Event]) => void };

/** Hears events until the returned function is called. An error of a listener is lost: it must not become the cache's. */
export function listen(listeners: Listeners): () => void {
  const subscriptions = Object.entries(listeners).map(([event, hear]) => {
    const onMessage = (message: unknown) => {
      try {
        (hear as (event: unknown) => void)(message);
      } catch {
        // Node would throw it anew where nobody can catch it, and end the process.
      }
    };
    return [CHANNELS[event as keyof Events], onMessage] as const;
  });
  for (const [channel, onMessage] of subscriptions) subscribe(channel, onMessage);
  return () => {
    for (const [channel, onMessage] of subscriptions) unsubscribe(channel, onMessage);
  };
}
