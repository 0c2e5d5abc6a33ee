/** Parts of uploads that broke off (peers/protocol-parts.ts), as the store's door shows them. */
import type { StageReply } from '../peers/protocol.ts';
import type { AdoptRequest, FoundPart, KeepRequest, Part, PartOwner } from '../peers/protocol-parts.ts';

export interface StoreParts {
  /** Durable when it resolves. Throws Refusal missing-content, hash-mismatch, busy. */
  keep(request: KeepRequest): Promise<Part>;
  find(owner: PartOwner): FoundPart | null;
  /** Throws Refusal missing-content, busy, no-space. */
  adopt(request: AdoptRequest): Promise<StageReply>;
  /** False: there was none. Durable. */
  drop(owner: PartOwner): Promise<boolean>;
  keys(): readonly string[];
  /** Of all of them; to be had back for files that need the room. */
  readonly bytes: number;
}
