import type { Hello, Snapshot } from '../wire.js';

/** A snapshot comes each second: after so long without one the connection is taken for dead, in milliseconds. */
const SILENCE = 5000;
/** Between attempts where the browser itself does not try again. */
const PAUSE = 2000;

export interface Listener {
  onHello(hello: Hello): void;
  onSnapshot(snapshot: Snapshot): void;
  onLost(): void;
}

/** Hears the server for as long as the page is open, and connects again where it is lost. */
export function listen(listener: Listener): void {
  const source = new EventSource('/api/live');
  let silence: ReturnType<typeof setTimeout>;
  const again = (pause: number) => {
    clearTimeout(silence);
    source.close();
    listener.onLost();
    setTimeout(() => listen(listener), pause);
  };
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => again(0), SILENCE);
  };
  source.addEventListener('hello', ({ data }) => {
    heard();
    listener.onHello(JSON.parse(data));
  });
  source.addEventListener('snapshot', ({ data }) => {
    heard();
    listener.onSnapshot(JSON.parse(data));
  });
  // The browser gives up for good where the answer was an error, and tries again at its own pace elsewhere.
  source.addEventListener('error', () => again(PAUSE));
  heard();
}
