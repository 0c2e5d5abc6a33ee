/** Peers that do not say what a storage server says: a real one with one answer bent. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import { type ReplicaClient, ReplicaUnreachable } from '../../src/peers/replica-client-api.ts';
import { credentialsFor } from '../../src/peers/trust.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { GarbledFeed, readFeed } from '../../src/sweep/feed.ts';
import { type Lab, type LabMember, until, withMembers } from '../peers/with-members.ts';

/** b is off while a stores and deletes; then it sees a through `bend`. */
async function pulledThrough(
  lab: Lab,
  bend: (real: ReplicaClient) => Partial<ReplicaClient>,
): Promise<{ a: LabMember; b: LabMember; failures: readonly string[]; untouched: boolean }> {
  const [a, b] = [lab.member('a'), lab.member('b')];
  await lab.inStep();
  await a.put('/deleted', 'x');
  await b.stopStorage();
  await a.replicas.change({ op: 'delete', path: '/deleted' });
  await a.put('/file', randomBytes(100_000));
  await a.put('/other', randomBytes(100_000));
  await b.startStorage();
  const before = JSON.stringify([await b.records(), (await b.client.hello()).knowledge]);
  const real = openReplica({ endpoint: a.at, credentials: await credentialsFor(lab.key, b.id) });
  const report = await b.sweep([bent(real, bend(real))]);
  real.close();
  const after = JSON.stringify([await b.records(), (await b.client.hello()).knowledge]);
  return { a, b, failures: report?.failures ?? [], untouched: before === after };
}

function bent(real: ReplicaClient, answers: Partial<ReplicaClient>): ReplicaClient {
  return new Proxy(real, {
    get(target, name) {
      const own: unknown = Reflect.get(answers, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

type Feed = Awaited<ReturnType<ReplicaClient['changes']>>;
const feeds: { readonly [what: string]: (feed: Feed) => Feed } = {
  'is a record short': ({ header, records }) => ({ header: { ...header, count: header.count + 1 }, records }),
  'has a record too many': ({ header, records }) => ({
    header: { ...header, count: header.count - 1 },
    records,
  }),
  'breaks off': ({ header, records }) => ({
    header,
    records: (async function* () {
      for await (const record of records) {
        yield record;
        throw new ReplicaUnreachable('the wire broke');
      }
    })(),
  }),
  'comes from another start of the peer': ({ header, records }) => ({
    header: { ...header, incarnation: 'another0' },
    records,
  }),
  'holds a record that is none': ({ header, records }) => ({
    header,
    records: (async function* () {
      for await (const record of records) yield { ...record, path: '/../etc/passwd' };
    })(),
  }),
};

for (const [what, bend] of Object.entries(feeds)) {
  test.serial(`a feed that ${what} changes nothing here`, async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const { b, failures, untouched } = await pulledThrough(lab, (real) => ({
        changes: async (after) => bend(await real.changes(after)),
      }));
      t.is(failures.length, 1, failures.join());
      t.true(untouched);
      t.deepEqual((await b.sweep())?.failures, [], 'and an honest one is taken afterwards');
      t.deepEqual(await b.records(), await lab.member('a').records());
      t.is(await b.replicas.lookup('/deleted'), null);
    });
  });
}

test.serial(
  'bytes that are not those of the hash are never published, and are asked for a few times only',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      let asked = 0;
      const { b, failures } = await pulledThrough(lab, () => ({
        readObject: async (_sha256, offset) => {
          asked += 1;
          return Readable.from([randomBytes(100_000 - offset)]);
        },
      }));
      t.regex(failures.join(), /another hash|no reachable member/);
      t.true(asked <= 6, `${asked}`);
      t.is((await b.client.record({ path: '/file' })).entry, null);
      t.not((await b.client.record({ path: '/deleted' })).entry, null, 'the rest waits: all or nothing');
      t.deepEqual((await b.sweep())?.failures, []);
      t.deepEqual(await b.records(), await lab.member('a').records());
      t.deepEqual(await readdir(join(b.filesDir, '.cloudroid/staging')), []);
    });
  },
);

test.serial('what one peer sends wrong is taken from another', async (t) => {
  await withMembers(t, { members: 3 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    await c.stopStorage();
    const bytes = randomBytes(100_000);
    await a.put('/file', bytes);
    await c.startStorage();
    const credentials = await credentialsFor(lab.key, c.id);
    const [realA, realB] = [a, b].map(({ at }) => openReplica({ endpoint: at, credentials }));
    if (realA === undefined || realB === undefined) throw new Error('no doors');
    const liar = bent(realA, { readObject: async () => Readable.from([randomBytes(100_000)]) });
    t.deepEqual((await c.sweep([liar, realB]))?.failures, []);
    t.true((await c.read('/file'))?.equals(bytes));
    realA.close();
    realB.close();
  });
});

test.serial(
  'a feed longer than fits into memory waits in a file, in order, and leaves nothing behind',
  async (t) => {
    await withMembers(t, { members: 1 }, async (lab) => {
      const { client, filesDir } = lab.member('a');
      const hello = await client.hello();
      const record = (n: number): ReplicaRecord => ({
        path: `/${n}`,
        kind: 'directory',
        size: 0,
        sha256: '',
        mtime: n,
        dot: ['b-0000.abcdefgh', n],
        stamp: n,
        context: {},
        kept: [],
      });
      const header = { ...hello, collectedStamp: 0, upTo: 5_001, count: 5_001 };
      const peer = bent(client, {
        changes: async () => ({
          header,
          records: (async function* () {
            for (let n = 1; n <= 5_001; n += 1) yield record(n);
          })(),
        }),
      });
      const { signal } = new AbortController();
      const feed = await readFeed(peer, 0, client, signal);
      t.is((await readdir(join(filesDir, '.cloudroid/staging'))).length, 1);
      const seen: number[] = [];
      for await (const { mtime } of feed.records()) seen.push(mtime);
      t.deepEqual(
        seen,
        Array.from({ length: 5_001 }, (_, n) => n + 1),
      );
      await feed.close();
      header.count = 6_000;
      await t.throwsAsync(readFeed(peer, 0, client, signal), { instanceOf: GarbledFeed });
      await until(async () => (await readdir(join(filesDir, '.cloudroid/staging'))).length === 0);
      t.pass();
    });
  },
);
