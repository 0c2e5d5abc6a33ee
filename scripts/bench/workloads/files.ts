/** One big file, and many small ones. */
import { FtpSession } from '../client/session.ts';
import { type Contestant, ftpOf } from '../contestants/contestant.ts';
import { clientOf, type Sizes, type Workload } from './workload.ts';

/** A session of the benchmark itself, for what is not measured. */
export async function withSession(
  contestant: Contestant,
  use: (session: FtpSession) => Promise<void>,
): Promise<void> {
  const { host, port, login } = ftpOf(contestant);
  const session = await FtpSession.open(host, port, login);
  await use(session);
  await session.close();
}

async function isThere(contestant: Contestant, path: string): Promise<boolean> {
  let there = false;
  await withSession(contestant, async (session) => {
    there = (await session.ask(`SIZE ${path}`, 213, 550)).startsWith('213');
  });
  return there;
}

export function fileWorkloads(sizes: Sizes): Workload[] {
  const { bigBytes, smallFiles, smallBytes } = sizes;
  const mebibytes = bigBytes / 2 ** 20;
  const size = mebibytes % 1024 === 0 ? `${mebibytes / 1024} GiB` : `${mebibytes} MiB`;

  const storeBig = async (contestant: Contestant, path: string): Promise<number> =>
    (await clientOf(contestant, { do: 'store big', path, bytes: bigBytes })).seconds;
  const common = { unit: 'MB/s', better: 'higher', gibibytes: bigBytes / 2 ** 30 } as const;
  const up: Workload = {
    ...common,
    name: 'big-up',
    title: `upload ${size}`,
    run: async (contestant, run) =>
      bigBytes / 1e6 / (await storeBig(contestant, `${contestant.root}big-up-${run}`)),
    // Each run writes a new file; the old one must not fill the disk.
    after: async (contestant, run) => {
      await withSession(contestant, async (session) => {
        await session.ask(`DELE ${contestant.root}big-up-${run}`, 250);
      });
    },
  };
  const down: Workload = {
    ...common,
    name: 'big-down',
    title: `download ${size}`,
    async prepare(contestant) {
      const path = `${contestant.root}big-down`;
      if (!(await isThere(contestant, path))) await storeBig(contestant, path);
    },
    async run(contestant) {
      const path = `${contestant.root}big-down`;
      const { seconds } = await clientOf(contestant, { do: 'retrieve big', path, bytes: bigBytes });
      return bigBytes / 1e6 / seconds;
    },
  };

  const small = (direction: 'up' | 'down', sessions: number): Workload => {
    // Uploads go to a folder of their own each time: new files, not others in their place.
    const folderOf = (contestant: Contestant, run: number) =>
      `${contestant.root}small-${direction}-${sessions}-${direction === 'up' ? run : 0}/`;
    const job = { count: smallFiles, bytes: smallBytes, sessions };
    const many = sessions === 1 ? '1 session' : `${sessions} sessions`;
    return {
      name: `small${sessions === 1 ? '' : sessions}-${direction}`,
      title: `${direction}load ${smallFiles} x ${smallBytes / 1024} KiB, ${many}`,
      unit: 'files/s',
      better: 'higher',
      async prepare(contestant, run) {
        const folder = folderOf(contestant, run);
        if (direction === 'down' && run > 0) return;
        await withSession(contestant, async (session) => {
          await session.ask(`MKD ${folder.slice(0, -1)}`, 257);
        });
        if (direction === 'down')
          await clientOf(contestant, { do: 'store small', folder, ...job, sessions: 8 });
      },
      async run(contestant, run) {
        const verb = direction === 'up' ? 'store small' : 'retrieve small';
        const { seconds } = await clientOf(contestant, {
          do: verb,
          folder: folderOf(contestant, run),
          ...job,
        });
        return smallFiles / seconds;
      },
    };
  };
  return [up, down, small('up', 1), small('down', 1), small('up', 8), small('down', 8)];
}
