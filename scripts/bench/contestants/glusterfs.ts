/** GlusterFS as Debian ships it, replica 3: a glusterd on each of three machines, each with its own /var/lib/glusterd. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessGroup } from '../measure/process-group.ts';
import type { House } from '../network/namespaces.ts';
import { type Contestant, until } from './contestant.ts';
import { inside, isMounted, needFuse, runOrThrow, withOwnMounts } from './mounted.ts';

const LIMIT_MS = 60_000;
const VOLUME = 'bench';
const OWN_FOLDERS = ['/var/lib/glusterd', '/var/log/glusterfs', '/run'] as const;

export async function glusterfs({ members, clientPrefix }: House, folder: string): Promise<Contestant> {
  needFuse('glusterfs-server glusterfs-client', 'glusterd', 'gluster', 'glusterfs');
  const [first] = members;
  if (first === undefined || members.length !== 3) throw new Error('three members');
  const groups = members.map((_, index) => new ProcessGroup(`glusterfs-${index + 1}`));
  const client = new ProcessGroup('glusterfs-client');
  const bricks = members.map((_, index) => join(folder, `brick-${index + 1}`));
  const mount = join(folder, 'mnt');
  const prefix: string[] = [];
  /** Empty folders of its own in the place of the machine's, then the command. */
  const alone = (own: string, outer: readonly string[], command: readonly string[]): string[] => {
    const binds = OWN_FOLDERS.map((path) => {
      const instead = join(own, path);
      mkdirSync(instead, { recursive: true });
      return `mount --bind '${instead}' '${path}'`;
    });
    const script = `${binds.join('\n')}\nmkdir -p /run/gluster /var/lib/glusterd/groups\nexec "$@"`;
    return withOwnMounts(outer, script, ...command);
  };
  return {
    name: 'glusterfs-3',
    target: { folder: mount },
    root: '/',
    clientPrefix: prefix,
    parts: [...groups, client],
    copies: bricks,
    copiesAre: 'files',
    async start() {
      const pids: number[] = [];
      for (const [index, member] of members.entries()) {
        mkdirSync(bricks[index] ?? '', { recursive: true });
        const own = join(folder, `node-${index + 1}`);
        const child = groups[index]?.spawn(alone(own, member.prefix, ['glusterd', '-N']));
        pids.push(child?.pid ?? 0);
        await until('glusterd', LIMIT_MS, () => {
          const run = join(own, 'run');
          return readdirSync(run).includes('glusterd.socket');
        });
      }
      const gluster = (...args: readonly string[]) =>
        runOrThrow([...inside(pids[0] ?? 0), 'gluster', '--mode=script', ...args]);
      for (const { host } of members.slice(1)) gluster('peer', 'probe', host);
      await until('the pool of GlusterFS', LIMIT_MS, () => {
        const text = gluster('peer', 'status');
        return [...text.matchAll(/Peer in Cluster \(Connected\)/g)].length === members.length - 1;
      });
      const places = members.map(({ host }, index) => `${host}:${bricks[index]}`);
      gluster('volume', 'create', VOLUME, 'replica', '3', ...places, 'force');
      gluster('volume', 'start', VOLUME);
      mkdirSync(mount, { recursive: true });
      const mounting = ['glusterfs', '-N', `--volfile-server=${first.host}`, `--volfile-id=${VOLUME}`, mount];
      const child = client.spawn(alone(join(folder, 'client'), clientPrefix, mounting));
      const pid = child.pid ?? 0;
      await until('the mount of GlusterFS', LIMIT_MS, () => isMounted(pid, mount, 'fuse.glusterfs'));
      prefix.push(...inside(pid));
      // The client writes to the bricks it has reached: to all three, or the figure would flatter it.
      await until('all bricks', LIMIT_MS, () => {
        runOrThrow([...prefix, 'sh', '-c', 'echo x > "$1/probe"', 'sh', mount]);
        return bricks.every((brick) => readdirSync(brick).includes('probe'));
      });
    },
    async stop() {
      await client.stop();
      await Promise.all(groups.map((group) => group.stop()));
    },
  };
}
