/**
 * Bugs planted on purpose, to prove that the tests notice them (scripts/planted-bugs). What is here is all that a product
 * ever contains: a constant, which the engine inlines. Only a process that was started with test/planted/switch-on.ts
 * loads another file instead, and only instead of this very .ts file: the compiled product cannot switch one on.
 */
export type PlantedBug =
  | 'no fsync of the directory'
  | 'reply before fsync'
  | 'early tombstone collection'
  | 'last clock wins'
  | 'no kept'
  | 'delete beats write'
  | 'cursor not persisted'
  | 'rename missing'
  | 'rot published'
  | 'conflict name not unique'
  | 'knowledge joined after one push'
  | 'stale disk marker accepted';

export function isPlanted(_bug: PlantedBug): boolean {
  return false;
}
