/** A member whose clock is decades off, as boards without a battery boot. */
import { existsSync, readdirSync } from 'node:fs';
import type { Fault, Scene } from '../fault.ts';

function library(): string | null {
  for (const folder of ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime']) {
    if (existsSync(folder) && readdirSync(folder).includes('libfaketimeMT.so.1'))
      return `${folder}/libfaketimeMT.so.1`;
  }
  return null;
}

async function withClock(scene: Scene, to: string): Promise<void> {
  const c = scene.network.member('c');
  await c.stop();
  const offset = Math.round((Date.parse(to) - Date.now()) / 1000);
  await c.start({
    LD_PRELOAD: library() ?? '',
    FAKETIME: `${offset < 0 ? '' : '+'}${offset}`,
    // Time limits go by the monotonic clock, which no wrong date touches.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  const { startedAt } = await c.status();
  scene.note(`c believed it was ${new Date(startedAt).toISOString()}`);
  if (Math.abs(startedAt - Date.parse(to)) > 3_600_000)
    scene.violation(`faketime did not work: c believes it is ${new Date(startedAt).toISOString()}`);
  await scene.load(scene.scale.longSeconds);
  await c.stop();
  await c.start();
}

function clock(name: string, year: string, to: string): Fault {
  return {
    name,
    what: `the clock of a member in ${year}, then right again`,
    missing: () => (library() === null ? 'no libfaketime here (apt install faketime)' : null),
    strike: (scene) => withClock(scene, to),
  };
}

export const clockFaults: readonly Fault[] = [
  clock('clock-1970', '1970', '1970-01-02T00:00:00Z'),
  clock('clock-2106', '2106', '2106-02-08T00:00:00Z'),
];
