import type { ExchangeEnd } from '../../peers/protocol.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { DiskSpace } from './disk-space.ts';
import type { Staging } from './staging.ts';
import type { Volume } from './volume.ts';

/** What carrying out a commit or merge needs. */
export interface PublishContext {
  readonly catalog: Catalog;
  readonly volume: Volume;
  readonly staging: Staging;
  readonly space: DiskSpace;
  readonly now: () => number;
  readonly warn: (message: string, details: object) => void;
  /** Stops all writing: going on could only make it worse. */
  readonly alarm: (reason: string) => void;
  /** Inside the transaction that ends a complete exchange. */
  readonly exchanged: (exchange: ExchangeEnd) => void;
}
