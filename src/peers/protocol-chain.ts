/**
 * The chain (docs/ARCHITECTURE.md): an upload's bytes go from member to member, each passing them on while it stores them.
 *
 * `SITE STAGE {id, chain}` before the STOR says who comes next. Only ids of members travel: each looks up the addresses in
 * its own PEERS.txt (as its own gateway reported them), and expects just that member behind the TLS of the network.
 */

/** In `SITE STAGE`. */
export interface ChainRequest {
  /** The member whose gateway takes the upload: nobody sends it anything. */
  readonly origin: string;
  /** The asker's place: 0 is the origin. Of two members that would feed one, the nearer to the origin does. */
  readonly hop: number;
  /** Member ids behind the one that is asked, in order; gets shorter with every member, so it cannot go round. */
  readonly next: readonly string[];
  /** Bytes in all, when the asker has them. */
  readonly size?: number;
}

export const MAX_CHAIN = 64;

/** `SITE ARRIVED {id, waitMs}`: how far an upload of a chain has come here; answers after `waitMs`, sooner when it is all here. */
export interface ArrivedRequest {
  readonly id: string;
  readonly waitMs: number;
}
export interface ArrivedReply {
  readonly size: number;
  /** Somebody sends. */
  readonly receiving: boolean;
  /** Of all bytes, once the sender has said that these are all. */
  readonly sha256?: string;
  /** Ids of members that this one has given up passing it on to. */
  readonly lost?: readonly string[];
}

/** The refusal of a member that need not be fed by the asker: one nearer to the origin does it, or all is there. */
export const BYPASSED = 'changed';
