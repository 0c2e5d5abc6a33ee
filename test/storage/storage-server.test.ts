import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import test from 'ava';
import type { MergeRequest } from '../../src/peers/protocol.ts';
import type { PushedRecord } from '../../src/replication/operation.ts';
import { startStorageServer } from '../../src/storage/server/storage-server.ts';
import { systemCodeOf } from '../../src/system/exit-status.ts';
import { quietSweep } from '../cli/reports.ts';
import { listeningLogger, MEMBER, PEER, withStorageServer } from './with-storage-server.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function put(path: string, bytes: Buffer) {
  return {
    id: `op-${randomBytes(8).toString('hex')}`,
    operation: { op: 'put' as const, path, size: bytes.length, sha256: sha256(bytes) },
    content: { inline: bytes.toString('base64') },
  };
}

test('a file is committed by a peer, listed, looked up and read back', async (t) => {
  await withStorageServer(async ({ replica, credentials, folder }) => {
    const peer = await replica({ credentials: await credentials(PEER), expectMember: MEMBER });
    const bytes = Buffer.from('hello "peers" -x\n');
    const path = '/a "quoted" -x name é .txt';
    const { pushed, count } = await peer.commit(put(path, bytes));
    t.is(count, 1);
    t.is(pushed?.[0]?.record.path, path);
    t.deepEqual(await readFile(`${folder}/files${path}`), bytes);
    const { entry } = await peer.record({ path });
    t.is(entry?.sha256, sha256(bytes));
    const names = [];
    for await (const each of await peer.list('/')) names.push(each.path);
    t.deepEqual(names, [path]);
    const chunks = [];
    for await (const chunk of await peer.readObject(sha256(bytes), 6)) chunks.push(chunk);
    t.is(Buffer.concat(chunks).toString(), bytes.subarray(6).toString());
    const { header, records } = await peer.changes(0);
    const changed = [];
    for await (const record of records) changed.push(record.path);
    t.deepEqual(changed, [path]);
    t.is(header.count, 1);
    t.deepEqual(await peer.cursor({ store: 'x', incarnation: 'y' }), { after: 0 });
  });
});

test('what the store refuses arrives as a Refusal of the same kind, and the connection goes on', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const missing = await t.throwsAsync(peer.list('/nowhere'), { name: 'Refusal' });
    t.is((missing as { kind?: string })?.kind, 'not-found');
    const gone = await t.throwsAsync(
      peer.commit({ id: 'op-0000000000000001', operation: { op: 'delete', path: '/nowhere' } }),
      { name: 'Refusal' },
    );
    t.is((gone as { kind?: string })?.kind, 'not-found');
    const object = await t.throwsAsync(peer.readObject('0'.repeat(64), 0), { name: 'Refusal' });
    t.is((object as { kind?: string })?.kind, 'missing-content');
    t.is(await peer.stagedSize('nothing-here'), null);
    t.is((await peer.hello()).member, MEMBER);
  });
});

test('fifty commits at once are all done, each once', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const requests = Array.from({ length: 50 }, (_, n) => put(`/f${n}`, Buffer.from(`content ${n}`)));
    const replies = await Promise.all(requests.map((request) => peer.commit(request)));
    const seqs = replies.map(({ pushed }) => pushed?.[0]?.record.dot[1]);
    t.is(new Set(seqs).size, 50);
    t.is((await peer.status()).files, 50);
    const [first] = requests;
    if (first !== undefined) t.deepEqual(await peer.commit(first), replies[0]);
    t.is((await peer.status()).files, 50);
  });
});

test('a big batch of records goes up and its outcomes come down as staged files', async (t) => {
  await withStorageServer(async ({ replica, folder }) => {
    const peer = await replica();
    const bytes = Buffer.from('the same bytes');
    const records: PushedRecord[] = Array.from({ length: 3000 }, (_, n) => ({
      base: null,
      record: {
        path: `/batch/file-${n}`,
        kind: 'file',
        size: bytes.length,
        sha256: sha256(bytes),
        mtime: 1000,
        dot: [`${PEER}.aaaaaaaa`, n + 1],
        stamp: 1000 + n,
        context: { [`${PEER}.aaaaaaaa`]: n + 1 },
        kept: [],
      },
    }));
    const content = { [sha256(bytes)]: { inline: bytes.toString('base64') } };
    const request: MergeRequest = { mode: 'push', records, content };
    const reply = await peer.merge(request);
    t.is(reply.outcomes?.length, 3000);
    t.deepEqual(reply.counts, { applied: 3000 });
    t.is(reply.outcomesBatch, undefined);
    t.deepEqual((await peer.merge(request)).counts, { known: 3000 });
    t.deepEqual(await readFile(`${folder}/files/batch/file-2999`), bytes);
    const left = await peer.commit({
      id: 'op-rename-the-folder',
      operation: { op: 'rename', from: '/batch', to: '/renamed' },
    });
    t.true((left.pushed?.length ?? 0) >= 6000);
  });
});

test('paths on the disk are told only to processes of this member on this machine', async (t) => {
  await withStorageServer(async ({ replica, credentials }) => {
    const own = await replica();
    const peer = await replica({ credentials: await credentials(PEER) });
    await own.commit(put('/a', Buffer.from('a')));
    t.truthy((await own.record({ path: '/a', local: true })).disk);
    t.is((await own.record({ path: '/a' })).disk, undefined);
    t.is((await peer.record({ path: '/a', local: true })).disk, undefined);
    t.truthy((await own.stage({ id: 'staged-by-own-process' })).path);
    t.is((await peer.stage({ id: 'staged-by-a-peer-now' })).path, undefined);
  });
});

test('a sweep that waits is woken by a request, and answered when the server stops', async (t) => {
  await withStorageServer(async ({ replica, server }) => {
    const own = await replica();
    const waiting = own.wait({ after: 0, seconds: 60 });
    let request = 0;
    // Until the wait is there to be woken, requests count without it: then it answers at once.
    ({ request } = await own.sweep({ why: 'a peer is back' }));
    t.deepEqual(await waiting, { request });
    t.deepEqual(
      await own.wait({ after: request + 7, seconds: 60 }),
      { request },
      'after a restart of the count',
    );
    const aborted = new AbortController();
    const left = own.wait({ after: request, seconds: 60 }, aborted.signal);
    aborted.abort(new Error('no longer wanted'));
    await t.throwsAsync(left, { message: 'no longer wanted' });
    const stopped = own.wait({ after: request, seconds: 60 }).catch((error: Error) => error.name);
    await own.hello();
    await server.close();
    t.true(['ReplicaUnreachable', request].includes(nameOrCount(await stopped)));
  });
});

/** Answered, or cut before it had arrived. */
function nameOrCount(result: string | { request: number }): string | number {
  return typeof result === 'string' ? result : result.request;
}

test('a server that works says so, so that silence means death', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const impatient = await replica({ silenceMs: 3500 });
    t.deepEqual(await impatient.wait({ after: 0, seconds: 4 }), { request: 0 });
  });
});

test('the sweep lock is held by one connection and ends with it', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const [one, two] = [await replica(), await replica()];
    const lock = await one.lock('sweep');
    t.truthy(lock);
    t.is(await two.lock('sweep'), null);
    await lock?.release();
    const again = await untilHeld(() => two.lock('sweep'));
    two.close(); // dies with the lock
    t.truthy(again);
    t.truthy(await untilHeld(() => one.lock('sweep')));
  });
});

async function untilHeld<T>(attempt: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const held = await attempt();
    if (held !== null) return held;
  }
}

test('the latest reports of proxy and sweep are what the status shows', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const own = await replica();
    t.is((await own.status()).sweep, null);
    const sweep = { ...quietSweep, startedAt: 1, finishedAt: 2, pulledFiles: 3, pulledBytes: 4, applied: 5 };
    const proxy = { at: 1, sessions: 2, transfers: 1, listening: '[::]:6000', ack: 'reachable', members: [] };
    await own.report({ sweep });
    await own.report({ proxy });
    const status = await own.status();
    t.deepEqual(status.sweep, sweep);
    t.deepEqual(status.proxy, proxy);
    t.is(status.version, '0.0.0');
    t.is(status.hello.boot, 'boot-of-the-lab');
  });
});

test('a port that is in use is told with its address', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    await withStorageServer(async ({ store, credentials }) => {
      const failed = startStorageServer({
        store,
        listen: { host: '127.0.0.1', port },
        passivePorts: { from: 0, to: 0 },
        credentials: await credentials(),
        member: MEMBER,
        boot: 'another',
        version: '0.0.0',
        logger: listeningLogger([]),
      });
      const error = await t.throwsAsync(failed, { name: 'PortInUse' });
      t.true(error?.message.includes(`127.0.0.1:${port}`));
      t.is(systemCodeOf(error), 'EADDRINUSE');
    });
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

test('listening on 0.0.0.0 answers on IPv4 and IPv6', async (t) => {
  await withStorageServer(
    async ({ server, credentials, replica }) => {
      const { port } = server.endpoint;
      for (const host of ['127.0.0.1', '::1']) {
        const peer = await replica({ endpoint: { host, port }, credentials: await credentials(PEER) });
        t.is((await peer.hello()).member, MEMBER, host);
        const names = [];
        for await (const each of await peer.list('/')) names.push(each);
        t.deepEqual(names, [], host);
      }
    },
    { listen: { host: '0.0.0.0', port: 0 } },
  );
});
