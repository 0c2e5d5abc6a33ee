/** Where and what was measured. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import type { BenchResult } from '../result.ts';

type About = Pick<
  BenchResult,
  'date' | 'machine' | 'cores' | 'memoryMegabytes' | 'kernel' | 'node' | 'commit' | 'dirty' | 'loadBefore'
>;

export function aboutHere(repository: string): About {
  const git = (...args: readonly string[]): string =>
    spawnSync('git', ['-C', repository, ...args], { encoding: 'utf8' }).stdout?.trim() ?? '';
  return {
    date: new Date().toISOString(),
    machine: cpus()[0]?.model.trim() || 'unknown processor',
    cores: availableParallelism(),
    memoryMegabytes: Math.round(totalmem() / 1e6),
    kernel: `Linux ${release()}`,
    node: process.version.slice(1),
    commit: git('rev-parse', '--short=12', 'HEAD') || 'unknown',
    dirty: git('status', '--porcelain') !== '',
    loadBefore: loadavg()[0] ?? 0,
  };
}
