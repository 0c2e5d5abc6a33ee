/** Which network cases there are. */
import type { Options } from '../options.ts';
import type { Workload } from '../workloads/workload.ts';

export interface NetworkCase extends Pick<Workload, 'name' | 'title' | 'unit' | 'better' | 'gibibytes'> {
  readonly megabits: number;
  readonly what: 'big' | 'small';
}

const speeds = [
  { megabits: 100, name: 'net100', said: '100 Mbit/s' },
  { megabits: 1000, name: 'net1000', said: '1 Gbit/s' },
] as const;

export function networkCases({
  networkBytes,
  sizes,
}: Pick<Options, 'networkBytes' | 'sizes'>): NetworkCase[] {
  return speeds.flatMap(({ megabits, name, said }): NetworkCase[] => [
    {
      name: `${name}-big`,
      title: `${networkBytes / 2 ** 20} MiB until all hold it, ${said}`,
      unit: 's',
      better: 'lower',
      megabits,
      what: 'big',
      gibibytes: networkBytes / 2 ** 30,
    },
    {
      name: `${name}-small`,
      title: `${sizes.smallFiles} x ${sizes.smallBytes / 1024} KiB until all hold them, ${said}`,
      unit: 's',
      better: 'lower',
      megabits,
      what: 'small',
    },
  ]);
}

/** Members of Cloudroid in the network. */
export const networkCounts = [1, 3, 9] as const;
