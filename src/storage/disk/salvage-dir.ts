import { join } from 'node:path';
import { INTERNAL_NAME } from '../path-check.ts';

/** Where a rebuild puts the files of a lost catalog, in a folder of its own each time (rebuild/rebuild.ts). */
export function salvageDirOf({ filesDir }: { readonly filesDir: string }): string {
  return join(filesDir, INTERNAL_NAME, 'salvage');
}
