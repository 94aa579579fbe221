import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/** Where a CPU profile of what is measured is left, if one is asked for: see bench/profile.ts. */
const FILE = process.env.VECSTASH_PROFILE;

/** Microseconds between two looks at what is running. */
const INTERVAL = 200;

/** Begins a CPU profile where one is asked for; what is returned ends it. Start-up and warm-up are not the job. */
export async function startProfile(): Promise<() => Promise<void>> {
  if (FILE === undefined) return async () => {};
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    writeFileSync(FILE, JSON.stringify(profile));
  };
}
