import test from 'ava';
import { Pace } from '../../src/peers/pace.ts';
import { LONGEST_QUEUE_BYTES, QueueBudget } from '../../src/peers/queue-budget.ts';
import type { PeerLane } from '../../src/peers/upload-lane.ts';

const MIB = 1024 * 1024;

/** A wire of `rate` bytes a second and a clock that only moves when somebody waits. */
function simulate(rates: readonly number[], clientRate: number, bytes: number, slowBefore = false) {
  let now = 0;
  const dropped: number[] = [];
  const lanes = rates.map((rate, index) => ({
    rate,
    index,
    queued: 0,
    sent: 0,
    peer: { isSlow: slowBefore },
  }));
  const pass = (ms: number) => {
    now += ms;
    for (const lane of lanes) {
      const moved = Math.min(lane.queued, (lane.rate * ms) / 1000);
      lane.queued -= moved;
      lane.sent += moved;
    }
  };
  const asLanes = lanes.map((lane) => ({
    peer: lane.peer,
    get queuedBytes() {
      return lane.queued;
    },
    get sentBytes() {
      return lane.sent;
    },
    async shorterThan() {
      pass(10);
    },
    index: lane.index,
  })) as unknown as (PeerLane & { index: number })[];
  const pace = new Pace(
    new QueueBudget(),
    (lane) => {
      const { index } = lane as PeerLane & { index: number };
      dropped.push(index);
      const found = lanes[index];
      if (found !== undefined) found.queued = 0;
    },
    () => now,
  );
  return (async () => {
    let most = 0;
    for (let at = 0; at < bytes; at += 65_536) {
      pass((65_536 / clientRate) * 1000);
      for (const lane of lanes) if (!dropped.includes(lane.index)) lane.queued += 65_536;
      await pace.keep(asLanes.filter(({ index }) => !dropped.includes(index)));
      pace.accepted(65_536);
      most = Math.max(most, ...lanes.map(({ queued }) => queued));
    }
    return { dropped, most, seconds: now / 1000 };
  })();
}

test('a wire of 100 kB/s is left out after about a second, however small the pieces', async (t) => {
  const { dropped, seconds, most } = await simulate([100_000, 100 * MIB], 50 * MIB, 200 * MIB);
  t.deepEqual(dropped, [0]);
  t.true(seconds < 4 + 1.5, `${seconds} s`);
  t.true(most <= LONGEST_QUEUE_BYTES + 65_536);
});

test('a peer at half the pace of the client stays, and the client waits for it', async (t) => {
  const { dropped, seconds } = await simulate([10 * MIB, 100 * MIB], 20 * MIB, 200 * MIB);
  t.deepEqual(dropped, []);
  t.true(seconds > 18, `${seconds} s`);
});

test('a peer below a sixteenth of the best pace is left out', async (t) => {
  t.deepEqual((await simulate([MIB], 100 * MIB, 100 * MIB)).dropped, [0]);
  t.deepEqual((await simulate([4 * MIB], 100 * MIB, 100 * MIB)).dropped, []);
});

test('peers that are all slow are all waited for while they take 256 KiB/s', async (t) => {
  t.deepEqual((await simulate([400_000, 400_000], 500_000, 40 * MIB)).dropped, []);
});

test('a peer that was too slow a moment ago costs no second more', async (t) => {
  const { dropped, seconds } = await simulate([100_000], 50 * MIB, 50 * MIB, true);
  t.deepEqual(dropped, [0]);
  t.true(seconds < 1 + 0.5, `${seconds} s`);
});

test('two wires that are too slow cost no more time than one', async (t) => {
  const { dropped, seconds } = await simulate([100_000, 90_000], 50 * MIB, 50 * MIB);
  t.deepEqual(dropped.sort(), [0, 1]);
  t.true(seconds < 1 + 1.5, `${seconds} s`);
});

test('many uploads share one memory, and give it back', (t) => {
  const budget = new QueueBudget();
  t.is(budget.each, LONGEST_QUEUE_BYTES);
  const giveBack = Array.from({ length: 32 }, () => budget.take(3));
  t.true(budget.each * 96 <= 64 * MIB);
  for (const each of giveBack) each();
  for (const each of giveBack) each();
  t.is(budget.each, LONGEST_QUEUE_BYTES);
});
