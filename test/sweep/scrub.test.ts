import { randomBytes } from 'node:crypto';
import test from 'ava';
import { scrub, scrubDueIn, scrubPace } from '../../src/sweep/scrub.ts';
import { withMembers } from '../peers/with-members.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

test('every file is read again within 30 days, whatever the size of the disk', (t) => {
  for (const bytes of [0, 1, 10 ** 9, 4 * 10 ** 12]) {
    const passDays = bytes / scrubPace(bytes) / 86_400;
    t.true(7 + passDays <= 30, `${bytes} bytes: every 7 days a pass of ${passDays}`);
  }
});

test('a pass is due when none was ended, when the last is a week old, and when the clock was wrong', (t) => {
  const now = 1_800_000_000_000;
  t.is(scrubDueIn({ scrubStartedAt: null, scrubbedAt: null }, now), 0);
  t.is(scrubDueIn({ scrubStartedAt: now - DAY_MS, scrubbedAt: null }, now), 0);
  t.is(scrubDueIn({ scrubStartedAt: now - 2 * DAY_MS, scrubbedAt: now - DAY_MS }, now), 5 * DAY_MS);
  t.is(scrubDueIn({ scrubStartedAt: now - 8 * DAY_MS, scrubbedAt: now - DAY_MS }, now), 0);
  t.is(scrubDueIn({ scrubStartedAt: now + 30 * 365 * DAY_MS, scrubbedAt: now + 31 * 365 * DAY_MS }, now), 0);
});

test.serial('a scrub that is broken off goes on where it was, also after a restart', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    for (let n = 0; n < 10; n += 1) await a.put(`/f${n}`, randomBytes(100_000));
    const stop = new AbortController();
    let read = 0;
    const options = { local: a.client, filesDir: a.filesDir, now: Date.now, onDamage: () => undefined };
    const broken = scrub({
      ...options,
      signal: stop.signal,
      onBytes: (bytes) => {
        read += bytes;
        if (read >= 450_000) stop.abort();
      },
    });
    await t.throwsAsync(broken);
    const state = await a.client.upkeep.state();
    t.regex(state.scrubAfter, /^\/f[345]$/);
    t.is(state.scrubbedAt, null);
    await a.stopStorage();
    await a.startStorage();
    let again = 0;
    const { signal } = new AbortController();
    await scrub({
      ...options,
      signal,
      onBytes: (bytes) => {
        again += bytes;
      },
    });
    t.true(again <= 600_000, `${again} bytes were read again`);
    const ended = await a.client.upkeep.state();
    t.true(ended.scrubbedAt !== null);
    t.true(scrubDueIn(ended, Date.now()) > 6 * DAY_MS);
  });
});

test.serial('a scrub keeps to its pace', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    await a.put('/big', randomBytes(9 * 1024 * 1024));
    const begin = performance.now();
    const { signal } = new AbortController();
    const pace = 16 * 1024 * 1024;
    await scrub({
      local: a.client,
      filesDir: a.filesDir,
      now: Date.now,
      signal,
      pace,
      onDamage: () => undefined,
    });
    // Two bursts of 4 MiB at 16 MiB/s; that it may be slower is no question here.
    t.true(performance.now() - begin >= 480);
  });
});
