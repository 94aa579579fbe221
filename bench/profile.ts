// npm run profile [-- lookups|portable|encode|decode|endpoint]: leaves a CPU profile of one job, of vecstash alone.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { selfTimes } from './self-times.js';
import { terminalTable } from './tables.js';

/** What the benchmark is told to run for each subject. */
const subjects = {
  lookups: ['--suite', 'lookups', '--only', 'vecstash (native)'],
  portable: ['--suite', 'lookups', '--only', 'vecstash (portable)'],
  encode: ['--suite', 'codec', '--only', 'encode (native'],
  decode: ['--suite', 'codec', '--only', 'decode (native'],
  endpoint: ['--suite', 'endpoint'],
};

const [subject] = new Command('npm run profile --')
  .addArgument(new Argument('[subject]', 'what to profile').choices(Object.keys(subjects)).default('lookups'))
  .parse().processedArgs as [keyof typeof subjects];

const name = `${subject}-${Date.now()}.cpuprofile`;
const file = `profiles/${name}`;
mkdirSync('profiles', { recursive: true });
// Of the endpoint it is the server that is looked at, which is a process of its own, and not the load.
const asked = subject === 'endpoint' ? { VECSTASH_PROFILE_SERVER: name } : { VECSTASH_PROFILE: file };
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...subjects[subject]], {
  stdio: 'inherit',
  env: { ...process.env, ...asked },
});
if (status === 0) {
  console.log(terminalTable(selfTimes(file, 20)));
  console.log(`\n${file}: open it in Chrome (DevTools, Performance, Load profile) or drop it on speedscope`);
}
process.exitCode = status ?? 1;
