/** What a round counts while it goes on, and the report made of it. */
import type { SweepReport } from '../peers/protocol-reports.ts';
import type { PullProgress } from './exchange.ts';

export interface RoundProgress extends PullProgress {
  phase: string;
  done: number;
  total: number;
  repaired: number;
  adopted: number;
  missing: number;
  scrubbedBytes: number;
  differences: number;
  readonly failures: string[];
  readonly notices: string[];
}

export function emptyProgress(): RoundProgress {
  return {
    files: 0,
    bytes: 0,
    applied: 0,
    conflicts: 0,
    phase: '',
    done: 0,
    total: 0,
    repaired: 0,
    adopted: 0,
    missing: 0,
    scrubbedBytes: 0,
    differences: 0,
    failures: [],
    notices: [],
  };
}

export function reportOf(
  progress: RoundProgress,
  when: Pick<SweepReport, 'state' | 'startedAt' | 'finishedAt'>,
): SweepReport {
  const { files, bytes, missing: _missing, failures, notices, ...counts } = progress;
  return {
    ...when,
    ...counts,
    pulledFiles: files,
    pulledBytes: bytes,
    failures: [...failures],
    notices: [...notices],
  };
}

/** `total` 0: unknown. */
export function enter(progress: RoundProgress, phase: string, total: number): void {
  Object.assign(progress, { phase, total, done: 0 });
}
