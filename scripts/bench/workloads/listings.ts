/** Folders of many entries. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflictPath } from '../../../src/replication/conflict-name.ts';
import { Catalog } from '../../../src/storage/catalog/catalog.ts';
import { FtpSession } from '../client/session.ts';
import { type Contestant, ftpOf } from '../contestants/contestant.ts';
import { forgetPeaks, peaksByName } from '../measure/process-figures.ts';
import { withSession } from './files.ts';
import { fill, record } from './hash-tree.ts';
import { clientOf, type Sizes, type Workload } from './workload.ts';

const SESSIONS = 8;
const SETTLE_MS = 3000;

/** Folders are the cheapest entries to make, and are listed like files. */
async function makeEntries(contestant: Contestant, folder: string, count: number): Promise<void> {
  const { host, port, login } = ftpOf(contestant);
  await withSession(contestant, async (session) => {
    await session.ask(`MKD ${folder}`, 257);
  });
  const names = Array.from(
    { length: count },
    (_, index) => `entry-${String(index).padStart(6, '0')}`,
  ).values();
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const session = await FtpSession.open(host, port, login);
      for (const name of names) await session.ask(`MKD ${folder}/${name}`, 257);
      await session.close();
    }),
  );
}

/** So many that uploading would take minutes: written into the catalog of the member while it is down. */
async function fillCatalog(contestant: Contestant, folder: string, count: number): Promise<void> {
  const [files = ''] = contestant.copies;
  await contestant.stop();
  const catalog = new Catalog(join(files, '..', 'state', 'catalog.sqlite'), conflictPath);
  const actor = 'filled.00000000';
  fill(catalog, actor, count + 1, (n) =>
    record(actor, n, 'directory', n === 1 ? folder : `${folder}/entry-${String(n).padStart(6, '0')}`),
  );
  catalog.close();
  await contestant.start();
}

/** A plain server shows what is on its disk; ours what it was given. */
function putOnDisk(folder: string, count: number): void {
  mkdirSync(folder);
  for (let index = 0; index < count; index += 1)
    writeFileSync(join(folder, `entry-${String(index).padStart(6, '0')}`), '');
}

export function listWorkloads(sizes: Sizes): Workload[] {
  const filled = new Set<string>();
  const fill = async (contestant: Contestant, name: string, count: number): Promise<void> => {
    const key = `${contestant.name} ${name}`;
    if (filled.has(key)) return;
    filled.add(key);
    const [copy = ''] = contestant.copies;
    if (contestant.name.startsWith('cloudroid'))
      await (name === 'many' ? fillCatalog : makeEntries)(contestant, contestant.root + name, count);
    else if (!existsSync(join(copy, name))) putOnDisk(join(copy, name), count);
  };
  const listing = (command: 'LIST' | 'MLSD'): Workload => ({
    name: command.toLowerCase(),
    title: `${command} of ${sizes.entries}`,
    unit: 'ms',
    better: 'lower',
    // vsftpd has no MLSD.
    only: command === 'MLSD' ? ['pyftpdlib', 'cloudroid-1'] : ['vsftpd', 'pyftpdlib', 'cloudroid-1'],
    prepare: async (contestant) => await fill(contestant, 'listed', sizes.entries),
    run: async (contestant) => {
      const asked = {
        do: 'list',
        command: `${command} ${contestant.root}listed`,
        atLeast: sizes.entries * 20,
      } as const;
      return (await clientOf(contestant, asked)).seconds * 1000;
    },
  });
  const memory: Workload = {
    name: 'list-memory',
    title: `memory that LIST of ${sizes.manyEntries} takes on top`,
    unit: 'MB',
    better: 'lower',
    onlyRuns: 1,
    only: ['cloudroid-1'],
    prepare: async (contestant) => await fill(contestant, 'many', sizes.manyEntries),
    run: async (contestant) => {
      // The member has just started again; its own beginnings are not the listing's.
      await sleep(SETTLE_MS);
      const held = () =>
        Object.values(peaksByName(contestant.parts.flatMap((part) => part.pids()))).reduce(
          (a, b) => a + b,
          0,
        );
      forgetPeaks(contestant.parts.flatMap((part) => part.pids()));
      const before = held();
      await clientOf(contestant, {
        do: 'list',
        command: `LIST ${contestant.root}many`,
        atLeast: sizes.manyEntries * 20,
      });
      return held() - before;
    },
  };
  return [listing('LIST'), listing('MLSD'), memory];
}
