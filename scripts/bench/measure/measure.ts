/** Runs one workload on one contestant once and keeps what it cost. */
import { spawnSync } from 'node:child_process';
import type { Contestant } from '../contestants/contestant.ts';
import type { Measurement } from '../result.ts';
import type { Workload } from '../workloads/workload.ts';
import { forgetPeaks, peaksByName } from './process-figures.ts';

interface Growing extends Measurement {
  readonly values: number[];
  readonly cpuSeconds: number[];
  readonly cpuByPart: { [part: string]: number[] };
  readonly peakMegabytes: { [process: string]: number };
}

export class Book {
  readonly #kept = new Map<string, Growing>();

  get measurements(): readonly Measurement[] {
    return [...this.#kept.values()].filter(({ values }) => values.length > 0);
  }

  async measure(workload: Workload, contestant: Contestant, run: number): Promise<number> {
    await workload.prepare?.(contestant, run);
    // What the one before wrote must not be flushed at the expense of this one.
    spawnSync('sync', ['-f', import.meta.dirname], { timeout: 60_000 });
    const { parts } = contestant;
    forgetPeaks(parts.flatMap((part) => part.pids()));
    const before = parts.map((part) => part.cpuSeconds());
    const value = await workload.run(contestant, run);
    const spent = parts.map((part, index) => part.cpuSeconds() - (before[index] ?? 0));
    const peaks = peaksByName(parts.flatMap((part) => part.pids()));
    const kept = this.#of(workload, contestant);
    kept.values.push(value);
    kept.cpuSeconds.push(spent.reduce((a, b) => a + b, 0));
    for (const [index, part] of parts.entries()) {
      const list = kept.cpuByPart[part.name] ?? [];
      kept.cpuByPart[part.name] = list;
      list.push(spent[index] ?? 0);
    }
    for (const [name, peak] of Object.entries(peaks))
      kept.peakMegabytes[name] = Math.max(kept.peakMegabytes[name] ?? 0, peak);
    await workload.after?.(contestant, run);
    return value;
  }

  #of(workload: Workload, contestant: Contestant): Growing {
    const key = `${workload.name} ${contestant.name}`;
    const kept: Growing = this.#kept.get(key) ?? {
      workload: workload.name,
      title: workload.title,
      contestant: contestant.name,
      unit: workload.unit,
      better: workload.better,
      values: [],
      cpuSeconds: [],
      cpuByPart: {},
      gibibytes: workload.gibibytes ?? 0,
      peakMegabytes: {},
    };
    this.#kept.set(key, kept);
    return kept;
  }
}
