/** `npm run bench` itself, with real members, small and short. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Cleanup } from '../../scripts/bench/cleanup.ts';
import { processTree } from '../../scripts/bench/measure/process-figures.ts';
import { heldIn } from '../../scripts/bench/network/copies.ts';
import type { BenchResult } from '../../scripts/bench/result.ts';

const root = join(import.meta.dirname, '..', '..');

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function bench(
  output: string,
  ...options: readonly string[]
): ChildProcess & { readonly said: () => string } {
  const program = [
    join(root, 'scripts/bench/main.ts'),
    '--main',
    join(root, 'src/main.ts'),
    '--output',
    output,
  ];
  const small = ['--quick', '--files', '5', '--big-mib', '1', '--contestants', 'cloudroid-1'];
  const child = spawn(process.execPath, [...program, ...small, ...options], { timeout: 100_000 });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  return Object.assign(child, { said: () => text });
}

const ended = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));

test('a tiny run measures a real member and leaves its result, its chart and nothing else', async (t) => {
  t.timeout(120_000);
  const output = folderFor(t);
  const child = bench(output, '--only', 'big-up,small-up,noop');
  t.is(await ended(child), 0, child.said());
  t.true(child.said().includes('NOOP, there and back'));
  const files = readdirSync(output).sort();
  t.deepEqual(
    files.map((name) => name.replace(/^.*\./, '')),
    ['json', 'svg'],
  );
  const raw = JSON.parse(readFileSync(join(output, files[0] ?? ''), 'utf8')) as BenchResult;
  t.deepEqual(
    raw.measurements.map(({ workload, contestant }) => `${workload} ${contestant}`),
    ['big-up cloudroid-1', 'small-up cloudroid-1', 'noop cloudroid-1'],
  );
  for (const { workload, values, peakMegabytes } of raw.measurements) {
    t.true(
      values.every((value) => value > 0),
      workload,
    );
    t.true((peakMegabytes['cloudroid-proxy'] ?? 0) > 20, 'the memory of the proxy was seen');
  }
});

test('Ctrl-C ends every server it started and leaves nothing behind', async (t) => {
  t.timeout(120_000);
  const output = folderFor(t);
  const child = bench(output, '--only', 'noop', '--runs', '1000');
  const end = ended(child);
  while (!child.said().includes('run 2/') && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const all = processTree(child.pid ?? 0);
  t.true(all.length > 3, child.said());
  child.kill('SIGINT');
  t.is(await end, 130, child.said());
  // Killed is not gone at once on a busy machine.
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 200 && all.some(isAlive); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  t.deepEqual(all.filter(isAlive), []);
  t.deepEqual(readdirSync(output), []);
});

test('what must be undone is undone in the opposite order, once, whatever fails', async (t) => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.add('first', () => void done.push('first'));
  const early = cleanup.add('early', () => void done.push('early'));
  cleanup.add('broken', () => {
    throw new Error('on purpose');
  });
  cleanup.add('last', async () => void done.push('last'));
  await early();
  await cleanup.run();
  await cleanup.run();
  t.deepEqual(done, ['early', 'last', 'first']);
});

test('a copy is what lies in the folder, or every chunk on the disk', (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, '00'));
  writeFileSync(join(folder, '00', 'chunk_1.mfs'), 'abc');
  writeFileSync(join(folder, 'chunk_2.mfs'), 'de');
  writeFileSync(join(folder, 'other'), 'f');
  t.deepEqual(heldIn(folder, false), { count: 2, bytes: 3 });
  t.deepEqual(heldIn(folder, true), { count: 2, bytes: 5 });
  t.deepEqual(heldIn(join(folder, 'not there'), false), { count: 0, bytes: 0 });
});
