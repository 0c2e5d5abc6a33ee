/** A change that waits for the one writer (group-commit.ts). */
import type { Group } from './group.ts';

export interface Job<T> {
  /** The client's path, for messages. */
  readonly path: string | undefined;
  /** Inside the transaction. May throw Refusal: then nothing of this job happens. May be called again after a rollback. */
  execute(group: Group): Promise<T>;
}

export interface Queued {
  readonly path: string | undefined;
  /** Runs the job; the function returned answers whoever waits, once all is durable. */
  readonly start: (group: Group) => Promise<() => void>;
  readonly reject: (error: unknown) => void;
  /** Whoever waits has been told that it failed. */
  readonly isRejected: () => boolean;
}

export function queuedJob<T>(
  job: Job<T>,
  resolve: (result: T) => void,
  reject: (error: unknown) => void,
): Queued {
  let rejected = false;
  return {
    path: job.path,
    start: async (group) => {
      const result = await job.execute(group);
      return () => resolve(result);
    },
    reject: (error) => {
      rejected = true;
      reject(error);
    },
    isRejected: () => rejected,
  };
}
