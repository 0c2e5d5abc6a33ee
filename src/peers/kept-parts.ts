/**
 * The parts of uploads that broke off, as the gateway sees them: on this member's own storage server, or nowhere. Nearly all
 * uploads have none, and none is asked for: this process alone makes them, so it knows for which paths there may be one.
 */
import type { LocalReplica } from './local-replica.ts';
import { type FoundPart, type KeepRequest, type PartOwner, partKey } from './protocol-parts.ts';
import type { PartsOfUploads } from './replica-set-api.ts';

export class KeptParts implements PartsOfUploads {
  readonly #local: LocalReplica;
  /** Of all that there may be; more than there are, never fewer once they were read. */
  readonly #keys = new Set<string>();
  #read = false;

  constructor(local: LocalReplica) {
    this.#local = local;
  }

  async find(owner: PartOwner): Promise<FoundPart | null> {
    if (!(await this.#mayBe(owner))) return null;
    return (await this.#local.attempt((client) => client.parts.find(owner)))?.value ?? null;
  }

  async drop(owner: PartOwner): Promise<boolean> {
    if (!(await this.#mayBe(owner))) return false;
    const answer = await this.#local.attempt((client) => client.parts.drop(owner));
    // Not before it is gone, and not when it is unknown whether it is.
    if (answer !== null) this.#keys.delete(partKey(owner));
    return answer?.value ?? false;
  }

  /** False: the own storage server is down, nothing is kept. */
  async keep(request: KeepRequest): Promise<boolean> {
    this.#keys.add(partKey(request));
    return (await this.#local.attempt((client) => client.parts.keep(request))) !== null;
  }

  async #mayBe(owner: PartOwner): Promise<boolean> {
    if (!this.#read) {
      const answer = await this.#local.attempt((client) => client.parts.keys());
      for (const key of answer?.value ?? []) this.#keys.add(key);
      this.#read = answer !== null;
    }
    return !this.#read || this.#keys.has(partKey(owner));
  }
}
