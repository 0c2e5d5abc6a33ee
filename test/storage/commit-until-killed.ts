/**
 * A process that opens a store, does one scenario and says so: `node commit-until-killed.ts <root> <scenario>`. With
 * CLOUDROID_FAILPOINT it dies somewhere in between.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LATE_FAILPOINT } from '../../src/storage/commit-failpoints.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { sha256Of } from './content-hash.ts';
import { storeUnder } from './store-in-process.ts';

export const SCENARIOS = {
  'a file is replaced by an inline put': (store: Store) => put(store, '/f', 'new content of f'),
  'a file is replaced by a staged put': (store: Store) => putStaged(store, '/f', 'new content of f'),
  'a file is put into new directories': (store: Store) => put(store, '/x/y/z', 'deep'),
  'three files are put at once': (store: Store) =>
    Promise.all([put(store, '/dir/a', 'new a'), put(store, '/dir/new', 'n'), put(store, '/other/o', 'o')]),
  'the last file of a directory is deleted': (store: Store) =>
    store.commit({ id: 'operation-delete', operation: { op: 'delete', path: '/implied/only' } }),
  'a folder is renamed': (store: Store) =>
    store.commit({ id: 'operation-rename', operation: { op: 'rename', from: '/dir', to: '/moved' } }),
  'an account is changed': (store: Store) => put(store, '/.cloudroid/users/anna', 'new secret'),
  'an account is removed': (store: Store) =>
    store.commit({
      id: 'operation-account',
      operation: { op: 'delete', path: '/.cloudroid/users/anna' },
    }),
  'a file gets another time': (store: Store) =>
    store.commit({ id: 'operation-touch', operation: { op: 'touch', path: '/f', mtime: 1_000_000_000_000 } }),
  'a file is shadowed by one below it': (store: Store) =>
    store.merge({
      mode: 'push',
      content: { [sha256Of('below')]: { inline: Buffer.from('below').toString('base64') } },
      records: [
        {
          base: null,
          record: {
            path: '/f/below',
            kind: 'file',
            size: 5,
            sha256: sha256Of('below'),
            mtime: 1_700_000_000_000,
            dot: ['odroid-b-0002.bbbbbbbb', 1],
            stamp: 1_700_000_000_000,
            context: { 'odroid-b-0002.bbbbbbbb': 1 },
            kept: [],
          },
        },
      ],
    }),
} as const satisfies { [name: string]: (store: Store) => Promise<unknown> };

export type Scenario = keyof typeof SCENARIOS;

/** What is there before each scenario. */
export async function prepareScenarios(store: Store): Promise<void> {
  await put(store, '/f', 'old content of f');
  await put(store, '/dir/a', 'old a');
  await put(store, '/dir/sub/b', 'b');
  await store.commit({ id: 'operation-mkdir', operation: { op: 'mkdir', path: '/dir/empty' } });
  await put(store, '/implied/only', 'only');
  await put(store, '/.cloudroid/users/anna', 'old secret');
}

async function put(store: Store, path: string, content: string): Promise<void> {
  await store.commit({
    id: `put-${sha256Of(path + content)}`,
    operation: { op: 'put', path, size: content.length, sha256: sha256Of(content), mtime: 1_650_000_000_000 },
    content: { inline: Buffer.from(content).toString('base64') },
  });
}

async function putStaged(store: Store, path: string, content: string): Promise<void> {
  const writer = await store.writeStaging('upload-staged', 0);
  await writer.write(Buffer.from(content));
  await writer.end();
  await store.commit({
    id: `put-${sha256Of(path + content)}`,
    operation: { op: 'put', path, size: content.length, sha256: sha256Of(content), mtime: 1_650_000_000_000 },
    content: { staged: 'upload-staged' },
  });
}

if (import.meta.main) {
  const [root = '', scenario = ''] = process.argv.slice(2);
  const store = await storeUnder(root);
  await SCENARIOS[scenario as Scenario](store);
  writeSync(1, 'acknowledged\n');
  if (process.env['CLOUDROID_FAILPOINT'] === LATE_FAILPOINT) await sleep(10_000);
  // No close: a process that ends here leaves its last intents open, as a power cut would.
  process.exit(0);
}
