/** What a run leaves behind: bench-results/<date>.json is one `BenchResult`. */

export type Unit = 'MB/s' | 'files/s' | 'ms' | 's' | 'MB' | '% of a core';

/** One workload on one contestant, all its runs. */
export interface Measurement {
  readonly workload: string;
  readonly title: string;
  readonly contestant: string;
  readonly unit: Unit;
  readonly better: 'higher' | 'lower';
  readonly values: readonly number[];
  /** User and system seconds of all its processes in each run. */
  readonly cpuSeconds: readonly number[];
  /** The same for each part (member) of it. */
  readonly cpuByPart: { readonly [part: string]: readonly number[] };
  /** GiB a run moves, so that CPU can be told per GiB; 0: nothing worth telling. */
  readonly gibibytes: number;
  /** The most each process ever held in any of the runs (VmHWM), in MB. */
  readonly peakMegabytes: { readonly [process: string]: number };
}

export interface BenchResult {
  readonly date: string;
  readonly machine: string;
  readonly cores: number;
  readonly memoryMegabytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  /** Files differ from the commit. */
  readonly dirty: boolean;
  /** Load of the last minute when it began: others at work make all figures worse. */
  readonly loadBefore: number;
  readonly runs: number;
  readonly bigMebibytes: number;
  readonly smallFiles: number;
  readonly entries: number;
  readonly networkMebibytes: number;
  /** Null: the client's cable was free. */
  readonly clientMegabits: number | null;
  /** That all of it took. */
  readonly seconds: number;
  /** What was not measured, and why. */
  readonly skipped: readonly string[];
  readonly measurements: readonly Measurement[];
}

export function find(result: BenchResult, workload: string, contestant: string): Measurement | undefined {
  return result.measurements.find((one) => one.workload === workload && one.contestant === contestant);
}
