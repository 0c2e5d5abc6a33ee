/** What a process started with switch-on.ts loads in place of src/system/planted-bug.ts. */
import type { PlantedBug } from '../../src/system/planted-bug.ts';

const switchedOn = new URL(import.meta.url).searchParams.get('bug');

export function isPlanted(bug: PlantedBug): boolean {
  return bug === switchedOn;
}
