/**
 * A process that opens a store as the user nobody and changes files that were given to root meanwhile, as happens when
 * somebody copies files in with sudo: `node store-as-nobody.ts <root>`. Begins as root; prints what came of it as JSON.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../../src/storage/store-api.ts';
import { sha256Of } from './content-hash.ts';
import { storeUnder } from './store-in-process.ts';

const NOBODY = 65_534;
const PATHS = ['/dated', '/again', '/deleted', '/replaced', '/renamed'];

const root = process.argv[2] ?? '';
const files = join(root, 'files');
mkdirSync(files, { recursive: true });
for (const dir of [root, files]) chownSync(dir, NOBODY, NOBODY);
process.setegid?.(NOBODY);
process.seteuid?.(NOBODY);

let operations = 0;
const change = async (store: Store, operation: object, content?: string): Promise<string> => {
  operations += 1;
  const request = {
    id: `operation-${operations}`,
    operation,
    ...(content === undefined ? {} : { content: { inline: Buffer.from(content).toString('base64') } }),
  };
  return await store
    .commit(request as Parameters<Store['commit']>[0])
    .then(() => 'done')
    .catch((error: unknown) => String(error));
};
const put = (store: Store, path: string, content: string, mtime: number) =>
  change(store, { op: 'put', path, size: content.length, sha256: sha256Of(content), mtime }, content);

const store = await storeUnder(root);
for (const path of PATHS) await put(store, path, `content of ${path}`, 1_600_000_000_000);
process.seteuid?.(0);
for (const path of PATHS) chownSync(files + path, 0, 0);
process.seteuid?.(NOBODY);

const said = {
  touch: await change(store, { op: 'touch', path: '/dated', mtime: 1_500_000_000_000 }),
  again: await put(store, '/again', 'content of /again', 1_500_000_000_000),
  delete: await change(store, { op: 'delete', path: '/deleted' }),
  replace: await put(store, '/replaced', 'something else', 1_600_000_000_000),
  rename: await change(store, { op: 'rename', from: '/renamed', to: '/moved' }),
  another: await put(store, '/another', 'goes on', 1_600_000_000_000),
};
const { readOnly } = store.hello();

// In a sticky folder nobody but root may take away a file of root's: that shows when it is too late to refuse.
await put(store, '/sticky/f', 'stuck', 1_600_000_000_000);
process.seteuid?.(0);
for (const path of ['/sticky/f', '/sticky']) chownSync(files + path, 0, 0);
chmodSync(`${files}/sticky`, 0o1777);
process.seteuid?.(NOBODY);
await change(store, { op: 'delete', path: '/sticky/f' });
const stuck = [existsSync(`${files}/sticky/f`), store.hello().readOnly];
process.seteuid?.(0);
chmodSync(`${files}/sticky`, 0o777);
process.seteuid?.(NOBODY);
for (let tries = 0; tries < 300 && store.hello().readOnly !== null; tries += 1) await sleep(200);
const unstuck = [existsSync(`${files}/sticky/f`), store.hello().readOnly];
const times = ['/dated', '/again'].map((path) => statSync(files + path).mtimeMs);
const trash = [...store.attic.trash()].map(({ path }) => path).sort();
await store.close();
console.log(JSON.stringify({ said, readOnly, stuck, unstuck, times, trash }));
