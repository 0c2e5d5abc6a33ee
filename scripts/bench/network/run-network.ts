/** The network cases: one house at a time, for each contestant in turn. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runClient } from '../client/run-client.ts';
import { cloudroid } from '../contestants/cloudroid.ts';
import { type Contestant, Skipped } from '../contestants/contestant.ts';
import { glusterfs } from '../contestants/glusterfs.ts';
import { moosefs } from '../contestants/moosefs.ts';
import { vsftpd } from '../contestants/vsftpd.ts';
import { type BenchContext, isWanted } from '../context.ts';
import { started } from '../loopback.ts';
import { shown } from '../statistics.ts';
import type { Workload } from '../workloads/workload.ts';
import { type NetworkCase, networkCases, networkCounts } from './cases.ts';
import { whenAllHold } from './copies.ts';
import { type House, openHouse, whyNoNamespaces } from './namespaces.ts';

const LIMIT_MS = 120_000;

type Make = (house: House, folder: string, main: string) => Promise<Contestant>;

const makers: readonly { readonly name: string; readonly members: number; readonly make: Make }[] = [
  {
    name: 'vsftpd',
    members: 1,
    make: ({ members, clientPrefix }, folder) => vsftpd(folder, members[0], clientPrefix),
  },
  ...networkCounts.map((count) => ({
    name: `cloudroid-${count}`,
    members: count,
    make: ({ members, clientPrefix }: House, folder: string, main: string) =>
      cloudroid({ main, places: members, folder, clientPrefix }),
  })),
  { name: 'glusterfs-3', members: 3, make: glusterfs },
  { name: 'moosefs-3', members: 3, make: moosefs },
];

/** The case as something that `Book` can measure. */
function asWorkload(oneCase: NetworkCase, { options }: BenchContext): Workload {
  const { what } = oneCase;
  const { smallFiles, smallBytes } = options.sizes;
  return {
    ...oneCase,
    async prepare(contestant, run) {
      const folder = `${contestant.root}${oneCase.name}-${run}`;
      await runClient({ do: 'make folder', target: contestant.target, folder }, contestant.clientPrefix);
    },
    async run(contestant, run) {
      const folder = `${oneCase.name}-${run}`;
      const small = what === 'small';
      const count = small ? smallFiles : 1;
      const bytes = small ? smallFiles * smallBytes : options.networkBytes;
      const { end: watched } = await whenAllHold(contestant, { folder, count, bytes }, LIMIT_MS);
      // It is awaited below; the client may fail first.
      watched.catch(() => undefined);
      const { target, root, clientPrefix } = contestant;
      const client = await runClient(
        small
          ? { do: 'store small', target, folder: `${root}${folder}/`, count, bytes: smallBytes, sessions: 1 }
          : { do: 'store big', target, path: `${root}${folder}/big`, bytes },
        clientPrefix,
      );
      const held = await watched;
      return held < client.end ? client.seconds : Number(held - client.begin) / 1e9;
    },
  };
}

export async function runNetwork(context: BenchContext): Promise<void> {
  const { options, folder, cleanup, book, skip } = context;
  const cases = networkCases(options).filter(({ name }) => isWanted(options.only, name));
  if (cases.length === 0) return;
  const impossible = whyNoNamespaces();
  if (impossible !== null) {
    skip(`network cases: ${impossible}`);
    return;
  }
  for (const megabits of new Set(cases.map((oneCase) => oneCase.megabits))) {
    const here = cases.filter((oneCase) => oneCase.megabits === megabits);
    for (const { name, members, make } of makers) {
      if (!isWanted(options.contestants, name)) continue;
      if (context.tooLate(`${name} at ${megabits} Mbit/s`)) continue;
      const own = join(folder, `net${megabits}-${name}`);
      mkdirSync(own, { recursive: true });
      let house: House;
      try {
        house = openHouse(members, megabits, options.clientMegabits ?? megabits);
      } catch (error) {
        if (!(error instanceof Skipped)) throw error;
        skip(`network cases: ${error.message}`);
        return;
      }
      const closeHouse = cleanup.add('namespaces', house.close);
      const running = await started(context, name, () => make(house, own, options.main));
      if (running !== null) {
        try {
          await play(here, running.contestant);
        } finally {
          await running.end();
        }
      }
      await closeHouse();
      rmSync(own, { recursive: true, force: true });
    }
  }

  /** All cases of a house, run by run; the houses cannot be there at once, they would share the processors. */
  async function play(here: readonly NetworkCase[], contestant: Contestant): Promise<void> {
    for (let run = 0; run < options.runs; run += 1) {
      for (const oneCase of here) {
        if (context.tooLate(`${oneCase.title}, ${contestant.name}, run ${run + 1}`)) continue;
        const workload = asWorkload(oneCase, context);
        try {
          const value = await book.measure(workload, contestant, run);
          console.error(
            `run ${run + 1}/${options.runs}  ${oneCase.title}, ${contestant.name}: ${shown(value)} s`,
          );
        } catch (error) {
          context.failed(`${oneCase.title}, ${contestant.name}`, error);
        }
      }
    }
  }
}
