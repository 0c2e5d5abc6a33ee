/** Every fault there is. */
import type { Fault } from './fault.ts';
import { catalogFaults } from './kinds/catalogs.ts';
import { clockFaults } from './kinds/clocks.ts';
import { connectionFaults } from './kinds/connections.ts';
import { damageFaults } from './kinds/damage.ts';
import { linkFaults } from './kinds/links.ts';
import { membershipFaults } from './kinds/membership.ts';
import { outsideFaults } from './kinds/outside.ts';
import { powerFaults } from './kinds/power.ts';
import { processFaults } from './kinds/processes.ts';
import { spaceFaults } from './kinds/space.ts';
import { strangerFaults } from './kinds/strangers.ts';

export const faults: readonly Fault[] = [
  ...linkFaults,
  ...processFaults,
  ...powerFaults,
  ...spaceFaults,
  ...damageFaults,
  ...outsideFaults,
  ...catalogFaults,
  ...clockFaults,
  ...connectionFaults,
  ...strangerFaults,
  ...membershipFaults,
];
