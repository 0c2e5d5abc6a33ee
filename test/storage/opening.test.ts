import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore, StoreInUse } from '../../src/storage/store.ts';
import { checkStore } from './check-store.ts';
import { MEMBER, openedStore, put, readThrough, sha256Of, storeOptions, tempDirs } from './opened-store.ts';

test('a second store on the same state directory is refused, in this process and in another', async (t) => {
  const { dirs } = await openedStore(t);
  await t.throwsAsync(openStore(storeOptions(dirs)), { instanceOf: StoreInUse, message: /already running/ });
  const program = `
    import { openStore } from ${JSON.stringify(new URL('../../src/storage/store.ts', import.meta.url).href)};
    const dirs = ${JSON.stringify(dirs)};
    openStore({ ...dirs, member: '${MEMBER}', name: 'x', now: Date.now, log() {} })
      .then(() => process.exit(0), (error) => { console.log(error.name); process.exit(3); });`;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module-typescript', '-e', program]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  t.is(code, 3);
  t.is(output.trim(), 'StoreInUse');
});

test('a store that was closed can be opened again, with the same identity and a new incarnation', async (t) => {
  const dirs = tempDirs(t);
  const first = await openStore(storeOptions(dirs));
  await put(first, '/f', 'x');
  const before = first.hello();
  await first.close();
  const { store } = await openedStore(t, { dirs });
  const after = store.hello();
  t.is(after.store, before.store);
  t.not(after.incarnation, before.incarnation);
  t.not(after.boot, before.boot);
  t.deepEqual(after.knowledge, before.knowledge);
  t.is(after.changes, before.changes);
  const reply = await put(store, '/g', 'y');
  t.deepEqual(reply.pushed?.[0]?.record.dot, [`${MEMBER}.${after.incarnation}`, 1]);
});

test('a volume that is missing or not mounted opens read-only and nothing is written to it', async (t) => {
  const dirs = tempDirs(t);
  const first = await openStore(storeOptions(dirs));
  await put(first, '/f', 'x');
  await first.close();
  renameSync(dirs.filesDir, `${dirs.filesDir}.away`);
  for (const make of [false, true]) {
    if (make) mkdirSync(dirs.filesDir);
    const store = await openStore(storeOptions(dirs));
    t.regex(store.hello().readOnly ?? '', /not mounted/);
    const refused = await t.throwsAsync(put(store, '/g', 'y'), { instanceOf: Refusal });
    t.is(refused.kind, 'read-only');
    t.is((await t.throwsAsync(store.stage({ id: 'an-upload' }), { instanceOf: Refusal })).kind, 'read-only');
    t.is(store.record('/f').entry?.size, 1, 'the catalog still answers');
    await t.throwsAsync(store.openObject(sha256Of('x')), { instanceOf: Refusal });
    await store.close();
    if (make) t.deepEqual(readdirSync(dirs.filesDir), []);
  }
  rmSync(dirs.filesDir, { recursive: true });
  renameSync(`${dirs.filesDir}.away`, dirs.filesDir);
  const { store } = await openedStore(t, { dirs });
  t.is(store.hello().readOnly, null);
  t.is(await readThrough(store, '/f'), 'x');
});

test("another store's volume opens read-only", async (t) => {
  const mine = tempDirs(t);
  const other = tempDirs(t);
  for (const dirs of [mine, other]) await (await openStore(storeOptions(dirs))).close();
  const store = await openStore(storeOptions({ ...mine, filesDir: other.filesDir }));
  t.regex(store.hello().readOnly ?? '', /belongs to store .* mount the right disk/);
  await store.close();
  t.deepEqual(checkStore(other), []);
});

test("another member's state is refused", async (t) => {
  const dirs = tempDirs(t);
  await (await openStore(storeOptions(dirs))).close();
  const store = await openStore(storeOptions(dirs, { member: 'odroid-x-9999' }));
  t.regex(store.hello().readOnly ?? '', /belongs to member odroid-a-0001/);
  await store.close();
});

test('a start that was cut short between catalog and volume identity is finished', async (t) => {
  const dirs = tempDirs(t);
  await (await openStore(storeOptions(dirs))).close();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(dirs.stateDir, 'catalog.sqlite'));
  database.exec("UPDATE meta SET value = 'new' WHERE key = 'volume'");
  database.close();
  rmSync(join(dirs.filesDir, '.cloudroid'), { recursive: true });
  const { store } = await openedStore(t, { dirs });
  t.is(store.hello().readOnly, null);
});

test('an identity file that is garbage opens read-only and names the file', async (t) => {
  const dirs = tempDirs(t);
  await (await openStore(storeOptions(dirs))).close();
  writeFileSync(join(dirs.filesDir, '.cloudroid/store.json'), '{"mem');
  const store = await openStore(storeOptions(dirs));
  t.regex(store.hello().readOnly ?? '', /store\.json cannot be read/);
  await store.close();
});
