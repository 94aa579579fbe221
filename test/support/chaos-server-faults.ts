import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { until } from '../../src/testing/until.js';
import type { RedisServer } from './redis-server.js';
import type { RespProxy } from './resp-proxy.js';

/** What a fault is done to: a server, the way to it that the cache takes, and a connection of our own that stays. */
export interface Target {
  server: RedisServer;
  proxy: RespProxy;
  admin: Redis;
}

/** Something that happens to a server, and passes. */
export interface ServerFault {
  name: string;
  /** How often it happens in the long form, and in the quick one. @default 3 and 1 */
  times?: [long: number, quick: number];
  /** Reads are served while it lasts: what is stored may not be paid again. */
  isRead?: boolean;
  /** Arguments that the server is started with. */
  args?: string[];
  begin(target: Target): unknown;
  end(target: Target): unknown;
}

/** Faults of one server, by the names that Redis gives them where it has one. */
export const SERVER_FAULTS: readonly ServerFault[] = [
  {
    name: 'kill -9',
    times: [20, 2],
    begin: ({ server }) => server.kill(),
    end: ({ server }) => server.restart(),
  },
  {
    name: 'SIGSTOP',
    begin: ({ server }) => server.pause(),
    end: ({ server }) => server.resume(),
  },
  {
    name: 'black hole',
    begin: ({ proxy }) => {
      proxy.isBlackHole = true;
    },
    end: ({ proxy }) => {
      proxy.isBlackHole = false;
    },
  },
  {
    name: 'OOM',
    isRead: true,
    begin: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    end: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
  },
  {
    name: 'READONLY',
    isRead: true,
    begin: ({ admin }) => admin.replicaof('127.0.0.1', 1),
    end: ({ admin }) => admin.replicaof('NO', 'ONE'),
  },
  {
    name: 'LOADING',
    args: ['--key-load-delay', '4000', '--loading-process-events-interval-bytes', '1024'],
    begin: async ({ server, admin }) => {
      await admin.save();
      await server.kill();
      // It answers LOADING until it has read its file, a few milliseconds a key; `end` waits for it.
      server.restart().catch(() => {});
    },
    end: ({ admin }) => untilLoaded(admin),
  },
  {
    name: 'MISCONF',
    isRead: true,
    begin: async ({ admin }) => {
      // A folder in the place of the file, which may be there from the last time: it cannot be saved there.
      const path = await dumpPath(admin);
      rmSync(path, { force: true });
      mkdirSync(path);
      await admin.config('SET', 'save', '3600 1000000');
      await saveInBackground(admin, 'err');
    },
    end: async ({ admin }) => {
      rmdirSync(await dumpPath(admin));
      await saveInBackground(admin, 'ok');
      await admin.config('SET', 'save', '');
    },
  },
  {
    name: 'NOAUTH',
    begin: async ({ admin }) => {
      await admin.config('SET', 'requirepass', 'changed');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    end: ({ admin }) => admin.config('SET', 'requirepass', ''),
  },
  {
    name: 'NOPERM',
    begin: async ({ admin }) => {
      await admin.call('ACL', 'SETUSER', 'chaos', 'on', '>chaos', '~*', '&*', '+@all');
      await admin.call('AUTH', 'chaos', 'chaos');
      await admin.call('ACL', 'SETUSER', 'default', '-@all', '+ping', '+info', '+client', '+hello');
    },
    end: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '+@all'),
  },
];

async function untilLoaded(admin: Redis): Promise<void> {
  const isLoaded = () =>
    admin.ping().then(
      () => true,
      () => false,
    );
  await until('the server has loaded its file', isLoaded, 30_000);
}

async function dumpPath(admin: Redis): Promise<string> {
  const [, folder] = (await admin.config('GET', 'dir')) as [string, string];
  return join(folder, 'dump.rdb');
}

async function saveInBackground(admin: Redis, status: 'ok' | 'err'): Promise<void> {
  await admin.bgsave();
  const isSaved = async () => (await admin.info('persistence')).includes(`rdb_last_bgsave_status:${status}`);
  await until(`saving is ${status}`, isSaved);
}
