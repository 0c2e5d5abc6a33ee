/** What a SITE verb is given and who asks. */
import { Refusal } from '../../replication/operation.ts';
import type { Logger } from '../../system/logger-api.ts';
import type { Store } from '../store-api.ts';
import type { ChainBoard } from './chain-board.ts';
import type { MemberSightings } from './member-sightings.ts';
import type { Fields } from './request-fields.ts';
import type { SweepBoard } from './sweep-board.ts';

export interface SiteServices {
  readonly store: Store;
  readonly boot: string;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly board: SweepBoard;
  readonly sightings: MemberSightings;
  readonly chains: ChainBoard;
  readonly logger: Logger;
}

/** Who asks: one control connection. */
export interface SitePeer {
  /** Name in the certificate. */
  readonly member: string;
  readonly address: string;
  readonly sameMachine: boolean;
  /** A process of this very member on this very machine: it may use paths of the disk. */
  readonly own: boolean;
  /** Aborted when the connection ends or the server stops. */
  readonly ended: AbortSignal;
}

export type Handler = (request: Fields, services: SiteServices, peer: SitePeer) => unknown;

/** @throws Refusal */
export function requireOwn({ own }: SitePeer): void {
  if (!own) throw new Refusal('invalid', "only for a member's own processes");
}
