import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const place = join(import.meta.dirname, '..', '..', 'scripts', 'setup-lock.mjs');
const folder = mkdtempSync(join(tmpdir(), 'cloudroid-lock-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A process that takes the lock, writes when it came and went, and ends with 0. */
function worker(lock: string, journal: string): Promise<number | null> {
  const script = `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { withSetupLock } from ${JSON.stringify(place)};
    await withSetupLock(${JSON.stringify(lock)}, async () => {
      appendFileSync(${JSON.stringify(journal)}, 'in ' + process.pid + '\\n');
      await sleep(50);
      appendFileSync(${JSON.stringify(journal)}, 'out ' + process.pid + '\\n');
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', resolve));
}

function assertOneAtATime(journal: string, count: number): boolean {
  const lines = readFileSync(journal, 'utf8').trim().split('\n');
  const paired = lines.every((line, index) => {
    const [word, pid] = line.split(' ');
    return index % 2 === 0 ? word === 'in' && lines[index + 1] === `out ${pid}` : word === 'out';
  });
  return paired && lines.length === 2 * count;
}

test('starts at the same moment set up one after the other', async (t) => {
  const [lock, journal] = [join(folder, 'lock'), join(folder, 'journal')];
  t.deepEqual(await Promise.all([1, 2, 3, 4].map(() => worker(lock, journal))), [0, 0, 0, 0]);
  t.true(assertOneAtATime(journal, 4));
  t.false(existsSync(lock));
});

test('the lock of a process that died is taken over', async (t) => {
  const [lock, journal] = [join(folder, 'dead-lock'), join(folder, 'dead-journal')];
  // This very process is alive, but was not started at that moment: its number was used again.
  writeFileSync(lock, `${process.pid} 1`);
  t.deepEqual(await Promise.all([worker(lock, journal), worker(lock, journal)]), [0, 0]);
  t.true(assertOneAtATime(journal, 2));
});
