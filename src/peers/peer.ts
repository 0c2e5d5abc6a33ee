/**
 * One line of PEERS.txt as this proxy sees it: in step (its knowledge covers ours), lagging (reached, lacks something),
 * away, or refused (another key, or a board with our own identity).
 */
import type { Endpoint } from '../config/settings-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import type { Hello, MemberStatus } from './protocol.ts';
import { type ReplicaClient, ReplicaUntrusted } from './replica-client-api.ts';

export type PeerState =
  | { readonly kind: 'in step' }
  | { readonly kind: 'lagging' | 'away' | 'refused'; readonly reason: string }
  /** The line names this very member: harmless, and no peer. */
  | { readonly kind: 'self' };

export class Peer {
  readonly endpoint: Endpoint;
  readonly client: ReplicaClient;
  /** What it said last; kept while it is away. */
  hello: Hello | null = null;
  state: PeerState = { kind: 'away', reason: 'not reached yet' };
  lastSeenAt: number | null = null;

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

  lost(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.state = { kind: error instanceof ReplicaUntrusted ? 'refused' : 'away', reason };
  }

  lags(reason: string): void {
    if (this.isReachable) this.state = { kind: 'lagging', reason };
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
