/** All workloads on loopback, in the order in which they run. */
import { restWorkloads } from './at-rest.ts';
import { fileWorkloads } from './files.ts';
import { listWorkloads } from './listings.ts';
import type { Sizes, Workload } from './workload.ts';

export function allWorkloads(sizes: Sizes): Workload[] {
  return [...fileWorkloads(sizes), ...listWorkloads(sizes), ...restWorkloads(sizes)];
}
