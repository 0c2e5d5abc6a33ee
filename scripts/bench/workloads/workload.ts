/** What is measured on loopback. */
import type { Job } from '../client/job.ts';
import { type Finished, runClient } from '../client/run-client.ts';
import type { Contestant } from '../contestants/contestant.ts';
import type { Unit } from '../result.ts';

export interface Sizes {
  readonly bigBytes: number;
  readonly smallFiles: number;
  readonly smallBytes: number;
  /** Of the folder that is listed. */
  readonly entries: number;
  /** Of the folder whose listing is watched for its memory. */
  readonly manyEntries: number;
  /** Repetitions of login and of NOOP in one run, sessions that are held open, seconds of idleness. */
  readonly logins: number;
  readonly noops: number;
  readonly idleSessions: number;
  readonly idleSeconds: number;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly better: 'higher' | 'lower';
  /** GiB a run moves, when CPU is worth telling per GiB. */
  readonly gibibytes?: number;
  /** How many of the runs asked for are enough: 1 where the figure hardly moves and a run is long. */
  readonly onlyRuns?: number;
  /** Of these contestants only; default: all. */
  readonly only?: readonly string[];
  /** Before the clock of each run starts; `run` counts from 0. */
  prepare?(contestant: Contestant, run: number): Promise<void>;
  /** One run; gives back its value in `unit`. */
  run(contestant: Contestant, run: number): Promise<number>;
  /** After each run, when the figures have been taken. */
  after?(contestant: Contestant, run: number): Promise<void>;
}

export type JobWithoutTarget = Job extends infer Each
  ? Each extends Job
    ? Omit<Each, 'target'>
    : never
  : never;

export async function clientOf(contestant: Contestant, job: JobWithoutTarget): Promise<Finished> {
  return await runClient({ ...job, target: contestant.target } as Job, contestant.clientPrefix);
}
