/**
 * Random operations of two members that push to each other, dropped and repeated pushes included: after each round
 * catalog, view and disk of both must agree (check-store.ts), and after a complete exchange both ways so must the trees.
 */

import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { parseShownPage } from '../../src/peers/shown-listing.ts';
import type { PushedRecord } from '../../src/replication/operation.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore } from './check-store.ts';
import { change, put, readThrough, storeOptions, tempDirs } from './opened-store.ts';

const NAMES = ['/a', '/b', '/a/b', '/a/c', '/a/b/c', '/b/a', '/b/a/c'];
const path = fc.constantFrom(...NAMES);
const step = fc.record({
  at: fc.constantFrom(0, 1),
  reaches: fc.boolean(),
  what: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant('put' as const),
        path,
        content: fc.constantFrom('1', '22', '333', ''),
      }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), path }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('mkdir' as const), path }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('rmdir' as const), path }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('rename' as const), from: path, to: path }) },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('touch' as const),
        path,
        mtime: fc.constantFrom(1000, 2_000_000),
      }),
    },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function perform(store: Store, { what }: Step): Promise<readonly PushedRecord[]> {
  try {
    const reply =
      what.op === 'put' ? await put(store, what.path, what.content, 5_000_000) : await change(store, what);
    return reply.pushed ?? [];
  } catch (error) {
    if (error instanceof Refusal && !['io', 'missing-content'].includes(error.kind)) return [];
    throw error;
  }
}

async function contentOf(
  from: Store,
  records: readonly PushedRecord[],
): Promise<{ [sha256: string]: { inline: string } }> {
  const content: { [sha256: string]: { inline: string } } = {};
  for (const { record } of records) {
    if (record.kind !== 'file' || content[record.sha256] !== undefined) continue;
    const { handle } = await from.openObject(record.sha256);
    content[record.sha256] = { inline: (await handle.readFile()).toString('base64') };
    await handle.close();
  }
  return content;
}

/** A whole pull of `from` by `to`: everything, complete, then the knowledge. */
async function exchange(from: Store, to: Store): Promise<void> {
  const { header, records } = from.changes(0);
  const pulled = [...records].map((record) => ({ record, base: null }));
  await to.merge({
    mode: 'complete',
    records: pulled,
    content: await contentOf(from, pulled),
    exchange: {
      store: header.store,
      incarnation: header.incarnation,
      knowledge: header.knowledge,
      collectedStamp: header.collectedStamp,
      upTo: header.upTo,
    },
    receiver: to.hello().incarnation,
  });
}

async function treeOf(store: Store, dir = '/'): Promise<string[]> {
  const seen: string[] = [];
  const listed = [...store.list(dir)].map(({ record: _, ...entry }) => entry);
  const shown = [...store.listShown(dir)].flatMap((text) => parseShownPage(dir, text));
  if (!isDeepStrictEqual(listed, shown)) throw new Error(`the gateway would show ${JSON.stringify(shown)}`);
  for (const entry of store.list(dir)) {
    if (entry.kind === 'file')
      seen.push(`${entry.path} ${entry.mtime} ${await readThrough(store, entry.path)}`);
    else seen.push(entry.path, ...(await treeOf(store, entry.path)));
  }
  return seen.sort();
}

test('catalog, view and disk agree after whatever two members do', async (t) => {
  t.timeout(120_000);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const dirs = [tempDirs(t), tempDirs(t)] as const;
      let clock = 1_700_000_000_000;
      const now = () => (clock += 7);
      const stores = [
        await openStore(storeOptions(dirs[0], { now })),
        await openStore(storeOptions(dirs[1], { now, member: 'odroid-b-0002' })),
      ] as const;
      try {
        for (const each of steps) {
          const [own, other] = each.at === 0 ? stores : ([stores[1], stores[0]] as const);
          const records = await perform(own, each);
          if (!each.reaches || records.length === 0) continue;
          const request = { mode: 'push', records, content: await contentOf(own, records) } as const;
          await other.merge(request);
          await other.merge(request);
        }
        for (let round = 0; round < 2; round += 1) {
          await exchange(stores[0], stores[1]);
          await exchange(stores[1], stores[0]);
        }
        t.deepEqual(await treeOf(stores[0]), await treeOf(stores[1]));
        t.deepEqual(stores[0].counts().files, stores[1].counts().files);
      } finally {
        for (const store of stores) await store.close();
      }
      for (const each of dirs) t.deepEqual(checkStore(each), []);
    }),
    { numRuns: 60 },
  );
});
