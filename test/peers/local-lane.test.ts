import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { LocalLane } from '../../src/peers/local-lane.ts';
import { QueueBudget } from '../../src/peers/queue-budget.ts';
import { Refusal } from '../../src/replication/operation.ts';

const MEGABYTE = 1024 * 1024;
const unlimited = async () => Number.MAX_SAFE_INTEGER;

test('memory is given back when the file has the bytes: what is written over it then does no harm', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-lane-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'staged');
  writeFileSync(path, '');
  const lane = await LocalLane.open(path, 0, Number.MAX_SAFE_INTEGER, new QueueBudget(), unlimited);
  const bytes = randomBytes(80 * MEGABYTE);
  let given = 0;
  for (let at = 0; at < bytes.length; at += 300_001) {
    const chunk = Buffer.from(bytes.subarray(at, at + 300_001));
    await lane.write(chunk, () => {
      given += 1;
      chunk.fill(0);
    });
  }
  await lane.end();
  t.true(readFileSync(path).equals(bytes));
  t.is(given, Math.ceil(bytes.length / 300_001));
});

test('bytes that a flush on the way has lost are refused: nobody would ever be told of them again', async (t) => {
  // Takes all bytes and cannot be flushed (EINVAL).
  const lane = await LocalLane.open('/dev/null', 0, Number.MAX_SAFE_INTEGER, new QueueBudget(), unlimited);
  const writing = (async () => {
    for (let megabytes = 0; megabytes < 80; megabytes += 1) await lane.write(Buffer.alloc(MEGABYTE));
    await lane.end();
  })();
  t.teardown(() => lane.abort());
  t.is((await t.throwsAsync(writing, { instanceOf: Refusal })).kind, 'io');
});
