/** Everybody on loopback, taking turns. */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { cloudroid } from './contestants/cloudroid.ts';
import { type Contestant, Skipped } from './contestants/contestant.ts';
import { pyftpdlib } from './contestants/pyftpdlib.ts';
import { vsftpd } from './contestants/vsftpd.ts';
import { type BenchContext, isWanted } from './context.ts';
import { shown } from './statistics.ts';
import { allWorkloads } from './workloads/all.ts';
import type { Workload } from './workloads/workload.ts';

type Make = (folder: string, main: string) => Promise<Contestant>;

const onLoopback = (count: number): Make => {
  const places = Array.from({ length: count }, (_, index) => ({ host: `127.0.0.${index + 1}`, prefix: [] }));
  return (folder, main) => cloudroid({ main, places, folder });
};

const makers: { readonly [name: string]: Make } = {
  vsftpd: (folder) => vsftpd(folder),
  pyftpdlib: (folder) => pyftpdlib(folder),
  'cloudroid-1': onLoopback(1),
  'cloudroid-3': onLoopback(3),
};
export const loopbackContestants = Object.keys(makers);

/** Started and to be ended whatever happens; null when this machine cannot have it. */
export async function started(
  { cleanup, skip }: BenchContext,
  name: string,
  make: () => Promise<Contestant>,
): Promise<{ readonly contestant: Contestant; readonly end: () => Promise<void> } | null> {
  try {
    const contestant = await make();
    const end = cleanup.add(name, async () => {
      await contestant.stop();
      for (const part of contestant.parts) await part.close();
    });
    try {
      await contestant.start();
    } catch (error) {
      await end();
      throw error;
    }
    return { contestant, end };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // Our own members have no excuse.
    if (!(error instanceof Skipped) && name.startsWith('cloudroid')) throw error;
    skip(`${name}: ${why}`);
    return null;
  }
}

/** Of the big file, for each run: deleted ones wait in the trash of all four members; and those that are downloaded. */
const COPIES = 6;

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

export async function runLoopback(context: BenchContext): Promise<void> {
  const { options, folder, book, skip } = context;
  const wanted = allWorkloads(options.sizes).filter(({ name }) => isWanted(options.only, name));
  const [room, needed] = [freeBytes(folder), options.sizes.bigBytes * (COPIES * options.runs + COPIES)];
  const tooBig = ({ name }: Workload) => name.startsWith('big-') && room < needed;
  if (wanted.some(tooBig))
    skip(
      `the big file: ${folder} has ${Math.floor(room / 1e9)} GB free, it takes ${Math.ceil(needed / 1e9)}`,
    );
  const workloads = wanted.filter((workload) => !tooBig(workload));
  if (workloads.length === 0) return;
  const contestants: Contestant[] = [];
  const ends: (() => Promise<void>)[] = [];
  for (const [name, make] of Object.entries(makers)) {
    const needed = workloads.some(({ only }) => only === undefined || only.includes(name));
    if (!needed || !isWanted(options.contestants, name)) continue;
    const running = await started(context, name, () => make(join(folder, name), options.main));
    if (running === null) continue;
    contestants.push(running.contestant);
    ends.push(running.end);
  }
  for (let run = 0; run < options.runs; run += 1) {
    for (const workload of workloads) {
      if (run >= (workload.onlyRuns ?? options.runs)) continue;
      for (const contestant of contestants) {
        if (workload.only !== undefined && !workload.only.includes(contestant.name)) continue;
        if (context.tooLate(`${workload.title}, ${contestant.name}, run ${run + 1}`)) continue;
        try {
          const value = await book.measure(workload, contestant, run);
          console.error(
            `run ${run + 1}/${options.runs}  ${workload.title}, ${contestant.name}: ${shown(value)} ${workload.unit}`,
          );
        } catch (error) {
          context.failed(`${workload.title}, ${contestant.name}`, error);
        }
      }
    }
  }
  for (const end of ends) await end();
}
