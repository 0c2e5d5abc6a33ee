/** Looks at the disks of all members until each holds what was stored. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from '../contestants/contestant.ts';

export interface Expected {
  /** Folder below each copy; with `chunks` it does not matter. */
  readonly folder: string;
  readonly count: number;
  readonly bytes: number;
}

export interface Held {
  readonly count: number;
  readonly bytes: number;
}

const none: Held = { count: 0, bytes: 0 };

function sizeOf(path: string): Held {
  try {
    return { count: 1, bytes: statSync(path).size };
  } catch {
    return none; // It has just been renamed.
  }
}

/** Files directly in the folder, or all chunks anywhere below it. */
export function heldIn(folder: string, chunks: boolean): Held {
  try {
    const entries = readdirSync(folder, { withFileTypes: true, recursive: chunks });
    const wanted = entries.filter((entry) => entry.isFile() && (!chunks || entry.name.startsWith('chunk_')));
    return wanted
      .map((entry) => sizeOf(join(entry.parentPath, entry.name)))
      .reduce((a, b) => ({ count: a.count + b.count, bytes: a.bytes + b.bytes }), none);
  } catch {
    return none; // Not there yet.
  }
}

/** Of a folder, or of the one file in it. */
function holdsAll(copy: string, chunks: boolean, before: Held, { folder, count, bytes }: Expected): boolean {
  const held = heldIn(chunks ? copy : join(copy, folder), chunks);
  return held.count - before.count >= count && held.bytes - before.bytes >= bytes;
}

/** When the last copy was complete, in nanoseconds of the machine's monotonic clock; watches while the client is at work. */
export async function whenAllHold(
  { copies, copiesAre }: Contestant,
  expected: Expected,
  limitMs: number,
): Promise<{ readonly begun: true; readonly end: Promise<bigint> }> {
  const chunks = copiesAre === 'chunks';
  const before = copies.map((copy) => (chunks ? heldIn(copy, true) : none));
  const watch = async (): Promise<bigint> => {
    const deadline = performance.now() + limitMs;
    const missing = new Set(copies.keys());
    while (missing.size > 0) {
      for (const at of missing)
        if (holdsAll(copies[at] ?? '', chunks, before[at] ?? none, expected)) missing.delete(at);
      if (missing.size === 0) break;
      if (performance.now() > deadline)
        throw new Error(`copies ${[...missing].map((at) => at + 1).join(', ')} are not complete`);
      // A look at a thousand files costs the servers' processors as well.
      await sleep(expected.count > 1 ? 50 : 5);
    }
    return process.hrtime.bigint();
  };
  return { begun: true, end: watch() };
}
