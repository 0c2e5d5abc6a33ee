/** What members and their processes ask and tell each other about sweeps, and what `cloudroid status` shows. */
import type { Hello } from './protocol.ts';
import type { UpkeepState } from './protocol-upkeep.ts';

/** `SITE SWEEP {why}` -> {request}: a peer is back, or a push was missed: look soon. */
export interface SweepRequest {
  readonly why: string;
}
/** `SITE WAIT {after, seconds}` -> {request}: answers when a sweep was asked for since `after`, or after `seconds` (<= 60). */
export interface WaitRequest {
  readonly after: number;
  readonly seconds: number;
}
export interface SweepCounter {
  readonly request: number;
}

/** `SITE LOCK {name}` -> {held: boolean}: held until UNLOCK or the end of the control connection. */
export interface LockRequest {
  readonly name: 'sweep';
}
/** `SITE REPORT {sweep}`: the sweep tells its storage server how it goes, for `cloudroid status`. */
export interface SweepReport {
  readonly state: 'running' | 'idle';
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly pulledFiles: number;
  readonly pulledBytes: number;
  readonly applied: number;
  readonly conflicts: number;
  readonly failures: readonly string[];
  /** What it is doing: 'catching up', 'comparing', 'walking', 'scrubbing', 'repairing', ''. */
  readonly phase: string;
  /** Of the phase: how far, and of how much; `total` 0: unknown. */
  readonly done: number;
  readonly total: number;
  /** Files whose damaged or missing bytes were put back. */
  readonly repaired: number;
  /** Changes from outside that became versions. */
  readonly adopted: number;
  readonly scrubbedBytes: number;
  /** Paths found to differ from a peer or from the disk (dry run), or that still do. */
  readonly differences: number;
  /** For the operator: what to know and do. */
  readonly notices: readonly string[];
}
/** `SITE REPORT {proxy}`: the proxy tells how it sees the peers and its sessions, for `cloudroid status`. */
export interface ProxyReport {
  readonly at: number;
  readonly sessions: number;
  readonly transfers: number;
  /** open: guest/guest logs in; absent: a member that does not tell. */
  readonly users?: 'open' | 'accounts' | null;
  readonly listening: string;
  readonly ack: string;
  readonly members: readonly MemberStatus[];
}
export interface MemberStatus {
  readonly name: string;
  readonly member: string | null;
  /** host:port, or 'this member'. */
  readonly address: string;
  readonly state: 'in step' | 'lagging' | 'away' | 'refused';
  /** Why, when not in step; for a person. */
  readonly reason: string | null;
  readonly lastSeenAt: number | null;
}
/** `SITE STATUS` -> what `cloudroid status` shows. */
export interface StatusReply {
  readonly hello: Hello;
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  readonly conflicts: number;
  readonly trashBytes: number;
  /** Of uploads that broke off; freed for files that need the room. Absent: an older storage server. */
  readonly partBytes?: number;
  readonly startedAt: number;
  readonly version: string;
  readonly upkeep: UpkeepState;
  /** For the operator: what to know of disk and identity, and to do. */
  readonly notices: readonly string[];
  readonly sweep: SweepReport | null;
  readonly proxy: ProxyReport | null;
}
