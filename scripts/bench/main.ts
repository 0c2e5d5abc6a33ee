/**
 * `npm run bench [-- --big-mib N --files N --runs N]`: the first speed lines; `-- --hash-tree`: hash-tree.ts. Every contestant serves the same
 * uploads and downloads on this machine, in turns within one run, so that ratios hold though the machine's speed drifts.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Contestant, startCloudroid, startVsftpd } from './contestants.ts';
import { benchHashTree } from './hash-tree.ts';
import { cpuSeconds, peakMegabytes } from './process-figures.ts';
import { prepareWorkloads, type Workload } from './workloads.ts';

interface Run {
  readonly workload: string;
  readonly contestant: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

const { values } = parseArgs({
  options: {
    'big-mib': { type: 'string', default: '1024' },
    files: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
    'hash-tree': { type: 'boolean', default: false },
    records: { type: 'string', default: '1000000' },
  },
});
const sizes = {
  bigBytes: Number(values['big-mib']) << 20,
  smallFiles: Number(values.files),
  smallBytes: 4096,
};
const runs = Number(values.runs);

if (values['hash-tree']) {
  await benchHashTree(Number(values.records));
  process.exit(0);
}

if (spawnSync('curl', ['--version']).status !== 0) {
  console.error('The benchmark drives every server with curl, which is not installed: apt install curl');
  process.exit(1);
}

const base = join(import.meta.dirname, '..', '..', '.bench');
mkdirSync(base, { recursive: true });
const folder = mkdtempSync(join(base, 'run-'));
const contestants: Contestant[] = [];
const results: Run[] = [];

async function measure(workload: Workload, contestant: Contestant): Promise<void> {
  const cpuBefore = cpuSeconds(contestant.pids());
  const start = process.hrtime.bigint();
  await workload.run(contestant);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  results.push({
    workload: workload.name,
    contestant: contestant.name,
    seconds,
    cpuSeconds: cpuSeconds(contestant.pids()) - cpuBefore,
    peakMegabytes: peakMegabytes(contestant.pids()),
  });
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

function report(workloads: readonly Workload[]): void {
  const anchor = contestants.find((contestant) => contestant.name === 'vsftpd');
  console.log(
    `\n${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, medians of ${runs} (min - max)`,
  );
  console.log(
    'CPU counts all processes of all members on this machine; peak is the largest single process.\n',
  );
  for (const workload of workloads) {
    const rate = (name: string) =>
      results
        .filter((run) => run.workload === workload.name && run.contestant === name)
        .map((run) => workload.amount / run.seconds);
    for (const contestant of contestants) {
      const rates = rate(contestant.name);
      const mine = results.filter(
        (run) => run.workload === workload.name && run.contestant === contestant.name,
      );
      const against =
        anchor === undefined ? '' : `  ${(median(rates) / median(rate(anchor.name))).toFixed(2)} x vsftpd`;
      // vsftpd's sessions are processes that have ended before they can be read.
      const cost =
        contestant === anchor
          ? ''
          : ` CPU ${median(mine.map((run) => run.cpuSeconds)).toFixed(2)} s` +
            `  peak ${Math.max(...mine.map((run) => run.peakMegabytes)).toFixed(0)} MB`;
      console.log(
        `${workload.name.padEnd(24)} ${contestant.name.padEnd(22)} ${median(rates).toFixed(0).padStart(6)} ${workload.unit.padEnd(8)}` +
          ` (${Math.min(...rates).toFixed(0)} - ${Math.max(...rates).toFixed(0)})`.padEnd(18) +
          `${cost}${against}`,
      );
    }
  }
}

try {
  const vsftpd = await startVsftpd(join(folder, 'vsftpd')).catch((error: unknown) => {
    console.log(`skipped: vsftpd did not start (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  });
  if (vsftpd === null) console.log('skipped: vsftpd (needs root and the Debian package vsftpd)');
  if (vsftpd) contestants.push(vsftpd);
  contestants.push(await startCloudroid(1, join(folder, 'one')));
  contestants.push(await startCloudroid(3, join(folder, 'three')));
  const workloads = prepareWorkloads(join(folder, 'client'), sizes);
  for (let round = 0; round < runs; round++) {
    for (const workload of workloads) {
      for (const contestant of contestants) await measure(workload, contestant);
    }
    console.log(`round ${round + 1} of ${runs} done`);
  }
  report(workloads);
  const file = join(base, `results-${new Date().toISOString().replaceAll(':', '')}.json`);
  writeFileSync(file, `${JSON.stringify({ sizes, runs, results }, null, 1)}\n`);
  console.log(`\nEvery run: ${file}`);
} finally {
  await Promise.all(contestants.map((contestant) => contestant.stop()));
  rmSync(folder, { recursive: true, force: true });
}
