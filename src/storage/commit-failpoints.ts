/** The named places where a test may kill a commit (system/failpoint.ts), in the order they are passed. */
export const COMMIT_FAILPOINTS = [
  'commit:staged',
  'commit:fsynced',
  'commit:linked',
  'commit:in-transaction',
  'commit:after-transaction',
  'commit:half-renamed',
  'commit:renamed',
  'commit:dirs-flushed',
  'commit:before-reply',
] as const;
