/** Directories are flushed after the answer: until then the catalog must still know what was done in them. */
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openStore } from '../../src/storage/store.ts';
import { openedStore, put, readThrough, sha256Of, storeOptions, tempDirs } from './opened-store.ts';

function placesIn(stateDir: string): string[] {
  const database = new DatabaseSync(join(stateDir, 'catalog.sqlite'), { readOnly: true });
  const rows = database.prepare('SELECT place FROM intents ORDER BY id').all();
  database.close();
  return rows.map((row) => String(row['place']));
}

async function isCleared(stateDir: string): Promise<boolean> {
  for (let tries = 0; tries < 600 && placesIn(stateDir).length > 0; tries += 1) await sleep(100);
  return placesIn(stateDir).length === 0;
}

test('what is done stays in the catalog until it is flushed, and is cleared then, also when nothing else comes', async (t) => {
  const { store, dirs } = await openedStore(t);
  for (const name of ['1', '2', '3']) {
    await put(store, `/${name}`, name);
    t.is(placesIn(dirs.stateDir).at(-1), `/${name}`, 'only a later transaction clears it');
  }
  t.true(await isCleared(dirs.stateDir));
});

test('a place that is changed again is flushed first: the catalog names it once', async (t) => {
  const { store, dirs } = await openedStore(t);
  for (let version = 1; version <= 20; version += 1) {
    await put(store, '/f', `version ${version}`);
    await put(store, `/other ${version}`, 'x');
    const places = placesIn(dirs.stateDir);
    t.is(new Set(places).size, places.length, places.join(' '));
  }
  t.is(await readThrough(store, '/f'), 'version 20');
});

test('a batch without any step does not keep the next one from being flushed', async (t) => {
  const { store, dirs } = await openedStore(t);
  const time = 1_600_000_000_000;
  await put(store, '/f', 'same', time);
  t.true(await isCleared(dirs.stateDir));
  await put(store, '/f', 'same', time);
  t.deepEqual(placesIn(dirs.stateDir), [], 'the same content at the same time is no step');
  await put(store, '/g', 'other');
  t.true(await isCleared(dirs.stateDir));
});

test('steps of a catalog that came back from a backup are not done to files of today', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/f', 'stored since');
  await store.close();
  const backup = join(dirs.root, 'backup');
  cpSync(dirs.stateDir, backup, { recursive: true });
  // The copy was made in the middle of a deletion; inode numbers are used again.
  const database = new DatabaseSync(join(backup, 'catalog.sqlite'));
  const { ino } = statSync(join(dirs.filesDir, 'f'));
  database.prepare("INSERT INTO intents (action, place, ino) VALUES ('remove', '/f', ?)").run(String(ino));
  database.close();
  await (await openStore(storeOptions(dirs))).close();
  rmSync(dirs.stateDir, { recursive: true });
  cpSync(backup, dirs.stateDir, { recursive: true });
  const again = await openStore(storeOptions(dirs));
  t.teardown(() => again.close());
  t.is(again.disk.distrust(), 'catalog');
  t.is(await readThrough(again, '/f'), 'stored since');
  t.deepEqual(placesIn(dirs.stateDir), []);
});

for (const there of ['is', 'is not'] as const) {
  test(`a step that is done is not done again with the beginning of another upload of that name: the file ${there} in its place`, async (t) => {
    const dirs = tempDirs(t);
    const first = await openStore(storeOptions(dirs));
    await put(first, '/f', 'acknowledged');
    await first.close();
    // Killed when the file was published and the same content, for another path, had begun to come under the same name.
    const staged = `sha-${sha256Of('acknowledged')}`;
    const database = new DatabaseSync(join(dirs.stateDir, 'catalog.sqlite'));
    database.prepare("INSERT INTO intents (action, place, staged) VALUES ('publish', '/f', ?)").run(staged);
    database.close();
    writeFileSync(join(dirs.filesDir, '.cloudroid/staging', staged), 'ackno');
    if (there === 'is not') rmSync(join(dirs.filesDir, 'f'));
    const store = await openStore(storeOptions(dirs));
    t.teardown(() => store.close());
    t.deepEqual(placesIn(dirs.stateDir), []);
    t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/trash')), []);
    if (there === 'is') t.is(await readThrough(store, '/f'), 'acknowledged');
    else t.false(existsSync(join(dirs.filesDir, 'f')), 'nobody sees half of it; the bytes are fetched again');
  });
}
