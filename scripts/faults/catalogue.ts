/** Every fault there is. */
import type { Fault } from './fault.ts';
import { linkFaults } from './kinds/links.ts';
import { powerFaults } from './kinds/power.ts';
import { processFaults } from './kinds/processes.ts';

export const faults: readonly Fault[] = [...linkFaults, ...processFaults, ...powerFaults];
