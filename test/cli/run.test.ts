import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Client } from 'basic-ftp';
import { type Place, placeFor, type Running, runToEnd, start } from './member-process.ts';

const ready = 'Ctrl-C stops it.';

/** A running member that is stopped with the test, whatever became of it. */
async function member(
  t: ExecutionContext,
  host: string,
  more: readonly string[] = [],
): Promise<{ place: Place; running: Running }> {
  const place = await placeFor(t, host);
  const running = start(['run', ...place.options, ...more]);
  t.teardown(async () => {
    running.child.kill('SIGKILL');
    await running.finished;
  });
  await running.until(ready);
  return { place, running };
}

async function login({ host, port }: Place): Promise<Client> {
  const client = new Client(20_000);
  await client.access({ host, port, user: 'guest', password: 'guest' });
  return client;
}

async function store(place: Place, name: string, text: string): Promise<void> {
  using client = closing(await login(place));
  await client.ftp.uploadFrom(Readable.from([Buffer.from(text)]), name);
}

async function fetchText(place: Place, name: string): Promise<string> {
  using client = closing(await login(place));
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk);
      done();
    },
  });
  await client.ftp.downloadTo(sink, name);
  return Buffer.concat(chunks).toString();
}

function closing(ftp: Client): { ftp: Client } & Disposable {
  return { ftp, [Symbol.dispose]: () => ftp.close() };
}

/** The pids of the children, by role. */
function childrenOf(pid: number | undefined): Map<string, number> {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return new Map(
    pids.map((child) => [
      readFileSync(`/proc/${child}/comm`, 'utf8').trim().replace('cloudroid-', ''),
      child,
    ]),
  );
}

function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await sleep(20);
}

test('run serves clients, tells how to use it, and Ctrl-C stops it cleanly', async (t) => {
  const { place, running } = await member(t, '127.0.0.21');
  const banner = running.stdout();
  for (const text of [
    `ftp://127.0.0.21:${place.port}`,
    'guest, password guest',
    join('data', 'files'),
    join('data', 'state', 'network.key'),
    `curl -T README.md ftp://guest:guest@127.0.0.21:${place.port}/`,
    `telnet 127.0.0.21 ${place.port}`,
  ]) {
    t.true(banner.includes(text), text);
  }
  await store(place, 'hello.txt', 'hello');
  t.is(await fetchText(place, 'hello.txt'), 'hello');
  t.is(readFileSync(join(place.folder, 'data', 'files', 'hello.txt'), 'utf8'), 'hello');
  const children = [...childrenOf(running.child.pid).values()];
  t.is(children.length, 3);
  // The terminal and npm both send a Ctrl-C: the second is no wish to hurry.
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  const { status, stderr } = await running.finished;
  t.is(status, 0, stderr);
  t.deepEqual(children.filter(lives), []);
  t.notRegex(stderr.replace(/.*guest\/guest is open.*/, ''), /error|warn /);
});

test('what was stored is there after a second start, under the same identity', async (t) => {
  const { place, running } = await member(t, '127.0.0.22');
  await store(place, 'kept.txt', 'kept');
  const identity = readFileSync(join(place.folder, 'data', 'state', 'member.json'), 'utf8');
  running.child.kill('SIGTERM');
  t.is((await running.finished).status, 0);
  const second = start(['run', ...place.options]);
  t.teardown(() => second.child.kill('SIGKILL'));
  await second.until(ready);
  t.is(await fetchText(place, 'kept.txt'), 'kept');
  t.is(readFileSync(join(place.folder, 'data', 'state', 'member.json'), 'utf8'), identity);
  second.child.kill('SIGTERM');
  t.is((await second.finished).status, 0);
});

for (const role of ['proxy', 'ftp', 'sweep']) {
  test(`a killed ${role} is started again and clients are served`, async (t) => {
    const { place, running } = await member(t, `127.0.0.${{ proxy: 23, ftp: 24, sweep: 25 }[role]}`);
    await store(place, 'a.txt', 'before');
    const before = childrenOf(running.child.pid).get(role) ?? 0;
    t.true(before > 0);
    process.kill(before, 'SIGKILL');
    await running.until(`a process is back process=${role}`);
    t.not(childrenOf(running.child.pid).get(role), before);
    t.is(await fetchText(place, 'a.txt'), 'before');
    await store(place, 'a.txt', 'after');
    t.is(await fetchText(place, 'a.txt'), 'after');
  });
}

test('when the supervisor is killed its processes end by themselves', async (t) => {
  const { running } = await member(t, '127.0.0.26');
  const children = [...childrenOf(running.child.pid).values()];
  t.is(children.length, 3);
  running.child.kill('SIGKILL');
  await until(() => children.every((pid) => !lives(pid)));
  t.pass();
});

test('status and peers show a running member to people and programs', async (t) => {
  const { place, running } = await member(t, '127.0.0.27');
  await store(place, 'a.txt', '12345');
  const page = await runToEnd(['status', ...place.options]);
  t.is(page.status, 0, page.stderr);
  t.regex(page.stdout, /^Member +tested \(tested-[a-z0-9]{4}\)/m);
  t.regex(page.stdout, /^Files +1 file in 0 folders, 5 bytes/m);
  const json: unknown = JSON.parse((await runToEnd(['status', '--json', ...place.options])).stdout);
  t.like(json, { files: 1, bytes: 5, hello: { name: 'tested' } });
  const peers = await runToEnd(['peers', ...place.options]);
  t.is(peers.status, 0);
  t.regex(peers.stdout, /No peers/);
  running.child.kill('SIGTERM');
  await running.finished;
  const after = await runToEnd(['status', ...place.options]);
  t.is(after.status, 3);
  t.regex(after.stderr, /not running/);
  t.is(after.stderr.trim().split('\n').length, 1);
});

test('sweep --once runs a round and says how it went', async (t) => {
  const { place } = await member(t, '127.0.0.28');
  const { status, stdout, stderr } = await runToEnd(['sweep', '--once', ...place.options]);
  t.is(status, 0, stderr);
  t.regex(stdout, /^Sweep: just now, took \d+ seconds?, 0 files fetched/m);
});

test('two members with one network key hold each other’s files', async (t) => {
  const first = await placeFor(t, '127.0.0.29');
  const second = await placeFor(t, '127.0.0.30');
  const key = ['--network-key', join(first.folder, 'shared.key')];
  writeFileSync(join(first.folder, 'PEERS.txt'), `127.0.0.30:${second.storagePort}\n`);
  const running: Running[] = [];
  for (const place of [first, second]) {
    const one = start(['run', ...place.options, ...key]);
    running.push(one);
    t.teardown(() => one.child.kill('SIGKILL'));
    await one.until(ready);
  }
  // The second learns of the first while it runs.
  writeFileSync(join(second.folder, 'PEERS.txt'), `127.0.0.29:${first.storagePort}\n`);
  // They have to meet first: until then neither knows whether the other has accounts.
  await until(() => /guest\/guest is open/.test(running[0]?.stderr() ?? ''));
  await store(first, 'one.txt', 'from one');
  await until(() => {
    try {
      return readFileSync(join(second.folder, 'data', 'files', 'one.txt'), 'utf8') === 'from one';
    } catch {
      return false;
    }
  });
  const peers = await runToEnd(['peers', ...first.options, ...key]);
  t.regex(peers.stdout, new RegExp(`127\\.0\\.0\\.30:${second.storagePort}`));
  for (const one of running) one.child.kill('SIGTERM');
  for (const one of running) t.is((await one.finished).status, 0);
});
