/**
 * The storage server's part in chains: uploads that a member sends here, and that go on from here to the next one
 * (peers/chain-sender.ts). What is known of them is in memory only: after a restart the members behind are fed by others.
 */
import { parsePeer } from '../../config/peers-file.ts';
import { openReplica } from '../../peers/ftp-replica.ts';
import { type ArrivedReply, BYPASSED, type ChainRequest } from '../../peers/protocol-chain.ts';
import type { MemberStatus } from '../../peers/protocol-reports.ts';
import type { ReplicaClient } from '../../peers/replica-client-api.ts';
import type { TlsCredentials } from '../../peers/trust.ts';
import { Refusal } from '../../replication/operation.ts';
import type { Logger } from '../../system/logger-api.ts';
import type { Store } from '../store-api.ts';
import { ChainLink } from './chain-link.ts';

interface Neighbour {
  readonly address: string;
  readonly client: ReplicaClient;
  readonly isReachable: boolean;
}

/** Uploads remembered, those that are over too. */
const REMEMBERED = 1_000;

export interface ChainBoardOptions {
  readonly member: string;
  readonly store: Store;
  readonly credentials: TlsCredentials;
  readonly logger: Logger;
}

export class ChainBoard {
  readonly #options: ChainBoardOptions;
  readonly #links = new Map<string, ChainLink>();
  /** By id: an upload that its gateway gave up stays so, however late somebody wants to pass it on. */
  readonly #dropped = new Set<string>();
  #neighbours = new Map<string, Neighbour>();

  constructor(options: ChainBoardOptions) {
    this.#options = options;
  }

  /** As this member's own gateway sees the lines of its PEERS.txt. */
  learn(members: readonly MemberStatus[]): void {
    const { member: own, credentials } = this.#options;
    const before = this.#neighbours;
    this.#neighbours = new Map();
    // A gateway that has just begun knows addresses, and not yet who is there: what is passed on meanwhile goes on.
    const met = new Map([...before].map(([member, { address }]) => [address, member]));
    for (const { member: told, address, state } of members) {
      const member = told ?? met.get(address);
      if (member === undefined || member === own) continue;
      const known = before.get(member);
      const isReachable = state === 'in step' || state === 'lagging';
      const endpoint = parsePeer(address);
      if (known?.address === address) this.#neighbours.set(member, { ...known, isReachable });
      else if (endpoint !== null && isReachable) {
        const client = openReplica({ endpoint, credentials, expectMember: member });
        this.#neighbours.set(member, { address, client, isReachable });
      }
    }
    for (const [member, { client }] of before) {
      if (this.#neighbours.get(member)?.client !== client) client.close();
    }
  }

  get passesTo(): readonly string[] {
    const { members } = this.#options.store;
    return [...this.#neighbours]
      .filter(([member, { isReachable }]) => isReachable && !members.isRetired(member))
      .map(([member]) => member);
  }

  /**
   * Before the file is staged: from now on `feeder` sends it, whoever did so before. Resolves when nobody writes to it any
   * more. @throws Refusal
   */
  async stage(id: string, { origin, hop, next, size }: ChainRequest, feeder: string): Promise<void> {
    const { member, logger } = this.#options;
    if (this.#dropped.has(id)) throw new Refusal('invalid', 'this upload was given up');
    if (origin === member) throw new Refusal('invalid', 'a chain that comes back to where it begins');
    const before = this.#links.get(id);
    if (before !== undefined && before.origin !== origin) throw new Refusal('invalid', 'not the same upload');
    if (before?.hasAll(size)) throw new Refusal(BYPASSED, 'all of it is here');
    if (before !== undefined && before.feeder !== feeder && before.hop <= hop) {
      throw new Refusal(BYPASSED, `${before.feeder} sends this upload by now`);
    }
    const wanted = [...new Set(next)].filter((each) => each !== member && each !== origin && each !== feeder);
    const link = new ChainLink({
      ...{ id, origin, feeder, hop, next: wanted, logger },
      open: (name) => (this.passesTo.includes(name) ? (this.#neighbours.get(name)?.client ?? null) : null),
      file: () => this.#options.store.openStaging(id),
    });
    this.#links.delete(id);
    this.#links.set(id, link);
    await before?.takeOver(link);
    this.#forgetOldest();
  }

  /**
   * For bytes that come into staging from `feeder`; null when they are of no chain. The link is accepted (chain-link.ts).
   * @throws Refusal
   */
  receiving(id: string, feeder: string): ChainLink | null {
    const link = this.#links.get(id);
    if (link === undefined) return null;
    if (this.#dropped.has(id)) throw new Refusal('invalid', 'this upload was given up');
    if (link.feeder !== feeder) throw new Refusal(BYPASSED, `${link.feeder} sends this upload by now`);
    if (link.isOver) throw new Refusal('busy', 'this upload is over');
    link.accept();
    return link;
  }

  async arrived(id: string, waitMs: number): Promise<ArrivedReply> {
    const link = this.#links.get(id);
    if (link === undefined) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, 50)));
      return this.#links.get(id)?.state ?? { size: 0, receiving: false };
    }
    return await link.arrived(waitMs);
  }

  /** Somebody wants the file to be gone: from here nobody gets more of it than what was all here already. */
  dropped(id: string): void {
    this.#dropped.add(id);
    this.#links.get(id)?.dropped();
    if (this.#dropped.size <= REMEMBERED) return;
    const [oldest] = this.#dropped;
    if (oldest !== undefined) this.#dropped.delete(oldest);
  }

  #forgetOldest(): void {
    if (this.#links.size <= REMEMBERED) return;
    for (const [id, link] of this.#links) {
      if (link.isBusy) continue;
      this.#links.delete(id);
      return;
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.stop('this member is stopping');
    for (const { client } of this.#neighbours.values()) client.close();
    this.#neighbours = new Map();
  }
}
