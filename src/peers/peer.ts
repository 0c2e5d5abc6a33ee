/**
 * One line of PEERS.txt as this proxy sees it: in step (its knowledge covers ours), lagging (reached, lacks something),
 * away, or refused (another key, or a board with our own identity).
 *
 * Invariant: a peer that missed a push is lagging until its knowledge covers what it missed, whatever an answer says
 * that it gave before.
 */
import type { Endpoint } from '../config/settings-api.ts';
import type { PushedRecord } from '../replication/operation.ts';
import type { VersionVector } from '../replication/record.ts';
import { includes, isConflictActor, withDot } from '../replication/version.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import type { Hello } from './protocol.ts';
import type { MemberStatus } from './protocol-reports.ts';
import { MemberRetired, type ReplicaClient, ReplicaUntrusted } from './replica-client-api.ts';

export type PeerState =
  | { readonly kind: 'in step' }
  | { readonly kind: 'lagging' | 'away' | 'refused'; readonly reason: string }
  /** The line names this very member: harmless, and no peer. */
  | { readonly kind: 'self' };

/** A push needs a moment: knowledge of ours that is younger says nothing about a peer that lacks it. */
const SETTLED_MS = 1_000;
/** What was missed may never come to be known, when the one who knew it died. */
const OWED_MS = 600_000;
/** A line that was too slow for an upload is not waited for again so soon. */
const SLOW_MS = 60_000;

interface Knowledge {
  readonly vector: VersionVector;
  readonly at: number;
}

export class Peer {
  readonly endpoint: Endpoint;
  readonly client: ReplicaClient;
  /** What it said last; kept while it is away. */
  hello: Hello | null = null;
  state: PeerState = { kind: 'away', reason: 'not reached yet' };
  /** Milliseconds since 1970. */
  lastSeenAt: number | null = null;
  /** Of the last questions, the quickest: milliseconds. */
  #roundTrips: number[] = [];
  #owed: Knowledge = { vector: {}, at: 0 };
  /** Our own knowledge as it was at the last answers: the first is settled as soon as it is old enough. */
  #past: Knowledge[] = [];
  #slowUntil = 0;
  #saidRetired: string | null = null;
  /** Ids that are retired, as our own storage server said last. */
  #retired: readonly string[] = [];

  constructor(endpoint: Endpoint, client: ReplicaClient) {
    this.endpoint = endpoint;
    this.client = client;
  }

  get name(): string {
    return this.hello?.name ?? formatEndpoint(this.endpoint);
  }

  get isReachable(): boolean {
    return this.state.kind === 'in step' || this.state.kind === 'lagging';
  }

  get isInStep(): boolean {
    return this.state.kind === 'in step';
  }

  /** An operator said that it is no member any more: nothing is pushed to it, and it does not count. */
  get isRetired(): boolean {
    return this.hello !== null && this.#retired.includes(this.hello.member);
  }

  noteRetired(retired: readonly string[]): void {
    this.#retired = retired;
    if (this.isRetired) this.#refuseRetired();
  }

  #refuseRetired(): void {
    const reason = `${this.hello?.member} was retired: take its address out of PEERS.txt, or give the board a new identity`;
    this.state = { kind: 'refused', reason };
    this.#past = [];
  }

  /** It was too slow for an upload a moment ago. */
  get isSlow(): boolean {
    return performance.now() < this.#slowUntil;
  }

  /** `own`: our knowledge as read before it was asked. `now`: milliseconds, monotonic. */
  answered(hello: Hello, own: VersionVector, now = performance.now()): void {
    const { knowledge, readOnly } = hello;
    this.hello = hello;
    this.#saidRetired = null;
    this.lastSeenAt = Date.now();
    if (now - this.#owed.at > OWED_MS || includes(knowledge, this.#owed.vector)) this.#forgive();
    const settled = this.#settled(own, now);
    const has = (vector: VersionVector | undefined) => vector !== undefined && includes(knowledge, vector);
    const mayBeOnItsWay = settled === undefined && this.isInStep;
    if (this.isRetired) this.#refuseRetired();
    else if (readOnly !== null) this.state = { kind: 'lagging', reason: `takes no writes: ${readOnly}` };
    else if (this.#owes()) this.state = { kind: 'lagging', reason: 'is catching up' };
    else if (has(own) || has(settled) || mayBeOnItsWay) this.state = { kind: 'in step' };
    else this.state = { kind: 'lagging', reason: 'is catching up' };
  }

  #settled(own: VersionVector, now: number): VersionVector | undefined {
    this.#past.push({ vector: own, at: now });
    // The youngest that is old enough comes first; older ones say less.
    while (this.#past[1] !== undefined && now - this.#past[1].at >= SETTLED_MS) this.#past.shift();
    const [first] = this.#past;
    if (this.#past.length > 8) this.#past.splice(1, 1);
    return first !== undefined && now - first.at >= SETTLED_MS ? first.vector : undefined;
  }

  #owes(): boolean {
    return Object.keys(this.#owed.vector).length > 0;
  }

  #forgive(): void {
    this.#owed = { vector: {}, at: 0 };
  }

  lost(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.state = { kind: error instanceof ReplicaUntrusted ? 'refused' : 'away', reason };
    this.#saidRetired = error instanceof MemberRetired ? reason : null;
    this.#past = [];
    if (this.isRetired) this.#refuseRetired();
  }

  /** Its words, when it says that this very member was retired; null: it does not. */
  get saidRetired(): string | null {
    return this.#saidRetired;
  }

  /** It may lack these records: nobody waits for it until it says that it knows them. */
  missed(pushed: readonly PushedRecord[], reason: string): void {
    const dots = pushed.map(({ record }) => record.dot).filter(([actor]) => !isConflictActor(actor));
    this.#owed = { vector: dots.reduce(withDot, this.#owed.vector), at: performance.now() };
    if (this.isReachable) this.state = { kind: 'lagging', reason };
  }

  /** How long it took to answer a short question. */
  answeredIn(milliseconds: number): void {
    this.#roundTrips = [...this.#roundTrips.slice(-4), milliseconds];
  }

  get roundTripMs(): number {
    return Math.min(...this.#roundTrips);
  }

  tooSlow(): void {
    this.#slowUntil = performance.now() + SLOW_MS;
  }

  status(): MemberStatus {
    const { kind } = this.state;
    return {
      name: this.name,
      member: this.hello?.member ?? null,
      address: formatEndpoint(this.endpoint),
      state: kind === 'self' ? 'in step' : kind,
      reason: 'reason' in this.state ? this.state.reason : null,
      lastSeenAt: this.lastSeenAt,
    };
  }
}
