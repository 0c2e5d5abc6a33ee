import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Logger } from '../../src/system/logger-api.ts';
import { SupervisedProcess } from '../../src/system/supervised-process.ts';

const serviceManager = join(import.meta.dirname, '..', '..', 'src', 'system', 'service-manager.ts');

const silent: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  with: () => silent,
};

/** A supervised script; `events` tells what happened to it, `until` waits for that many of a kind. */
function supervised(t: ExecutionContext, script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-supervised-'));
  const file = join(folder, 'child.ts');
  writeFileSync(file, script);
  const events: string[] = [];
  const process = new SupervisedProcess({
    name: 'child',
    args: ['--no-warnings', file, folder],
    logger: silent,
    onFirstReady: () => events.push('ready'),
    onDeath: () => events.push('death'),
    onFatal: (status) => events.push(`fatal ${status}`),
  });
  t.teardown(() => {
    process.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await sleep(10);
  };
  return { process, events, until, folder };
}

/** Writes a line a start, is ready, and lives until it is told to stop. */
const obedient = `
  import { appendFileSync } from 'node:fs';
  import { announceReady, onStopRequest } from ${JSON.stringify(serviceManager)};
  const note = (word: string) => appendFileSync(process.argv[2] + '/notes', word + ' ' + process.pid + '\\n');
  const stay = setInterval(() => undefined, 1000);
  onStopRequest((reason) => { note(reason); clearInterval(stay); if (process.connected) process.disconnect(); });
  note('start');
  announceReady({ warn() {} } as never);
`;

const notes = (folder: string): string[] => readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n');

test('a process that is killed is started again, and says ready only once to the one who waits', async (t) => {
  const { process, events, until, folder } = supervised(t, obedient);
  process.start();
  await until(() => events.includes('ready'));
  const first = process.pid;
  globalThis.process.kill(first ?? 0, 'SIGKILL');
  await until(() => events.includes('death') && process.pid !== null);
  t.not(process.pid, first);
  await until(() => notes(folder).length === 2);
  await process.stop(10_000);
  t.deepEqual(events, ['ready', 'death']);
});

test('a process asked to stop ends by itself and is not started again', async (t) => {
  const { process, events, until, folder } = supervised(t, obedient);
  process.start();
  await until(() => events.includes('ready'));
  const { pid } = process;
  await process.stop(10_000);
  t.deepEqual(notes(folder).slice(1), [`SIGTERM ${pid}`]);
  process.start();
  t.is(process.pid, null);
  t.deepEqual(events, ['ready']);
});

test('Ctrl-C of the terminal is left to the one who supervises', async (t) => {
  const { process, events, until, folder } = supervised(t, obedient);
  process.start();
  await until(() => events.includes('ready'));
  const { pid } = process;
  globalThis.process.kill(pid ?? 0, 'SIGINT');
  await process.stop(10_000);
  t.deepEqual(notes(folder), [`start ${pid}`, `SIGTERM ${pid}`]);
});

test('a status that would only come again ends the attempts', async (t) => {
  const { process, events, until } = supervised(t, 'process.exit(78)');
  process.start();
  await until(() => events.length > 0);
  t.deepEqual(events, ['fatal 78']);
  t.is(process.pid, null);
});

test('a process that will not stop is killed', async (t) => {
  const script = `
    import { announceReady } from ${JSON.stringify(serviceManager)};
    process.on('SIGTERM', () => undefined);
    setInterval(() => undefined, 1000);
    announceReady({ warn() {} } as never);
  `;
  const { process, events, until } = supervised(t, script);
  process.start();
  await until(() => events.includes('ready'));
  const { pid } = process;
  await process.stop(50);
  t.throws(() => globalThis.process.kill(pid ?? 0, 0), { code: 'ESRCH' });
});

test('the processes of a supervisor that was killed end by themselves', async (t) => {
  const { process, until, folder, events } = supervised(
    t,
    `
    import { writeFileSync } from 'node:fs';
    import { SupervisedProcess } from ${JSON.stringify(serviceManager.replace('service-manager', 'supervised-process'))};
    import { announceReady } from ${JSON.stringify(serviceManager)};
    const file = process.argv[2] + '/grandchild.ts';
    writeFileSync(file, ${JSON.stringify(obedient)});
    const logger = { error() {}, warn() {}, info() {}, debug() {}, with: () => logger };
    new SupervisedProcess({ name: 'grandchild', args: ['--no-warnings', file, process.argv[2] ?? ''], logger,
      onFirstReady: () => announceReady(logger), onDeath() {}, onFatal() {} }).start();
    `,
  );
  process.start();
  await until(() => events.includes('ready'));
  process.kill();
  await until(() => notes(folder).length === 2);
  t.regex(notes(folder)[1] ?? '', /^parent gone /);
});
