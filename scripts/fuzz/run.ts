/**
 * Sessions of nonsense, several at once, against two real members; then: do they serve, is memory back, is nothing left
 * open, did nobody die, is the canary what it was, are both the same?
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Memory } from '../../test/attacks/inspector.ts';
import { residentKilobytes, Scene } from '../../test/attacks/scene.ts';
import { planOf } from './plan.ts';
import { type Played, play } from './play.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** New sessions begin for so long. */
  readonly seconds: number;
  /** At most so many. */
  readonly sessions?: number;
  /** Only this one: to play a finding again. */
  readonly only?: number;
  readonly atOnce?: number;
  /** Heap snapshots of the proxies go there, before and after. */
  readonly snapshots?: string;
  readonly say: (line: string) => void;
}

export interface FuzzOutcome {
  readonly wrong: readonly string[];
  readonly sessions: number;
  readonly lines: number;
  readonly bytes: number;
}

const WARM_UP_SESSIONS = 60;
/** Of the proxy, after a collection, against the warm baseline: code compiled meanwhile, maps that grew. */
const MOST_HEAP_LEFT = 6 * 1024 * 1024;
/** VmRSS of proxy and storage server (SQLite's cache, the allocator's spare pages). */
const MOST_RESIDENT_LEFT_KB = 96 * 1024;
/** Of the last sessions before a failure. */
const KEPT_TRANSCRIPTS = 200;

export async function fuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const {
    seed,
    seconds,
    sessions: most = Number.POSITIVE_INFINITY,
    only,
    atOnce = 12,
    snapshots,
    say,
  } = options;
  const scene = await Scene.open({
    inspected: true,
    implicitTls: true,
    options: [
      ...['--log-level', 'warn', '--login-timeout-seconds', '3', '--stall-timeout-seconds', '3'],
      ...['--idle-timeout-seconds', '10', '--logins-per-minute', '100000'],
    ],
  });
  try {
    const { members } = scene.network;
    for (const member of members) await scene.inspector(member);
    const before = members.map((member) => scene.descriptors(member));
    const recent: Played[] = [];
    let sum = { sessions: 0, lines: 0, bytes: 0 };
    const wave = async (from: number, until: () => boolean): Promise<void> => {
      let next = from;
      await Promise.all(
        Array.from({ length: only === undefined ? atOnce : 1 }, async () => {
          while (!until()) {
            const index = only ?? next;
            next += 1;
            const member = members[index % members.length] ?? scene.a;
            const played = await play(planOf(seed, index), member);
            sum = {
              sessions: sum.sessions + 1,
              lines: sum.lines + played.lines,
              bytes: sum.bytes + played.bytes,
            };
            recent.push(played);
            if (recent.length > KEPT_TRANSCRIPTS) recent.shift();
            if (only !== undefined) return;
          }
        }),
      );
    };
    let begun = 0;
    if (only === undefined) await wave(-WARM_UP_SESSIONS, () => ++begun > WARM_UP_SESSIONS);
    for (const [index, member] of members.entries()) await scene.settled(before[index] ?? 0, member);
    if (snapshots !== undefined) await snap(scene, snapshots, 'before');
    const warm = await figures(scene);
    sum = { sessions: 0, lines: 0, bytes: 0 };

    const end = performance.now() + seconds * 1000;
    begun = 0;
    let told = performance.now();
    await wave(0, () => {
      if (performance.now() - told > 20_000) {
        told = performance.now();
        say(`${sum.sessions} sessions, ${sum.lines} lines`);
      }
      return performance.now() > end || ++begun > most;
    });

    const wrong: string[] = [];
    for (const [index, member] of members.entries()) {
      await scene
        .settled(before[index] ?? 0, member)
        .catch((error: unknown) => wrong.push(`${member.name}: ${error}`));
    }
    wrong.push(...(await scene.harm()));
    wrong.push(...grown(warm, await figures(scene), say));
    if (snapshots !== undefined) await snap(scene, snapshots, 'after');
    if (wrong.length > 0) {
      const file = join(mkdtempSync(join(tmpdir(), 'cloudroid-fuzz-')), `seed-${seed}.jsonl`);
      writeFileSync(file, recent.map((played) => `${JSON.stringify(played)}\n`).join(''));
      writeFileSync(`${file}.log`, scene.network.log());
      say(
        `seed ${seed}: what the last ${recent.length} sessions said and heard: ${file}; the members: ${file}.log`,
      );
      say(`one session again: npm run fuzz -- --seed ${seed} --only INDEX`);
    }
    return { wrong, ...sum };
  } finally {
    await scene.close();
  }
}

async function snap(scene: Scene, folder: string, when: string): Promise<void> {
  for (const member of scene.network.members) {
    const pieces: string[] = [];
    await (await scene.inspector(member)).snapshot((piece) => pieces.push(piece));
    writeFileSync(join(folder, `${member.name}-${when}.heapsnapshot`), pieces.join(''));
  }
}

interface Figures {
  readonly name: string;
  readonly proxy: Memory;
  readonly proxyKb: number;
  readonly storageKb: number;
}

async function figures(scene: Scene): Promise<Figures[]> {
  const all: Figures[] = [];
  for (const member of scene.network.members) {
    const proxy = await (await scene.inspector(member)).memory();
    all.push({
      name: member.name,
      proxy,
      proxyKb: residentKilobytes(scene.pid('proxy', member)),
      storageKb: residentKilobytes(scene.pid('ftp', member)),
    });
  }
  return all;
}

function grown(warm: readonly Figures[], now: readonly Figures[], say: (line: string) => void): string[] {
  const wrong: string[] = [];
  for (const [index, after] of now.entries()) {
    const first = warm[index];
    if (first === undefined) continue;
    const heap = after.proxy.heap + after.proxy.buffers - first.proxy.heap - first.proxy.buffers;
    const [proxyKb, storageKb] = [after.proxyKb - first.proxyKb, after.storageKb - first.storageKb];
    say(
      `${after.name}: proxy ${(heap / 1024).toFixed(0)} KiB more live objects and buffers (buffers ${((after.proxy.buffers - first.proxy.buffers) / 1024).toFixed(0)}), ${proxyKb} KiB more resident (${after.proxyKb} in all); storage server ${storageKb} KiB more (${after.storageKb})`,
    );
    if (heap > MOST_HEAP_LEFT) wrong.push(`${after.name}: the proxy holds ${heap} bytes more than before`);
    if (proxyKb > MOST_RESIDENT_LEFT_KB)
      wrong.push(`${after.name}: the proxy takes ${proxyKb} KiB more than before`);
    if (storageKb > MOST_RESIDENT_LEFT_KB)
      wrong.push(`${after.name}: the storage server takes ${storageKb} KiB more`);
  }
  return wrong;
}
