import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { run } from '../tarballs/run.mjs';
import { nativeTargets } from '../tarballs/targets.mjs';

/**
 * A private npm registry on loopback: the tarballs of a folder, and whatever else is asked for from
 * the registry that npm is set up with. Returns `{ url, close() }`.
 */
export async function startRegistry(folder) {
  const upstream = run('npm', ['config', 'get', 'registry']).trim().replace(/\/$/, '');
  const own = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const bytes = readFileSync(join(folder, file));
    const manifest = JSON.parse(run('tar', ['-xzOf', join(folder, file), 'package/package.json']));
    own.set(manifest.name, { manifest, file, bytes });
  }
  // Package managers read what the packages of other platforms say of themselves, and fetch only the one that fits.
  const version = own.get('vecstash').manifest.version;
  for (const { id, platform, arch, abi } of nativeTargets().filter(({ id }) => !own.has(id))) {
    const libc = platform === 'linux' ? { libc: [abi === 'gnu' ? 'glibc' : 'musl'] } : {};
    const manifest = { name: id, version, os: [platform], cpu: [arch], ...libc };
    own.set(id, { manifest, file: `${id.replace('/', '-')}.tgz`, bytes: Buffer.alloc(0) });
  }
  let url;

  const packument = ({ manifest, file, bytes }) => {
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const shasum = createHash('sha1').update(bytes).digest('hex');
    const dist = { tarball: `${url}/-/own/${file}`, integrity, shasum };
    const { name, version } = manifest;
    return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
  };
  const answer = async (request, response) => {
    const path = decodeURIComponent(request.url.split('?', 1)[0]).slice(1);
    const file = /^-\/own\/(.+)/.exec(path)?.[1];
    const found = file ? [...own.values()].find((each) => each.file === file) : own.get(path);
    if (file && found) return response.end(found.bytes);
    response.setHeader('content-type', 'application/json');
    const latest = own.get(path.replace(/\/latest$/, ''));
    if (latest && !found) return response.end(JSON.stringify(packument(latest).versions[latest.manifest.version]));
    if (found) return response.end(JSON.stringify(packument(found)));
    // Not published: the real registry may one day know this name.
    if (file || path.startsWith('@vecstash/')) return response.writeHead(404).end('{"error":"not found"}');
    const accept = request.headers.accept ?? 'application/json';
    const reply = await fetch(upstream + request.url, { headers: { accept } });
    return response.writeHead(reply.status).end(Buffer.from(await reply.arrayBuffer()));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(502).end(JSON.stringify({ error: String(error) })));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}`;
  return { url, close: () => server.close() };
}
