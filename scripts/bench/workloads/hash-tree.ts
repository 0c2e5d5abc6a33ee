/**
 * `npm run bench -- --hash-tree [--records N]`: what comparing and exchanging two catalogs costs. Two real storage servers on
 * loopback, with catalogs of N records each; the second gets k records (folders, so that no bytes are fetched) that the
 * first lacks. Counted on the wire: bytes both ways, TLS included.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openReplica } from '../../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../../src/peers/replica-client-api.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../../../src/peers/trust.ts';
import { conflictPath } from '../../../src/replication/conflict-name.ts';
import type { ReplicaRecord } from '../../../src/replication/record.ts';
import { Catalog } from '../../../src/storage/catalog/catalog.ts';
import { startStorageServer } from '../../../src/storage/server/storage-server.ts';
import { openStore } from '../../../src/storage/store.ts';
import { exchangeTrees } from '../../../src/sweep/tree-exchange.ts';
import type { Logger } from '../../../src/system/logger-api.ts';

const silent: Logger = {
  error: console.error,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  with: () => silent,
};
const BATCH = 10_000;
const DIFFERENCES = [0, 1, 100, 10_000];

/** A record as a member would have written it. */
export function record(actor: string, n: number, kind: 'file' | 'directory', path: string): ReplicaRecord {
  const sha256 = kind === 'file' ? createHash('sha256').update(path).digest('hex') : '';
  const size = kind === 'file' ? 4096 : 0;
  const stamp = 1_760_000_000_000 + n;
  return {
    path,
    kind,
    size,
    sha256,
    mtime: stamp,
    dot: [actor, n],
    stamp,
    context: { [actor]: n },
    kept: [],
  };
}

/** Writes `count` records, numbered from 1, into a catalog that no member has open. */
export function fill(
  catalog: Catalog,
  actor: string,
  count: number,
  make: (n: number) => ReplicaRecord,
): void {
  for (let from = 1; from <= count; from += BATCH) {
    catalog.transaction(() => {
      const changes = [];
      for (let n = from; n < from + BATCH && n <= count; n += 1)
        changes.push({ before: undefined, after: make(n) });
      catalog.apply(changes, Date.now());
      catalog.learn({ [actor]: Math.min(count, from + BATCH - 1) });
    });
  }
}

function timed<T>(action: () => T): [seconds: number, result: T] {
  const begin = performance.now();
  const result = action();
  return [(performance.now() - begin) / 1000, result];
}

async function openAt(folder: string, member: string) {
  return await openStore({
    filesDir: join(folder, 'files'),
    stateDir: join(folder, 'state'),
    member,
    name: member,
    now: Date.now,
    log: () => undefined,
  });
}

/** Passes bytes on and counts them, control and data connections alike: the data ports are where the server says. */
class Meter {
  bytes = 0;
  connections = 0;
  async open(target: number, port: number): Promise<void> {
    const server = createServer((socket) => {
      this.connections += 1;
      const other = connect(target, '127.0.0.1');
      for (const [from, to] of [
        [socket, other],
        [other, socket],
      ] as const) {
        from.on('data', (chunk: Buffer) => {
          this.bytes += chunk.length;
          if (!to.write(chunk)) from.pause();
        });
        to.on('drain', () => from.resume());
        from.on('end', () => to.end());
        from.on('error', () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.2', resolve));
    server.unref();
  }
}

export async function benchHashTree(records: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'cloudroid-tree-'));
  try {
    await measure(root, records);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function measure(root: string, records: number): Promise<void> {
  const [a, b] = [join(root, 'a'), join(root, 'b')];
  await (await openAt(a, 'a-0000')).close();
  const file = join(a, 'state/catalog.sqlite');
  const actor = 'old.00000000';
  const filling = new Catalog(file, conflictPath);
  const [fillSeconds] = timed(() =>
    fill(filling, actor, records, (n) => record(actor, n, 'file', `/photos/${n >> 10}/image ${n}.jpg`)),
  );
  const before = process.memoryUsage.rss();
  const [rebuildSeconds, wrong] = timed(() => filling.rebuildTree());
  filling.close();
  console.log(
    `${records} records: written in ${fillSeconds.toFixed(1)} s, catalog ${(statSync(file).size / 2 ** 20).toFixed(0)} MiB; ` +
      `all sums made anew in ${rebuildSeconds.toFixed(1)} s (${wrong} wrong), sums 2.0 MiB in memory ` +
      `(process grew by ${((process.memoryUsage.rss() - before) / 2 ** 20).toFixed(0)} MiB meanwhile)`,
  );
  cpSync(a, b, { recursive: true });
  rename(b, 'b-0000');
  const credentials = await credentialsFor(await loadOrMakeNetworkKey(join(root, 'key')), 'a-0000');
  const theirs = await credentialsFor(await loadOrMakeNetworkKey(join(root, 'key')), 'b-0000');
  const meter = new Meter();
  for (let port = 22_000; port <= 22_020; port += 1) await meter.open(port, port);
  let done = 0;
  for (const k of DIFFERENCES) {
    const more = new Catalog(join(b, 'state/catalog.sqlite'), conflictPath);
    const writer = `b-0000.k${k}`;
    fill(more, writer, k - done, (n) => record(writer, n, 'directory', `/new/${k}-${n}`));
    more.close();
    const [stores, servers]: [
      Awaited<ReturnType<typeof openAt>>[],
      Awaited<ReturnType<typeof startStorageServer>>[],
    ] = [[], []];
    const clients: ReplicaClient[] = [];
    for (const [folder, member, own, base] of [
      [a, 'a-0000', credentials, 21_000],
      [b, 'b-0000', theirs, 22_000],
    ] as const) {
      const store = await openAt(folder, member);
      stores.push(store);
      const server = await startStorageServer({
        store,
        listen: { host: '127.0.0.1', port: base },
        passivePorts: { from: base + 1, to: base + 20 },
        credentials: own,
        member,
        boot: member,
        version: '0',
        logger: silent,
      });
      servers.push(server);
      clients.push(
        openReplica({
          endpoint: { host: base === 22_000 ? '127.0.0.2' : '127.0.0.1', port: base },
          credentials,
        }),
      );
    }
    const [local, peer] = clients;
    if (local === undefined || peer === undefined) throw new Error('no clients');
    await peer.hello();
    const [bytes, connections] = [meter.bytes, meter.connections];
    const progress = { files: 0, bytes: 0, applied: 0, conflicts: 0 };
    const receiver = (await local.hello()).incarnation;
    const context = { local, receiver, peer, others: [], signal: new AbortController().signal, progress };
    const begin = performance.now();
    const found = await exchangeTrees({ ...context, dryRun: true });
    const lookSeconds = (performance.now() - begin) / 1000;
    const lookBytes = meter.bytes - bytes;
    const trips = 1 + (meter.connections - connections);
    const start = performance.now();
    await exchangeTrees(context);
    console.log(
      `k = ${k}: ${found.differences} found in ${trips} round trips, ${lookBytes} bytes, ${lookSeconds.toFixed(2)} s; ` +
        `taken over in ${((performance.now() - start) / 1000).toFixed(2)} s more`,
    );
    done = k;
    for (const client of clients) client.close();
    for (const server of servers) await server.close();
    for (const store of stores) await store.close();
  }
}

/** The copy becomes another member's store. */
function rename(folder: string, member: string): void {
  const identity = join(folder, 'files/.cloudroid/store.json');
  const text = JSON.parse(readFileSync(identity, 'utf8'));
  writeFileSync(identity, JSON.stringify({ ...text, member, store: 'ffffffffffffffff' }));
  const database = new DatabaseSync(join(folder, 'state/catalog.sqlite'));
  const set = database.prepare('UPDATE meta SET value = ? WHERE key = ?');
  set.run(member, 'member');
  set.run('ffffffffffffffff', 'store');
  database.close();
}
