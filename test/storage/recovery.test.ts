/** Kills a process at every failpoint of a commit, with SIGKILL as a power cut would, and looks at what is left. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { COMMIT_FAILPOINTS, LATE_FAILPOINT, openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { prepareScenarios, SCENARIOS, type Scenario } from './commit-until-killed.ts';
import {
  openedStore,
  operationId,
  put,
  readThrough,
  sha256Of,
  storeOptions,
  tempDirs,
} from './opened-store.ts';
import { contentOf } from './put-until-killed.ts';

const WRITERS = fileURLToPath(new URL('./put-until-killed.ts', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./commit-until-killed.ts', import.meta.url));
/** From here on the transaction is durable: the change must have happened. */
const DURABLE_FROM = COMMIT_FAILPOINTS.indexOf('commit:after-transaction');

/** What users see: contents and times by path. */
type Seen = { [path: string]: string };

/** Three operations: each happens or not. */
const INDEPENDENT: Scenario = 'three files are put at once';

interface Ended {
  readonly killed: boolean;
  readonly acknowledged: boolean;
}

async function runKilled(root: string, scenario: Scenario, failpoint: string): Promise<Ended> {
  const { killed, output } = await run([PROGRAM, root, scenario], failpoint);
  return { killed, acknowledged: output.includes('acknowledged') };
}

async function run(args: readonly string[], failpoint: string): Promise<{ killed: boolean; output: string }> {
  const child = spawn(process.execPath, ['--no-warnings', ...args], {
    env: { ...process.env, CLOUDROID_FAILPOINT: failpoint },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (...end) => resolve(end));
  });
  if (signal === null && code !== 0) throw new Error(`the program failed with ${code}`);
  return { killed: signal === 'SIGKILL', output };
}

/** Every file and directory that users see, with contents and times. */
async function snapshot(store: Store, dir = '/'): Promise<Seen> {
  const seen: Seen = {};
  for (const entry of store.list(dir)) {
    if (entry.kind === 'file') seen[entry.path] = `${entry.mtime} ${await readThrough(store, entry.path)}`;
    else Object.assign(seen, { [entry.path]: '' }, await snapshot(store, entry.path));
  }
  if (dir !== '/') return seen;
  const { accounts } = await store.accounts.read({ digest: 'none yet' });
  for (const { name, text } of accounts ?? []) seen[`account ${name}`] = text;
  return seen;
}

async function prepared(t: ExecutionContext): Promise<StoreDirs & { root: string }> {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await prepareScenarios(store);
  await store.close();
  return dirs;
}

async function stateOf(dirs: StoreDirs): Promise<Seen> {
  const store = await openStore(storeOptions(dirs));
  const seen = await snapshot(store);
  await store.close();
  return seen;
}

/** The conflict name of a shadowed file holds the time of its write, which differs from run to run. */
function comparable(seen: Seen): Seen {
  return Object.fromEntries(
    Object.entries(seen).map(([path, content]) => [path.replace(/\.conflict-.*$/, '.conflict'), content]),
  );
}

for (const scenario of Object.keys(SCENARIOS) as Scenario[]) {
  test.serial(`${scenario}: killed at any point it has happened or not, never in part`, async (t) => {
    t.timeout(120_000);
    const origin = await prepared(t);
    const before = comparable(await stateOf(origin));
    const finished = await prepared(t);
    const whole = await runKilled(finished.root, scenario, '');
    t.true(whole.acknowledged);
    const after = comparable(await stateOf(finished));
    t.notDeepEqual(after, before);
    t.deepEqual(checkStore(finished), []);

    let killed = 0;
    for (const [index, failpoint] of COMMIT_FAILPOINTS.entries()) {
      const dirs = await prepared(t);
      const ended = await runKilled(dirs.root, scenario, failpoint);
      if (!ended.killed) {
        t.true(index <= 1, `${failpoint} is passed by every commit`);
        continue;
      }
      killed += 1;
      t.is(ended.acknowledged, failpoint === LATE_FAILPOINT);
      const found = comparable(await stateOf(dirs));
      if (scenario === INDEPENDENT) eachOldOrNew(t, found, before, after);
      else t.deepEqual(found, index >= DURABLE_FROM ? after : before, failpoint);
      t.deepEqual(checkStore(dirs), [], failpoint);

      const store = await openStore(storeOptions(dirs));
      await SCENARIOS[scenario](store);
      t.deepEqual(
        comparable(await snapshot(store)),
        after,
        `${failpoint}: a retry with the same id does it once`,
      );
      await store.close();
    }
    t.true(killed >= COMMIT_FAILPOINTS.length - 2);
  });
}

function eachOldOrNew(t: ExecutionContext, found: Seen, before: Seen, after: Seen): void {
  for (const path of Object.keys({ ...found, ...before, ...after })) {
    t.true(found[path] === before[path] || found[path] === after[path], path);
  }
}

for (const failpoint of COMMIT_FAILPOINTS) {
  test.serial(
    `many writers, killed at ${failpoint}: every acknowledged version or a newer one is there, whole`,
    async (t) => {
      t.timeout(120_000);
      const dirs = tempDirs(t);
      const { killed, output } = await run([WRITERS, dirs.root], `${failpoint}:40`);
      t.true(killed);
      const acknowledged = new Map<string, number>();
      for (const line of output.trimEnd().split('\n')) {
        const [path = '', version] = line.split(' ');
        acknowledged.set(path, Number(version));
      }
      t.true(acknowledged.size > 0);
      const { store } = await openedStore(t, { dirs });
      for (const [path, version] of acknowledged) {
        const content = await readThrough(store, path);
        const found = Number(content.split(' ')[1]);
        t.true(found >= version, `${path}: version ${found} after ${version} was acknowledged`);
        t.is(content, contentOf(path, found));
      }
    },
  );
}

test('the part of an upload that was staged is kept for a day, then removed', async (t) => {
  const dirs = tempDirs(t);
  const first = await openStore(storeOptions(dirs));
  const writer = await first.writeStaging('upload-part', 0);
  await writer.write(Buffer.from('half'));
  await writer.abort();
  await first.close();
  const second = await openStore(storeOptions(dirs));
  t.is(await second.stagedSize('upload-part'), 4);
  await second.close();
  const later = await openStore(storeOptions(dirs, { now: () => Date.now() + 25 * 60 * 60 * 1000 }));
  t.is(await later.stagedSize('upload-part'), null);
  await later.close();
});

test('after a restart a staged file is published only when its bytes prove to be those of the hash', async (t) => {
  const dirs = tempDirs(t);
  const first = await openStore(storeOptions(dirs));
  const { diskPath } = await first.stage({ id: 'direct-upload' });
  writeFileSync(diskPath, 'torn');
  await first.close();
  const { store } = await openedStore(t, { dirs });
  const operation = { op: 'put', path: '/f', size: 4, sha256: sha256Of('good') } as const;
  const content = { staged: 'direct-upload' };
  const refused = store.commit({ id: operationId(), operation, content });
  t.is((await t.throwsAsync(refused)).message.includes('sha256'), true);
  writeFileSync(diskPath, 'good');
  await store.commit({ id: operationId(), operation, content });
  t.is(await readThrough(store, '/f'), 'good');
});

test('unknown files in the way are moved to the trash, unknown files elsewhere stay', async (t) => {
  const { store, dirs } = await openedStore(t, { ignore: ['/dir/stranger'] });
  mkdirSync(join(dirs.filesDir, 'dir'));
  writeFileSync(join(dirs.filesDir, 'dir/stranger'), 'unknown');
  writeFileSync(join(dirs.filesDir, 'taken'), 'unknown too');
  writeFileSync(join(dirs.filesDir, 'folder'), 'a file where a folder should be');
  await put(store, '/dir/f', 'f');
  await put(store, '/taken', 'ours');
  await put(store, '/folder/f', 'f');
  t.is(await readThrough(store, '/taken'), 'ours');
  t.is(readdirSync(join(dirs.filesDir, '.cloudroid/trash')).length, 2);
  t.true(existsSync(join(dirs.filesDir, 'dir/stranger')));
  await put(store, '/next', 'rows of the trash come with the next transaction');
  t.is(store.counts().trashBytes, 'unknown too'.length + 'a file where a folder should be'.length);
});

test('a file that was changed behind our back is not handed out and not lost when it is replaced', async (t) => {
  const warnings: string[] = [];
  const { store, dirs } = await openedStore(t, { log: (_level, message) => warnings.push(message) });
  await put(store, '/f', 'true');
  writeFileSync(join(dirs.filesDir, 'f'), 'fake');
  utimesSync(join(dirs.filesDir, 'f'), 1, 1);
  await t.throwsAsync(store.openObject(sha256Of('true')), { message: /does not hold the content/ });
  t.true(warnings.some((message) => message.includes('behind our back')));
  await put(store, '/f', 'next');
  await t.throwsAsync(store.openObject(sha256Of('true')), { message: /does not hold/ });
  t.is(readdirSync(join(dirs.filesDir, '.cloudroid/trash')).length, 1, 'the changed bytes are in the trash');
});
