import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { createMetrics } from '../../src/observability/index.js';
import { until } from '../../src/testing/until.js';
import { openBusyCaches } from './busy-cache.js';
import { expressionsOf, readDashboard } from './dashboard.js';
import { RULES, type RuleFile, readRules, readYaml } from './files.js';
import { type DeployedServer, startServer } from './server.js';
import { toolsOf } from './tools.js';

const test = suite('deploy: Prometheus');

interface Answer {
  status: string;
  error?: string;
  data: { result: { value: [time: number, value: string] }[] };
}

interface RuleState {
  name: string;
  type: 'alerting' | 'recording';
  health: string;
  lastError?: string;
  state?: string;
}

const tools = await toolsOf('prometheus', ['prometheus']);
if (tools) {
  const [prometheus] = tools as [string];

  test('everything that is shown and watched has values after a real cache was used', async () => {
    const caches: { memory?: { bytes: number } } = {};
    const metrics = createMetrics({ money: { docs: 1e6 }, sizes: { memory: () => caches.memory?.bytes ?? 0 } });
    const busy = openBusyCaches(metrics);
    caches.memory = busy.memory;
    let scrapes = 0;
    const target = createServer((request, response) => {
      response.on('finish', () => {
        scrapes += 1;
      });
      return metrics.handler(request, response);
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    let server: DeployedServer | undefined;
    const scraped = async () => {
      const before = scrapes;
      // The first of them may have begun before.
      await until('it is scraped', () => scrapes >= before + 2);
    };
    try {
      server = await start(prometheus, (target.address() as AddressInfo).port);
      const { url } = server;
      await busy.work(0);
      await scraped();
      await busy.work(1);
      await scraped();
      const expressions = [
        ...expressionsOf(readDashboard()),
        ...readRules().map(({ record, alert, expr }): [string, string] => [record ?? (alert as string), expr]),
      ];
      for (const [title, expr] of expressions) {
        await until(`${title} has a value: ${expr}`, () => hasValue(url, expr), 30_000);
      }
      await until('each rule was evaluated and each alert has begun', () => allBegun(url), 30_000);
    } finally {
      await server?.stop();
      metrics.stop();
      target.closeAllConnections();
      target.close();
      await busy.close();
    }
  });
}

/** A Prometheus with the rules, which looks at the port several times a second. */
function start(prometheus: string, port: number): Promise<DeployedServer> {
  const rules = readYaml<RuleFile>(RULES);
  for (const group of rules.groups) group.interval = '500ms';
  const config = {
    global: { scrape_interval: '250ms', scrape_timeout: '250ms' },
    rule_files: ['rules.yml'],
    scrape_configs: [{ job_name: 'api', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
  };
  const files = { 'prometheus.yml': stringify(config), 'rules.yml': stringify(rules) };
  return startServer(prometheus, files, (folder, own) => [
    '--config.file=prometheus.yml',
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${own}`,
    '--log.level=error',
  ]);
}

/** Whether an expression has a value that is a number. Throws where Prometheus refuses it. */
async function hasValue(url: string, expr: string): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expr }) });
  const { status, error, data } = (await response.json()) as Answer;
  assert.is(status, 'success', `${expr}: ${error}`);
  return data.result.some(({ value }) => !Number.isNaN(Number(value[1])));
}

async function allBegun(url: string): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/rules`);
  const { data } = (await response.json()) as { data: { groups: { rules: RuleState[] }[] } };
  const states = data.groups.flatMap(({ rules }) => rules);
  assert.is(states.length, readRules().length);
  for (const { name, health, lastError } of states) assert.is.not(health, 'err', `${name}: ${lastError}`);
  // Those that have to last are pending.
  return states.every(({ type, health, state }) => health === 'ok' && (type === 'recording' || state !== 'inactive'));
}

test.run();
