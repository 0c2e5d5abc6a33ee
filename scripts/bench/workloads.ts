/** What is measured, with the same clients for every contestant: curl for the big file, one session for the small ones. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant } from './contestants.ts';
import { FtpSession } from './session.ts';

export interface Workload {
  readonly name: string;
  /** What a run moves, for the rate. */
  readonly amount: number;
  readonly unit: 'MB/s' | 'files/s';
  run(contestant: Contestant): Promise<void>;
}

export interface Sizes {
  readonly bigBytes: number;
  readonly smallFiles: number;
  readonly smallBytes: number;
}

async function curl(args: readonly string[]): Promise<void> {
  const child = spawn('curl', ['--silent', '--show-error', '--fail', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (status !== 0) throw new Error(`curl ended with status ${status}: ${args.slice(0, 6).join(' ')}`);
}

function openSession({ host, port, login }: Contestant): Promise<FtpSession> {
  return FtpSession.open(host, port, login);
}

function url(contestant: Contestant, path: string): string {
  return `ftp://${contestant.host}:${contestant.port}${contestant.root}${path}`;
}

/** Prepares the files once and returns the workloads in the order they are run. */
export function prepareWorkloads(folder: string, sizes: Sizes): Workload[] {
  mkdirSync(folder, { recursive: true });
  const big = join(folder, 'big');
  const chunk = Buffer.alloc(1 << 20);
  for (let index = 0; index < chunk.length; index++) chunk[index] = (index * 2654435761) >>> 24;
  writeFileSync(big, '');
  for (let written = 0; written < sizes.bigBytes; written += chunk.length)
    writeFileSync(big, chunk, { flag: 'a' });

  const names = Array.from({ length: sizes.smallFiles }, (_, index) => `f${String(index).padStart(4, '0')}`);
  const small = Buffer.alloc(sizes.smallBytes, 'small');

  return [
    {
      name: `upload ${sizes.bigBytes >> 20} MiB`,
      amount: sizes.bigBytes / 1e6,
      unit: 'MB/s',
      run: (contestant) => curl(['--user', contestant.login, '-T', big, url(contestant, 'big')]),
    },
    {
      name: `download ${sizes.bigBytes >> 20} MiB`,
      amount: sizes.bigBytes / 1e6,
      unit: 'MB/s',
      run: async (contestant) => {
        const target = join(folder, 'big.down');
        await curl(['--user', contestant.login, '-o', target, url(contestant, 'big')]);
        if (statSync(target).size !== sizes.bigBytes) throw new Error(`${contestant.name} sent a short file`);
        rmSync(target);
      },
    },
    {
      name: `upload ${sizes.smallFiles} x ${sizes.smallBytes >> 10} KiB`,
      amount: sizes.smallFiles,
      unit: 'files/s',
      run: async (contestant) => {
        const session = await openSession(contestant);
        for (const name of names) await session.store(contestant.root + name, small);
        await session.close();
      },
    },
    {
      name: `download ${sizes.smallFiles} x ${sizes.smallBytes >> 10} KiB`,
      amount: sizes.smallFiles,
      unit: 'files/s',
      run: async (contestant) => {
        const session = await openSession(contestant);
        for (const name of names) {
          const bytes = await session.retrieve(contestant.root + name);
          if (bytes !== small.length) throw new Error(`${contestant.name} sent ${bytes} bytes of ${name}`);
        }
        await session.close();
      },
    },
  ];
}
