import test from 'ava';
import { DataPace } from '../../src/ftp/data-pace.ts';

const WINDOW_MS = 60_000;

/** Looks once a second for so long; the second in which it was too slow, or null. */
function play(
  seconds: number,
  bytesAt: (second: number) => number,
  clientsTurn: (second: number) => boolean = () => true,
): number | null {
  const pace = new DataPace({ bytesPerSecond: 32, windowMs: WINDOW_MS });
  for (let second = 0; second <= seconds; second += 1) {
    if (pace.look(second * 1000, clientsTurn(second), bytesAt(second))) return second;
  }
  return null;
}

test('a trickle below the rate is too slow after a minute, one at the rate goes on', (t) => {
  t.is(
    play(600, (second) => second * 31),
    60,
  );
  t.is(
    play(600, (second) => second * 32),
    null,
  );
  t.is(
    play(600, () => 0),
    60,
  );
});

test('a trickle that comes in time to escape a stall is too slow all the same', (t) => {
  t.is(
    play(600, (second) => Math.floor(second / 50)),
    60,
  );
});

test('a client that was fast does not live on that: each minute counts for itself', (t) => {
  t.is(
    play(600, (second) => Math.min(second * 1_000_000, 90_000_000)),
    180,
  );
});

test('bytes that come in lumps are fine as long as the minute has enough', (t) => {
  t.is(
    play(600, (second) => Math.floor((second + 1) / 60) * 2000),
    null,
  );
});

test('time that is not the client´s does not count', (t) => {
  t.is(
    play(
      6000,
      () => 0,
      () => false,
    ),
    null,
  );
  // Every other second it waits for us.
  t.is(
    play(
      6000,
      () => 0,
      (second) => second % 2 === 0,
    ),
    null,
  );
  t.is(
    play(
      6000,
      () => 0,
      (second) => second > 1000,
    ),
    1061,
  );
});

test('a gateway that stood still for long is not the client´s fault', (t) => {
  const pace = new DataPace({ bytesPerSecond: 32, windowMs: WINDOW_MS });
  t.false(pace.look(0, true, 0));
  t.false(pace.look(10 * WINDOW_MS, true, 0));
  t.false(pace.look(10 * WINDOW_MS + 1000, true, 0));
});
