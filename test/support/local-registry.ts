import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An npm registry on this machine. */
export interface LocalRegistry {
  url: string;
  stop(): void;
}

interface Manifest {
  name: string;
  version: string;
}

/**
 * Serves packages from folders, as npm asks for them: everything under `modules` (a `node_modules`,
 * nested ones too), and the tarball of `packed` folders, which come first. What is not there is
 * answered with 404, as for any package that does not exist.
 */
export async function startRegistry(modules: string, packed: readonly string[]): Promise<LocalRegistry> {
  const work = mkdtempSync(join(tmpdir(), 'vecstash-registry-'));
  const folders = [...packed, ...packagesIn(modules)];
  const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const byName = new Map<string, Map<string, string>>();
  for (const folder of folders) {
    const { name, version } = manifestOf(folder);
    const versions = byName.get(name) ?? new Map<string, string>();
    if (!versions.has(version)) versions.set(version, folder);
    byName.set(name, versions);
  }

  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    const [name = '', file] = path.split('/-/');
    const versions = byName.get(name);
    if (versions === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    } else if (file === undefined) {
      const entries = [...versions].map(([version, folder]) => {
        const dist = { tarball: `${url}/${name}/-/${version}.tgz` };
        return [version, { ...manifestOf(folder), dist }] as const;
      });
      const latest = entries[0]?.[0];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest }, versions: Object.fromEntries(entries) }));
    } else {
      response.end(tarball(versions.get(file.slice(0, -'.tgz'.length)) as string));
    }
  });

  /** As `npm pack` would make it of what is installed: without what is nested in it. */
  function tarball(folder: string): Buffer {
    const file = join(work, 'package.tgz');
    const flags = ['-czhf', file, '--exclude=./node_modules', '--transform=s,^\\.,package,', '-C', folder, '.'];
    execFileSync('tar', flags);
    return readFileSync(file);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    stop: () => {
      server.closeAllConnections();
      server.close();
      rmSync(work, { recursive: true, force: true });
    },
  };
}

/** The folders of the packages in a `node_modules`, those at its top first. */
function packagesIn(modules: string): string[] {
  if (!existsSync(modules)) return [];
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
  const folders = names.flatMap((name) =>
    name.startsWith('@')
      ? readdirSync(join(modules, name)).map((below) => join(modules, name, below))
      : [join(modules, name)],
  );
  const packages = folders.filter((folder) => existsSync(join(folder, 'package.json')));
  return [...packages, ...packages.flatMap((folder) => packagesIn(join(folder, 'node_modules')))];
}
