import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Connection } from '../../src/peers/connection.ts';
import { ConnectionPool } from '../../src/peers/connection-pool.ts';

class Line implements Connection {
  uses = 0;
  silent = false;
  closed = false;

  async ask(): Promise<string> {
    this.uses += 1;
    return '';
  }

  close(): void {
    this.closed = true;
  }
}

/** Handshakes that fail now and then; tells how many were under way at most. */
function slowDoor() {
  const door = { opened: 0, now: 0, most: 0 };
  const open = async (): Promise<Line> => {
    door.opened += 1;
    door.now += 1;
    door.most = Math.max(door.most, door.now);
    const fails = door.opened % 7 === 0;
    await sleep(5);
    door.now -= 1;
    if (fails) throw new Error('refused');
    return new Line();
  };
  return { door, pool: new ConnectionPool(open) };
}

test('of many transfers that begin at once eight shake hands at a time, and each gets its turn', async (t) => {
  const { door, pool } = slowDoor();
  const ends = await Promise.allSettled(
    Array.from({ length: 200 }, () => pool.use('transfer', async () => await sleep(3))),
  );
  t.is(door.most, 8);
  const failed = ends.filter(({ status }) => status === 'rejected').length;
  t.is(failed, Math.floor(door.opened / 7), 'only those that the other side refused');
  pool.close();
});

test('a short command does not wait for the handshakes of transfers', async (t) => {
  const { door, pool } = slowDoor();
  const transfers = Array.from({ length: 48 }, () => pool.use('transfer', async () => await sleep(1)));
  const before = door.opened;
  const command = pool.use('command', async () => 'answered');
  t.is(door.opened, before + 1);
  t.is(await command, 'answered');
  await Promise.allSettled(transfers);
  pool.close();
});

test('who waits for a turn hears of it when the pool is closed', async (t) => {
  const { pool } = slowDoor();
  const waiting = Promise.allSettled(
    Array.from({ length: 60 }, () => pool.use('arrival', async () => 'late')),
  );
  pool.close();
  for (const { status } of await waiting) t.is(status, 'rejected');
});
