/** What is measured: whole curl processes, the same for every contestant. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant } from './contestants.ts';

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

  const small = join(folder, 'small');
  mkdirSync(small, { recursive: true });
  const names = Array.from({ length: sizes.smallFiles }, (_, index) => `f${String(index).padStart(4, '0')}`);
  for (const name of names) writeFileSync(join(small, name), Buffer.alloc(sizes.smallBytes, name));

  /** One curl with a configuration of all files: one session, its connection used again for each. */
  const list = (contestant: Contestant, direction: 'up' | 'down'): string => {
    const lines = names.map((name) =>
      direction === 'up'
        ? `url = "${url(contestant, `small/${name}`)}"\nupload-file = "${join(small, name)}"\n`
        : `url = "${url(contestant, `small/${name}`)}"\noutput = "${join(folder, 'down', name)}"\n`,
    );
    const file = join(folder, `${direction}.curl`);
    writeFileSync(file, lines.join(''));
    return file;
  };

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
      run: (contestant) =>
        curl(['--user', contestant.login, '--ftp-create-dirs', '-K', list(contestant, 'up')]),
    },
    {
      name: `download ${sizes.smallFiles} x ${sizes.smallBytes >> 10} KiB`,
      amount: sizes.smallFiles,
      unit: 'files/s',
      run: async (contestant) => {
        mkdirSync(join(folder, 'down'), { recursive: true });
        await curl(['--user', contestant.login, '-K', list(contestant, 'down')]);
        rmSync(join(folder, 'down'), { recursive: true });
      },
    },
  ];
}
