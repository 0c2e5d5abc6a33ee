/** MooseFS as Debian ships it, goal 3: its master on the first of three machines, a chunkserver on each. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessGroup } from '../measure/process-group.ts';
import type { House } from '../network/namespaces.ts';
import { type Contestant, Skipped, until } from './contestant.ts';
import { inside, isMounted, needFuse, runOrThrow, withOwnMounts } from './mounted.ts';

const LIMIT_MS = 60_000;
const EMPTY = '/var/lib/mfs/metadata.mfs.empty';

function configuration(file: string, lines: readonly string[]): string {
  const own = ['WORKING_USER = root', 'WORKING_GROUP = root', 'FILE_UMASK = 022'];
  writeFileSync(file, [...own, ...lines, ''].join('\n'));
  return file;
}

export async function moosefs({ members, clientPrefix }: House, folder: string): Promise<Contestant> {
  needFuse(
    'moosefs-master moosefs-chunkserver moosefs-client moosefs-cli',
    'mfsmaster',
    'mfschunkserver',
    'mfsmount',
  );
  const [first] = members;
  if (first === undefined || members.length !== 3) throw new Error('three members');
  const [masterData, mount] = [join(folder, 'master'), join(folder, 'mnt')];
  mkdirSync(masterData, { recursive: true });
  mkdirSync(mount, { recursive: true });
  try {
    copyFileSync(EMPTY, join(masterData, 'metadata.mfs'));
  } catch {
    throw new Skipped(`no ${EMPTY} to begin with`);
  }
  const exports = join(folder, 'mfsexports.cfg');
  writeFileSync(exports, '* / rw,alldirs,admin,maproot=0:0\n');
  const master = configuration(join(folder, 'mfsmaster.cfg'), [
    `DATA_PATH = ${masterData}`,
    `EXPORTS_FILENAME = ${exports}`,
    'REPLICATIONS_DELAY_INIT = 0',
  ]);
  const groups = members.map((_, index) => new ProcessGroup(`moosefs-${index + 1}`));
  const client = new ProcessGroup('mfsmount');
  const disks = members.map((_, index) => join(folder, `disk-${index + 1}`));
  const prefix: string[] = [];
  return {
    name: 'moosefs-3',
    target: { folder: mount },
    root: '/',
    clientPrefix: prefix,
    parts: [...groups, client],
    copies: disks,
    copiesAre: 'chunks',
    async start() {
      groups[0]?.spawn([...first.prefix, 'mfsmaster', '-f', '-c', master, 'start']);
      for (const [index, member] of members.entries()) {
        const data = join(folder, `chunkserver-${index + 1}`);
        mkdirSync(data, { recursive: true });
        mkdirSync(disks[index] ?? '', { recursive: true });
        const list = join(data, 'mfshdd.cfg');
        writeFileSync(list, `${disks[index]}\n`);
        const file = configuration(join(data, 'mfschunkserver.cfg'), [
          `DATA_PATH = ${data}`,
          `HDD_CONF_FILENAME = ${list}`,
          `MASTER_HOST = ${first.host}`,
          'MASTER_RECONNECTION_DELAY = 1',
          'HDD_TEST_SPEED = 0',
        ]);
        groups[index]?.spawn([...member.prefix, 'mfschunkserver', '-f', '-c', file, 'start']);
      }
      // It gives up at once while the master is still starting.
      const script = 'until mfsmount -H "$1" -f "$2" 2>/dev/null; do sleep 0.3; done';
      const child = client.spawn(withOwnMounts(clientPrefix, script, first.host, mount));
      const pid = child.pid ?? 0;
      await until('the mount of MooseFS', LIMIT_MS, () => isMounted(pid, mount, 'fuse'));
      prefix.push(...inside(pid));
      runOrThrow([...prefix, 'mfssetgoal', '3', mount]);
      // Writable with three copies as soon as all chunkservers have registered.
      await until('three chunkservers', LIMIT_MS, () => {
        const text = runOrThrow([...prefix, 'mfscli', '-H', first.host, '-SCS', '-n', '-s', ':']);
        return [...text.matchAll(/^.*:10\.77\.0\.\d+:9422:/gm)].length >= 3;
      });
    },
    async stop() {
      await client.stop();
      await Promise.all(groups.map((group) => group.stop()));
    },
  };
}
