/**
 * Who belongs to the network: two sets that only grow, ids met and ids retired. Every sweep joins the lists of its peers
 * into its own store, so they become the same everywhere; a retired id stays so, whoever meets it again.
 *
 * Invariant: nobody is served before it is remembered. What may be forgotten depends on what every member knows, so one
 * that took records from here must never be overlooked (docs/replication.md).
 */
import type { CollectReply, CollectRequest, MemberLists, MembersRequest } from '../peers/protocol-members.ts';
import { Refusal } from '../replication/operation.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { GroupCommit } from './group-commit.ts';
import type { StoreMembers, StoreOptions } from './store-api.ts';
import { message } from './store-errors.ts';
import { TombstoneCollector } from './tombstone-collector.ts';

/** config/identity.ts makes them. */
const MEMBER_ID = /^[a-z0-9][a-z0-9-]{0,39}$/;
const MAX_MEMBERS = 10_000;

export interface MembershipParts {
  readonly catalog: Catalog;
  readonly queue: GroupCommit;
  readonly options: StoreOptions;
  /** Refuses, or carries out with the errors of the disk as refusals. */
  readonly writing: <T>(action: () => Promise<T>) => Promise<T>;
  readonly mayWrite: () => boolean;
  /** This very member was retired. */
  readonly onRetired: (reason: string) => void;
}

export function retiredReason(member: string): string {
  return (
    `this member, ${member}, was retired from its network: the others refuse it and know nothing of what it stores. ` +
    'Its files stay where they are. To use the board again stop it, move its data folder away (all but the network key), ' +
    'and start it: it then joins as a new member and fetches everything'
  );
}

export class Membership implements StoreMembers {
  readonly #parts: MembershipParts;
  readonly #collector: TombstoneCollector;
  /** Retired ones too. */
  readonly #met = new Set<string>();
  readonly #retired = new Set<string>();
  readonly #saving = new Map<string, Promise<void>>();

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#collector = new TombstoneCollector(parts, () => this.present);
    this.#met.add(parts.options.member);
    for (const { member, retired } of parts.catalog.ledger.members()) this.#note(member, retired);
  }

  get lists(): MemberLists {
    return { met: [...this.#met].sort(), retired: [...this.#retired].sort() };
  }

  /** Met and not retired. */
  get present(): readonly string[] {
    return this.lists.met.filter((member) => !this.#retired.has(member));
  }

  isRetired(member: string): boolean {
    return this.#retired.has(member);
  }

  async meet(member: string): Promise<void> {
    if (this.#met.has(member) || !MEMBER_ID.test(member)) return await this.#saving.get(member);
    const { catalog, queue, options, mayWrite } = this.#parts;
    // Told to others at once; one that takes no writes forgets it with its next stop.
    this.#met.add(member);
    if (!mayWrite()) return;
    const execute = async () => catalog.ledger.meet(member, options.now());
    const saving = queue
      .run({ path: undefined, execute })
      .catch((error: unknown) => {
        this.#met.delete(member); // so that the next meeting tries again
        options.log('warn', 'a member could not be remembered', { member, error: message(error) });
      })
      .finally(() => this.#saving.delete(member));
    this.#saving.set(member, saving);
    await saving;
  }

  /** Resolves when it is durable. */
  async join(request: MembersRequest): Promise<MemberLists> {
    return await this.#parts.writing(() => this.#join(request));
  }

  async #join({ met, retired, joined = false }: MembersRequest): Promise<MemberLists> {
    const { catalog, queue, options } = this.#parts;
    const known = [...met, ...retired];
    if (!known.every((member) => MEMBER_ID.test(member))) throw new Refusal('invalid', 'not a member id');
    if (this.#met.size + known.length > MAX_MEMBERS) throw new Refusal('invalid', 'too many members');
    const newlyMet = met.filter((member) => !this.#met.has(member));
    const newlyRetired = retired.filter((member) => !this.#retired.has(member));
    const nothingNew = newlyMet.length + newlyRetired.length === 0;
    if (nothingNew && !(joined && catalog.committed.joining !== '')) return this.lists;
    await queue.run({
      path: undefined,
      execute: async () => {
        const now = options.now();
        for (const member of newlyMet) catalog.ledger.meet(member, now);
        for (const member of newlyRetired) catalog.ledger.retire(member, now);
        if (joined) catalog.joined();
      },
    });
    for (const member of newlyMet) this.#note(member, false);
    for (const member of newlyRetired) this.#note(member, true);
    if (newlyMet.length > 0) options.log('info', 'there are members that others have met', { newlyMet });
    if (newlyRetired.length > 0) options.log('warn', 'members are retired for ever', { newlyRetired });
    if (newlyRetired.includes(options.member)) this.#parts.onRetired(retiredReason(options.member));
    return this.lists;
  }

  async retire(member: string): Promise<MemberLists> {
    const { options } = this.#parts;
    if (member === options.member) {
      throw new Refusal('invalid', `${member} is this very member: retire it from another one`);
    }
    if (!this.#met.has(member)) {
      throw new Refusal(
        'not-found',
        `no member ${member} was ever met; known are ${this.present.join(', ')}`,
      );
    }
    return await this.join({ met: [], retired: [member] });
  }

  async collect(request: CollectRequest): Promise<CollectReply> {
    return await this.#parts.writing(() => this.#collector.collect(request));
  }

  #note(member: string, retired: boolean): void {
    this.#met.add(member);
    if (retired) this.#retired.add(member);
  }
}
