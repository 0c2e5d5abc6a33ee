/**
 * A process that changes a store until it is killed: `node write-until-cut.ts <files> <state> <hands> [<steps>]`. What each hand
 * does is derived from its number and step, so that whoever looks at the disk afterwards knows what it should hold.
 * Prints `<hand> <step>` once a step is acknowledged.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import type { StoreDirs } from './check-store.ts';
import { sha256Of } from './content-hash.ts';

export type Step =
  | { readonly do: 'put'; readonly path: string; readonly content: string; readonly staged: boolean }
  | { readonly do: 'mkdir' | 'delete'; readonly path: string }
  | { readonly do: 'touch'; readonly path: string; readonly mtime: number }
  | { readonly do: 'rename'; readonly path: string; readonly to: string };

const CYCLE = 8;

/** Eight steps on names of the hand's own: new files, one that is replaced again and again, and changes without bytes. */
export function stepOf(hand: number, number: number): Step {
  const round = Math.floor(number / CYCLE);
  const own = `/hand${hand}`;
  const content = `${hand} ${number} `.repeat(1 + ((number * 131) % 900));
  switch (number % CYCLE) {
    case 0:
      return { do: 'put', path: `${own}/replaced`, content, staged: round % 2 === 0 };
    case 1:
      return { do: 'put', path: `${own}/new${round}/file`, content, staged: false };
    case 2:
      return { do: 'put', path: `${own}/old${round}`, content, staged: true };
    case 3:
      return { do: 'rename', path: `${own}/old${round}`, to: `${own}/renamed${round}` };
    case 4:
      return { do: 'mkdir', path: `${own}/empty${round}` };
    case 5:
      return { do: 'delete', path: `${own}/new${round}/file` };
    case 6:
      return { do: 'touch', path: `${own}/replaced`, mtime: 1_600_000_000_000 + number * 1000 };
    default:
      return { do: 'touch', path: `${own}/renamed${round}`, mtime: 1_500_000_000_000 + number * 1000 };
  }
}

async function perform(store: Store, id: string, step: Step): Promise<void> {
  if (step.do === 'rename') {
    await store.commit({ id, operation: { op: 'rename', from: step.path, to: step.to } });
  } else if (step.do === 'touch') {
    await store.commit({ id, operation: { op: 'touch', path: step.path, mtime: step.mtime } });
  } else if (step.do !== 'put') {
    await store.commit({ id, operation: { op: step.do, path: step.path } });
  } else {
    const { path, content } = step;
    const operation = { op: 'put', path, size: content.length, sha256: sha256Of(content) } as const;
    if (step.staged) {
      const writer = await store.writeStaging(id, 0);
      await writer.write(Buffer.from(content));
      await writer.end();
    }
    const inline = Buffer.from(content).toString('base64');
    await store.commit({ id, operation, content: step.staged ? { staged: id } : { inline } });
  }
}

/** Resolves when each hand has done so many steps; the store stays open. */
export async function writeSteps(
  { filesDir, stateDir }: StoreDirs,
  hands: number,
  steps: number,
): Promise<void> {
  const store = await openStore({
    filesDir,
    stateDir,
    member: 'odroid-a-0001',
    name: 'odroid-a',
    now: Date.now,
    log: () => {},
    reserveBytes: 0,
  });
  const work = async (hand: number): Promise<void> => {
    for (let number = 0; number < steps; number += 1) {
      await perform(store, `step-${hand}-${number}`, stepOf(hand, number));
      writeSync(1, `${hand} ${number}\n`);
    }
  };
  await Promise.all(Array.from({ length: hands }, (_, hand) => work(hand)));
}

if (import.meta.main) {
  const [filesDir = '', stateDir = '', hands = '1', steps = '100000'] = process.argv.slice(2);
  await writeSteps({ filesDir, stateDir }, Number(hands), Number(steps));
  // It waits for its end.
  setInterval(() => {}, 1000);
}
