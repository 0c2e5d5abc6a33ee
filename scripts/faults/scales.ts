/** How much load, and how long what takes time. */
import type { Scale } from './fault.ts';

/** The slice of .ci/run; and what a person or a night asks for. */
export const scales = {
  slice: { seconds: 1, longSeconds: 3, free: 60, clientsPerMember: 1 },
  normal: { seconds: 4, longSeconds: 12, free: 500, clientsPerMember: 2 },
  long: { seconds: 10, longSeconds: 30, free: 500, clientsPerMember: 3 },
} as const satisfies { readonly [name: string]: Scale };
