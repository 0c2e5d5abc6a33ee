/** What each part of a benchmark run is given. */
import type { Cleanup } from './cleanup.ts';
import type { Book } from './measure/measure.ts';
import type { Options } from './options.ts';

export interface BenchContext {
  readonly options: Options;
  /** For everything that lies on disk; removed at the end. */
  readonly folder: string;
  readonly cleanup: Cleanup;
  readonly book: Book;
  /** Says aloud what is not measured, and why. */
  /** True, and said aloud once for each of them, when there is no time left to begin it. */
  readonly tooLate: (what: string) => boolean;
  readonly skip: (why: string) => void;
  /** One figure could not be taken: told, the others are still taken, and the benchmark ends with 1. Throws when it is being ended. */
  readonly failed: (what: string, error: unknown) => void;
}

/** Nobody was named, or this one was. */
export function isWanted(names: readonly string[] | null, name: string): boolean {
  return names === null || names.includes(name);
}
