import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { until } from '../../src/testing/until.js';
import { deployed, readRules, readYaml } from './files.js';
import { startServer } from './server.js';
import { startSmtpSink } from './smtp-sink.js';
import { toolsOf } from './tools.js';

const test = suite('deploy: Alertmanager');
const CONFIG = deployed('alertmanager/alertmanager.yml');
const alerts = readRules().filter(({ alert }) => alert !== undefined);

interface Config {
  global: Record<string, unknown>;
  route: { group_wait?: string; group_interval?: string; routes: { group_wait?: string }[] };
}

interface Status {
  labels: Record<string, string>;
  status: { state: string; inhibitedBy: string[] };
}

const tools = await toolsOf('prometheus-alertmanager', ['amtool', 'prometheus-alertmanager']);
if (tools) run(...(tools as [string, string]));

function run(amtool: string, alertmanager: string): void {
  const ask = (...args: string[]) => execFileSync(amtool, args, { encoding: 'utf8', stdio: 'pipe' }).trim();

  test('amtool takes the configuration', () => {
    assert.match(ask('check-config', CONFIG), 'SUCCESS');
  });

  test('each alert goes to Slack, and to e-mail where it is critical', () => {
    const routed = alerts.map(({ alert, labels }) => {
      const all = Object.entries({ alertname: alert, job: 'api', ...labels }).map(
        ([name, value]) => `${name}=${value}`,
      );
      return [alert, labels?.cause, ask('config', 'routes', 'test', `--config.file=${CONFIG}`, ...all)];
    });
    assert.equal(routed, [
      ['VecstashHitRateLow', undefined, 'slack'],
      ['VecstashLatencyHigh', undefined, 'slack'],
      ['VecstashCorruptRecords', undefined, 'slack-and-email'],
      ['VecstashBreakerOpen', undefined, 'slack-and-email'],
      ['VecstashQueueFull', 'limit', 'slack'],
      ['VecstashQueueFull', 'drops', 'slack-and-email'],
      ['VecstashDrift', undefined, 'slack-and-email'],
    ]);
  });

  test('what is sent, and what an open breaker keeps from being sent', async () => {
    const slack: { title: string; text: string; color: string }[] = [];
    const mails: string[] = [];
    const hook = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      slack.push(...JSON.parse(body).attachments);
      response.end('ok');
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const smtp = await startSmtpSink(mails);
    const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

    // The same, but for where it goes to and how long it waits.
    const config = readYaml<Config>(CONFIG);
    Object.assign(config.global, {
      slack_api_url_file: 'slack',
      smtp_auth_password_file: 'password',
      smtp_smarthost: `127.0.0.1:${portOf(smtp)}`,
      smtp_require_tls: false,
    });
    for (const route of [config.route, ...config.route.routes]) route.group_wait = '0s';
    config.route.group_interval = '1s';
    const files = {
      'alertmanager.yml': stringify(config),
      slack: `http://127.0.0.1:${portOf(hook)}/`,
      password: 'secret',
    };
    const server = await startServer(alertmanager, files, (folder, port) => [
      '--config.file=alertmanager.yml',
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ]);
    const fire = async (name: string, labels: Record<string, string>) => {
      const rule = alerts.find(({ alert }) => alert === name);
      const alert = { labels: { alertname: name, ...rule?.labels, ...labels }, annotations: rule?.annotations };
      const body = JSON.stringify([alert]);
      const headers = { 'content-type': 'application/json' };
      assert.ok((await fetch(`${server.url}/api/v2/alerts`, { method: 'POST', headers, body })).ok);
    };
    try {
      await fire('VecstashBreakerOpen', { job: 'api', instance: 'a', what: 'reads' });
      await until('it is in Slack and in the mail', () => slack.length === 1 && mails.length === 1);
      assert.is(slack[0]?.title, '[firing] VecstashBreakerOpen (api)');
      assert.is(slack[0]?.color, 'danger');
      const rule = alerts.find(({ alert }) => alert === 'VecstashBreakerOpen');
      const { summary, description, runbook } = rule?.annotations ?? {};
      assert.is(slack[0]?.text.trim(), `*${summary}*\n${description}\n_${runbook}_`);
      assert.match(mails[0] as string, /^Subject: .*VecstashBreakerOpen/m);
      assert.match(mails[0] as string, /^To: oncall@example\.com$/m);

      await fire('VecstashHitRateLow', { job: 'api', namespace: 'docs' });
      await fire('VecstashHitRateLow', { job: 'other', namespace: 'docs' });
      await until('the other job is in Slack', () => slack.length > 1);
      const stateOf = async (job: string) => {
        const all = (await (await fetch(`${server.url}/api/v2/alerts`)).json()) as Status[];
        return all.find(({ labels }) => labels.alertname === 'VecstashHitRateLow' && labels.job === job)?.status;
      };
      await until('the first is held back', async () => (await stateOf('api'))?.state === 'suppressed');
      assert.is((await stateOf('api'))?.inhibitedBy.length, 1);
      assert.is((await stateOf('other'))?.state, 'active');
      assert.equal(
        slack.slice(1).map(({ title, color }) => [title, color]),
        [['[firing] VecstashHitRateLow (other)', 'warning']],
      );
      assert.is(mails.length, 1);
    } finally {
      await server.stop();
      hook.closeAllConnections();
      hook.close();
      smtp.close();
    }
  });
}

test('the secrets are in files', () => {
  const text = readFileSync(CONFIG, 'utf8');
  assert.not.match(text, /hooks\.slack\.com|api_url:|password:/);
  assert.match(text, /slack_api_url_file: .+\n/);
  assert.match(text, /auth_password_file: .+\n/);
});

test.run();
