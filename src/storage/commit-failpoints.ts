/** Passed after the answer (late-flush.ts). */
export const LATE_FAILPOINT = 'commit:dirs-flushed';

/** The named places where a test may kill a commit (system/failpoint.ts), in the order they are passed. */
export const COMMIT_FAILPOINTS = [
  'commit:staged',
  'commit:fsynced',
  'commit:linked',
  'commit:in-transaction',
  'commit:after-transaction',
  'commit:half-renamed',
  'commit:renamed',
  'commit:before-reply',
  LATE_FAILPOINT,
] as const;
