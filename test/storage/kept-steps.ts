/** Looks at a store whose writer (write-until-cut.ts) met its end: each acknowledged step is there, whole. */
import { existsSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { readThrough, storeOptions } from './opened-store.ts';
import { stepOf } from './write-until-cut.ts';

/** Last acknowledged step by hand. */
export type Acknowledged = ReadonlyMap<number, number>;

/** What users must find at each path after these steps of a hand: content, '' for a directory, null for nothing. */
function after(hand: number, count: number): Map<string, string | null> {
  const expected = new Map<string, string | null>();
  for (let number = 0; number < count; number += 1) {
    const step = stepOf(hand, number);
    if (step.do === 'put') expected.set(step.path, step.content);
    else if (step.do === 'mkdir') expected.set(step.path, '');
    else if (step.do !== 'touch') {
      if (step.do === 'rename') expected.set(step.to, expected.get(step.path) ?? null);
      expected.set(step.path, null);
    }
  }
  return expected;
}

async function seen(store: Store, { filesDir }: StoreDirs, path: string): Promise<string | null> {
  const { entry } = store.record(path);
  if (entry === undefined || entry === null) return existsSync(filesDir + path) ? 'on disk only' : null;
  if (entry.kind !== 'file') return existsSync(filesDir + path) ? '' : 'not on disk';
  const content = await readThrough(store, path).catch((error: unknown) => String(error));
  const onDisk = existsSync(filesDir + path) ? readFileSync(filesDir + path, 'utf8') : 'not on disk';
  return content === onDisk ? content : `read: ${content.slice(0, 80)}; on disk: ${onDisk.slice(0, 80)}`;
}

export async function assertKept(
  t: ExecutionContext,
  dirs: StoreDirs,
  acknowledged: Acknowledged,
): Promise<void> {
  const store = await openStore(storeOptions(dirs, { reserveBytes: 0 }));
  const lost: string[] = [];
  try {
    t.is(store.hello().readOnly, null);
    for (const [hand, last] of acknowledged) {
      const least = after(hand, last + 1);
      // The step after it was under way; the writer cannot have come further.
      const most = after(hand, last + 2);
      for (const path of most.keys()) {
        const found = await seen(store, dirs, path);
        if (found === (least.get(path) ?? null) || found === most.get(path)) continue;
        lost.push(
          `${path}, step ${last} acknowledged: ${JSON.stringify(found?.slice(0, 120) ?? 'nothing there')}`,
        );
      }
    }
  } finally {
    await store.close();
  }
  t.deepEqual(lost, []);
  t.deepEqual(checkStore(dirs), []);
}
