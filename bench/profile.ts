// npm run profile [-- encode|lookups]: leaves a CPU profile of one suite, of vecstash alone.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { Argument, Command } from 'commander';

const subjects = {
  lookups: ['--suite', 'lookups', '--only', 'vecstash (native)'],
  portable: ['--suite', 'lookups', '--only', 'vecstash (portable)'],
  codec: ['--suite', 'codec', '--only', 'native'],
};

const [subject] = new Command('npm run profile --')
  .addArgument(new Argument('[subject]', 'what to profile').choices(Object.keys(subjects)).default('lookups'))
  .parse().processedArgs as [keyof typeof subjects];

const file = `${subject}-${Date.now()}.cpuprofile`;
mkdirSync('profiles', { recursive: true });
const { status } = spawnSync(
  process.execPath,
  [
    '--cpu-prof',
    '--cpu-prof-dir=profiles',
    `--cpu-prof-name=${file}`,
    '--import',
    'tsx',
    'bench/main.ts',
    ...subjects[subject],
  ],
  { stdio: 'inherit' },
);
if (status === 0) {
  console.log(`\nprofiles/${file}: open it in Chrome (DevTools, Performance, Load profile) or drop it on speedscope`);
}
process.exitCode = status ?? 1;
