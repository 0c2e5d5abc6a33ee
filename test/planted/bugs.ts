/** The planted bugs, and the tests of each layer that may notice them: the fast layers first. */
import { pathToFileURL } from 'node:url';
import type { PlantedBug } from '../../src/system/planted-bug.ts';

export const LAYERS = ['unit', 'simulation', 'storage crash', 'network'] as const;
export type Layer = (typeof LAYERS)[number];

export interface Bug {
  readonly name: PlantedBug;
  /** Test files, and how its presence would hurt a user. */
  readonly harm: string;
  readonly tests: { readonly [layer in Layer]?: readonly string[] };
}

const MERGES = ['test/replication/merge.test.ts', 'test/replication/merge-properties.test.ts'];
const SIMULATION = ['test/simulation/simulation.test.ts', 'test/simulation/timed.test.ts'];
const KILLED = ['test/storage/recovery.test.ts'];
const POWER_CUT = ['test/faults/power-cut.test.ts'];
/** The same without root: stricter, but only with the calls that it knows. */
const FORGETFUL = ['test/storage/forgetful-disk.test.ts'];
const SWEEPS = ['test/sweep/catching-up.test.ts', 'test/sweep/random-partitions.test.ts'];

export const BUGS: readonly Bug[] = [
  {
    name: 'no fsync of the directory',
    harm: 'a power cut takes the name of an acknowledged file',
    tests: { 'storage crash': [...FORGETFUL, ...POWER_CUT] },
  },
  {
    name: 'reply before fsync',
    harm: 'a power cut takes the bytes of a file that was acknowledged',
    tests: { 'storage crash': [...FORGETFUL, ...POWER_CUT] },
  },
  {
    name: 'early tombstone collection',
    harm: 'a file that was deleted comes back from a member that was away',
    tests: { unit: ['test/replication/tombstones.test.ts'], simulation: SIMULATION },
  },
  {
    name: 'last clock wins',
    harm: 'one of two concurrent writes is gone, without a copy',
    tests: { unit: MERGES, simulation: SIMULATION, network: SWEEPS },
  },
  {
    name: 'no kept',
    harm: 'the loser of a conflict settled elsewhere gets no copy',
    tests: { unit: MERGES, simulation: SIMULATION },
  },
  {
    name: 'delete beats write',
    harm: 'a file written while somebody deleted its older version loses its name',
    tests: { unit: ['test/replication/plan-commit.test.ts'], simulation: SIMULATION, network: SWEEPS },
  },
  {
    name: 'cursor not persisted',
    harm: 'each sweep reads everything again',
    tests: { unit: ['test/storage/cursor.test.ts'], network: SWEEPS },
  },
  {
    name: 'rename missing',
    harm: 'an acknowledged file never gets its name',
    tests: { unit: ['test/storage/store.test.ts'], 'storage crash': KILLED, network: SWEEPS },
  },
  {
    name: 'rot published',
    harm: 'a scrub takes flipped bits for an edit, and they spread to every member',
    tests: { network: ['test/sweep/damage.test.ts'] },
  },
  {
    name: 'conflict name not unique',
    harm: 'two losers of one moment share a name, and one takes the place of the other',
    tests: { unit: ['test/replication/conflict-name.test.ts'], simulation: SIMULATION },
  },
  {
    name: 'knowledge joined after one push',
    harm: 'a member believes it has what never arrived, and nobody sends it again',
    tests: {
      unit: ['test/replication/plan-merge.test.ts', 'test/storage/merge.test.ts'],
      simulation: SIMULATION,
    },
  },
  {
    name: 'stale disk marker accepted',
    harm: "another store's disk is taken for this one's, and its files for changes",
    tests: { unit: ['test/storage/opening.test.ts'] },
  },
];

/** For NODE_OPTIONS: reaches the processes that tests start, too. Null plants nothing, but all runs through the same switch. */
export function switchOn(bug: PlantedBug | null): string {
  const program = pathToFileURL(`${import.meta.dirname}/switch-on.ts`);
  if (bug !== null) program.searchParams.set('bug', bug);
  return `--import=${program.href.replaceAll('+', '%20')}`;
}
