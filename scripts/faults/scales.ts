/** How much load, and how long what takes time. */
import type { Scale } from './fault.ts';

/** The slice of .ci/run; and what a person or a night asks for. */
export const scales = {
  // Longer than members wait for one that is in step (5 s), so that a cut is felt.
  slice: { seconds: 1, longSeconds: 7, free: 60, clientsPerMember: 1 },
  normal: { seconds: 4, longSeconds: 12, free: 500, clientsPerMember: 2 },
  long: { seconds: 10, longSeconds: 30, free: 500, clientsPerMember: 3 },
} as const satisfies { readonly [name: string]: Scale };
