import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { watchPeersFile } from '../../src/config/peers-watch.ts';
import type { Endpoint } from '../../src/config/settings-api.ts';
import type { Logger } from '../../src/system/logger-api.ts';

/** A watch on a file of its own; `next` waits for the next list. */
function watched(t: ExecutionContext, text: string | null) {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-peers-'));
  const file = join(folder, 'PEERS.txt');
  if (text !== null) writeFileSync(file, text);
  const lists: string[][] = [];
  const lines: { level: string; details: object }[] = [];
  const waiting: (() => void)[] = [];
  const at =
    (level: string) =>
    (_: string, details: object = {}) => {
      lines.push({ level, details });
    };
  const logger: Logger = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    with: () => logger,
  };
  const onChange = (peers: readonly Endpoint[]): void => {
    lists.push(peers.map(({ host }) => host));
    for (const wake of waiting.splice(0)) wake();
  };
  const watch = watchPeersFile(file, onChange, logger);
  // The watch lets a process end; a test that waits for it must not.
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => {
    clearInterval(alive);
    watch.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const until = async (count: number): Promise<string[] | undefined> => {
    while (lists.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return lists[count - 1];
  };
  return { folder, file, lists, lines, until, watch };
}

test('the list is read at start, when the file changes and when an editor replaces it', async (t) => {
  const { file, folder, until } = watched(t, 'a\n');
  t.deepEqual(await until(1), ['a']);
  writeFileSync(file, 'a\nb\n');
  t.deepEqual(await until(2), ['a', 'b']);
  writeFileSync(join(folder, 'new'), 'c\n');
  renameSync(join(folder, 'new'), file);
  t.deepEqual(await until(3), ['c']);
});

test('a missing file means no peers, said once; it counts from when it appears, and again when it goes', async (t) => {
  const { file, lines, until } = watched(t, null);
  t.deepEqual(await until(1), []);
  t.deepEqual(
    lines.map(({ level }) => level),
    ['info'],
  );
  writeFileSync(file, 'a\n');
  t.deepEqual(await until(2), ['a']);
  rmSync(file);
  t.deepEqual(await until(3), []);
});

test.serial('SIGHUP has the list read at once, and a line that is no peer is told with its number', (t) => {
  const { file, lists, lines } = watched(t, 'a\n');
  writeFileSync(file, 'a\nno peer\nb\n');
  process.emit('SIGHUP');
  t.deepEqual(lists.at(-1), ['a', 'b']);
  t.like(lines.at(-1), { level: 'warn', details: { line: 2, given: 'no peer', file } });
});

test('the same content written again changes nothing', async (t) => {
  const { file, lists, until } = watched(t, 'a\n');
  writeFileSync(file, 'a\n');
  writeFileSync(file, 'a\n# more\n');
  await until(2);
  t.deepEqual(lists, [['a'], ['a']]);
});
