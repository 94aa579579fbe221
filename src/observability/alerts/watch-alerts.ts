import * as v from 'valibot';
import { redactedError } from '../../describe.js';
import { InvalidOptionError } from '../../errors.js';
import { emit, quietly } from '../../events.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import { listen } from '../listen.js';
import { NamespaceLabels } from '../namespace-labels.js';
import { OpenBreakers } from '../open-breakers.js';
import { OpenQueues } from '../open-queues.js';
import type { Alert, Condition } from './alert.js';
import { AlertStates } from './alert-states.js';
import { systemWatchClock, type WatchClock } from './clock.js';
import {
  type AlertThresholds,
  breakerCondition,
  conditionsOf,
  driftCondition,
  queueConditions,
  THRESHOLDS,
} from './conditions.js';
import { NamespaceTraffic } from './traffic.js';
import { Webhook } from './webhook.js';
import { WindowCounts } from './window-counts.js';

export interface WatchAlertsOptions {
  /**
   * Where alerts are posted to, as JSON: `text`, which a Slack incoming webhook shows, and `alert`.
   * @default nowhere
   */
  webhook?: string | undefined;
  /**
   * Is given each alert. What it throws or rejects with counts as an alert that was not delivered.
   */
  onAlert?: ((alert: Alert) => unknown) | undefined;
  /** @default see `AlertThresholds` */
  thresholds?: AlertThresholds | undefined;
  /** What rates, latencies and counts are of. @default '15m' */
  window?: Ttl | undefined;
  /** How often it is looked whether something is wrong. @default '30s' */
  every?: Ttl | undefined;
  /** After how long an alert that goes on is told again. False: not at all. @default '4h' */
  repeat?: Ttl | false | undefined;
  /** Stands in each text: which process speaks, such as the host's name. @default none */
  source?: string | undefined;
  /**
   * The most namespaces that are watched each by itself; later ones are watched together, as
   * 'other'. @default 100
   */
  maxNamespaces?: number | undefined;
}

export interface AlertWatcher {
  /** The alerts that were told and are not over. */
  readonly firing: readonly Alert[];
  /**
   * How many could not be delivered. Each is also told as a `failure` event, with the operation
   * 'alert'.
   */
  readonly undelivered: number;
  /** Hears no more, and gives up what is not delivered yet. */
  stop(): void;
}

const share = v.pipe(v.number('a share of 1'), v.minValue(0, 'at least 0'), v.maxValue(1, 'at most 1'));
const amount = v.pipe(v.number('a number'), v.minValue(0, 'at least 0'));

const optionsSchema = v.strictObject({
  webhook: v.optional(
    v.pipe(v.string('a URL'), v.url('a URL'), v.regex(/^https?:/i, 'a URL that begins with https: or http:')),
  ),
  onAlert: v.optional(v.custom<(alert: Alert) => unknown>((value) => typeof value === 'function', 'a function')),
  thresholds: v.optional(
    v.strictObject({
      hitRate: v.optional(share, THRESHOLDS.hitRate),
      requests: v.optional(amount, THRESHOLDS.requests),
      latencyMs: v.optional(amount, THRESHOLDS.latencyMs),
      lookups: v.optional(amount, THRESHOLDS.lookups),
      corrupt: v.optional(amount, THRESHOLDS.corrupt),
      queueFill: v.optional(share, THRESHOLDS.queueFill),
      queueDrops: v.optional(amount, THRESHOLDS.queueDrops),
    }),
    {},
  ),
  window: v.optional(ttlSchema, '15m'),
  every: v.optional(ttlSchema, '30s'),
  repeat: v.optional(v.union([v.literal(false), ttlSchema], 'a time such as 4h, or false'), '4h'),
  source: v.optional(v.string()),
  maxNamespaces: v.optional(
    v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(1, 'at least 1 namespace')),
    100,
  ),
});

/**
 * Watches what all caches of this process emit, for where there is no Prometheus, and tells whom it
 * is given what is wrong: a hit rate that is low, lookups that are slow, corrupt records, a breaker
 * that stays open, a write-behind queue that is full or loses entries, a model that drifted. Each
 * is told when it begins and when it is over. An alert that cannot be delivered is tried a few
 * times, and never throws. Nothing of it keeps the process alive but a request that is under way.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export function watchAlerts(options: WatchAlertsOptions, clock: WatchClock = systemWatchClock): AlertWatcher {
  const {
    webhook: url,
    onAlert,
    thresholds,
    window,
    every,
    repeat,
    source,
    maxNamespaces,
  } = checkOptions(optionsSchema, options, 'watchAlerts options');
  if (url === undefined && onAlert === undefined) {
    throw new InvalidOptionError('webhook', 'a URL, or a function as onAlert', 'neither');
  }
  const webhook = url === undefined ? undefined : new Webhook(url, clock);
  const labels = new NamespaceLabels(maxNamespaces, []);
  const namespaces = new Map<string, NamespaceTraffic>();
  const breakers = new OpenBreakers();
  const queues = new OpenQueues();
  const drifts = new Map<string, Condition>();
  const drops = new WindowCounts(1, window);
  const states = new AlertStates(repeat === false ? Number.POSITIVE_INFINITY : repeat, source);
  let undelivered = 0;

  /** @param why says what keeps an alert from being delivered; undefined where nothing does. */
  const settle = async (why: Promise<string | undefined>) => {
    const error = await why;
    if (error === undefined) return;
    undelivered += 1;
    emit('failure', () => ({ namespace: undefined, operation: 'alert', error }));
  };
  const deliver = (alert: Alert) => {
    if (webhook) quietly(() => settle(webhook.post({ text: alert.text, alert })));
    if (onAlert) quietly(() => settle(giveTo(onAlert, alert)));
  };
  const check = () => {
    const now = clock.now();
    const conditions = [
      ...Array.from(namespaces.values()).flatMap((traffic) => conditionsOf(traffic.read(now), thresholds)),
      ...breakers.counts.map(([what, open]) => breakerCondition(what, open)),
      ...drifts.values(),
      ...queueConditions(queues.bytes / queues.limitBytes, drops.sums(now)[0] as number, thresholds),
    ];
    for (const alert of states.update(now, conditions)) deliver(alert);
  };

  const stopListening = listen({
    lookup(event) {
      const namespace = labels.of(event.namespace);
      const traffic = namespaces.get(namespace) ?? new NamespaceTraffic(namespace, window);
      namespaces.set(namespace, traffic);
      traffic.record(clock.now(), event);
    },
    breaker(event) {
      breakers.record(event);
    },
    drift({ namespace: name, drifted, distance, limit }) {
      const namespace = labels.of(name);
      drifts.set(namespace, driftCondition(namespace, drifted, distance, limit));
    },
    queue(event) {
      drops.add(clock.now(), 0, queues.record(event));
    },
  });
  const stopChecking = clock.every(every, check);
  return {
    get firing() {
      return states.firing;
    },
    get undelivered() {
      return undelivered;
    },
    stop() {
      stopListening();
      stopChecking();
      webhook?.stop();
    },
  };
}

async function giveTo(onAlert: (alert: Alert) => unknown, alert: Alert): Promise<string | undefined> {
  try {
    await onAlert(alert);
    return undefined;
  } catch (error) {
    // The message is the application's, and may hold anything.
    return typeof error === 'object' && error !== null ? redactedError(error).name : typeof error;
  }
}
