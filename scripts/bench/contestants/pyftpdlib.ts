/** pyftpdlib as Debian ships it (python3-pyftpdlib): one process, anonymous uploads allowed. It writes without fsync. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessGroup } from '../measure/process-group.ts';
import { type Contestant, freePort, greets, Skipped, until } from './contestant.ts';

/** Debian's Python, where Debian's packages are; another one may come first on the path. */
const python = '/usr/bin/python3';

export async function pyftpdlib(folder: string): Promise<Contestant> {
  if (spawnSync(python, ['-c', 'import pyftpdlib']).status !== 0)
    throw new Skipped('pyftpdlib is not installed (apt install python3-pyftpdlib)');
  const files = join(folder, 'up');
  mkdirSync(files, { recursive: true });
  const server = { host: '127.0.0.1', port: await freePort('127.0.0.1'), login: 'anonymous:bench' };
  const group = new ProcessGroup('pyftpdlib');
  const args = [
    '-W',
    'ignore',
    '-m',
    'pyftpdlib',
    '-i',
    server.host,
    '-p',
    String(server.port),
    '-w',
    '-d',
    folder,
  ];
  return {
    name: 'pyftpdlib',
    target: { ftp: server },
    root: '/up/',
    clientPrefix: [],
    parts: [group],
    copies: [files],
    copiesAre: 'files',
    async start() {
      group.spawn([python, ...args]);
      await until('pyftpdlib greets', 30_000, () => greets(server), 2);
    },
    stop: () => group.stop(),
  };
}
