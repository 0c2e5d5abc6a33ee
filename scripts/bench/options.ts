/** The command line of the benchmark. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sizes } from './workloads/workload.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Options {
  readonly runs: number;
  readonly sizes: Sizes;
  readonly networkBytes: number;
  /** Pace of the client's cable in the network cases; null: that of the members. */
  readonly clientMegabits: number | null;
  /** Names of workloads or network cases; null: all. */
  readonly only: readonly string[] | null;
  readonly contestants: readonly string[] | null;
  readonly against: string | null;
  readonly writeDocs: string | null;
  /** Whatever has not begun by then is skipped aloud. */
  readonly minutes: number;
  readonly list: boolean;
  /** Our program; folder for results. */
  readonly main: string;
  readonly output: string;
  readonly hashTreeRecords: number | null;
}

export const usage = `npm run bench -- [OPTION...]
  --only NAME,...         only these workloads (names: --list)
  --contestants NAME,...  only these contestants
  --runs N                runs of each (3; 1 with --quick)
  --minutes N             begin nothing more after that (30)
  --quick                 small sizes, one run: to see that it works
  --big-mib N             size of the big file (1024)
  --files N               how many small files (1000)
  --network-mib N         size of the file in the network cases (64)
  --client-mbit N         pace of the client's own cable there (as the members')
  --against OLDER.json    what moved since then
  --output FOLDER         where results go (bench-results)
  --main FILE             the program to measure (dist/main.js)
  --write-docs FILE       no run: docs/performance.md from that result
  --hash-tree             what comparing two catalogs costs (--records N)
  --list                  names of workloads and contestants`;

/** Throws a TypeError that names what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{
        only: text,
        contestants: text,
        runs: text,
        'big-mib': text,
        files: text,
        'network-mib': text,
        'client-mbit': text,
        minutes: text,
      },
      ...{
        against: text,
        'write-docs': text,
        main: text,
        output: text,
        records: text,
        quick: flag,
        list: flag,
        'hash-tree': flag,
      },
    },
  });
  const number = (
    name: 'runs' | 'big-mib' | 'files' | 'network-mib' | 'client-mbit' | 'minutes' | 'records',
    standard: number,
  ): number => {
    const value = Number(values[name] ?? standard);
    if (!Number.isInteger(value) || value < 1)
      throw new TypeError(`--${name}: expected a whole number from 1`);
    return value;
  };
  const quick = values.quick;
  const names = (list: string | undefined) => list?.split(',').map((name) => name.trim()) ?? null;
  return {
    runs: number('runs', quick ? 1 : 3),
    sizes: {
      bigBytes: number('big-mib', quick ? 64 : 1024) * 2 ** 20,
      smallFiles: number('files', quick ? 100 : 1000),
      smallBytes: 4096,
      entries: quick ? 1000 : 10_000,
      manyEntries: quick ? 5000 : 100_000,
      logins: quick ? 20 : 100,
      noops: quick ? 500 : 5000,
      idleSessions: quick ? 50 : 200,
      idleSeconds: quick ? 2 : 10,
    },
    networkBytes: number('network-mib', quick ? 8 : 64) * 2 ** 20,
    clientMegabits: values['client-mbit'] === undefined ? null : number('client-mbit', 0),
    only: names(values.only),
    contestants: names(values.contestants),
    against: values.against ?? null,
    writeDocs: values['write-docs'] ?? null,
    minutes: number('minutes', 30),
    list: values.list,
    main: resolve(values.main ?? join(root, 'dist', 'main.js')),
    output: resolve(values.output ?? join(root, 'bench-results')),
    hashTreeRecords: values['hash-tree'] ? number('records', 1_000_000) : null,
  };
}
