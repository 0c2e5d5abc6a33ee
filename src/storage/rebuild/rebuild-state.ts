/** How far the rebuild of a lost catalog is, as the new catalog remembers it. */
import type { Catalog } from '../catalog/catalog.ts';

/**
 * move: the users' files go to .cloudroid/salvage. hash: they are listed and hashed. pull: records come from the peers.
 * settle: what no record claims becomes a new write.
 */
export type RebuildPhase = 'move' | 'hash' | 'pull' | 'settle';

export interface RebuildState {
  readonly phase: RebuildPhase;
  /** The store whose files are on the volume; null: nobody knows. */
  readonly from: string | null;
  /** Everything that a peer knew is here. */
  readonly exchanged: boolean;
  /** The operator said that no peer is to be waited for. */
  readonly alone: boolean;
  /** The volume was another member's: its files are taken in, its accounts are not. */
  readonly foreign?: boolean;
}

const NOTE = 'rebuild';

/** Undefined when none is under way. */
export function rebuildState(catalog: Catalog): RebuildState | undefined {
  const noted = catalog.reader.note(NOTE);
  return noted === undefined || noted === '' ? undefined : (JSON.parse(noted) as RebuildState);
}

/** Inside a transaction. Null: it is over. */
export function noteRebuild(catalog: Catalog, state: RebuildState | null): void {
  catalog.ledger.setNote(NOTE, state === null ? '' : JSON.stringify(state));
}
