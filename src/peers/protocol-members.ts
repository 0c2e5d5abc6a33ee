/**
 * Who belongs to the network, and what may be forgotten because all of them know it. Said by a member's own processes
 * only: what a peer's HELLO told reaches the store through its own sweep.
 *
 *   SITE MEMBERS MembersRequest   -> MemberLists, as they are then
 *   SITE RETIRE {member}          -> MemberLists; refused for this very member and for one that was never met
 *   SITE COLLECT CollectRequest   -> CollectReply
 *
 * A retired member is answered `530 {"error": "retired", ...}` whatever it asks for.
 */
import type { VersionVector } from '../replication/record.ts';

/** Two sets that only grow; who is in both is retired. */
export interface MemberLists {
  readonly met: readonly string[];
  readonly retired: readonly string[];
}

export interface MembersRequest extends MemberLists {
  /** This store has, by complete exchanges, what the others have: it is no longer joining. */
  readonly joined?: boolean;
}

export interface CollectRequest {
  /** The members, besides this one, that `knowledge` speaks for. */
  readonly members: readonly string[];
  /** What every one of them knows (the least of their K's). */
  readonly knowledge: VersionVector;
}

export interface CollectReply {
  /** Tombstones forgotten by this call. */
  readonly collected: number;
  /** There were some of that age. */
  readonly due: boolean;
  /** Members met and not retired that `knowledge` did not speak for: nothing is collected without them. */
  readonly waitsFor: readonly string[];
}

/** The same as calls; members-client.ts makes them over the link to the own storage server. */
export interface MembersCalls {
  /** Adds what others know of the network. */
  join(request: MembersRequest): Promise<MemberLists>;
  /** For ever. Throws Refusal not-found for an id that was never met, invalid for this very member. */
  retire(member: string): Promise<MemberLists>;
  collect(request: CollectRequest): Promise<CollectReply>;
}
