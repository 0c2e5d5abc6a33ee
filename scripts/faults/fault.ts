/** What a fault is, and what it may touch. */
import type { Member } from '../../test/network/member.ts';
import type { Network } from '../../test/network/with-network.ts';
import type { Random } from '../../test/simulation/random.ts';
import type { Journal } from './journal.ts';
import type { Links } from './links.ts';
import type { LoopVolume } from './loop-volume.ts';

/** How hard and how long. */
export interface Scale {
  /** Load before, during and after the fault, each. */
  readonly seconds: number;
  /** How long a stopped process or a dead link lasts where time is the fault. */
  readonly longSeconds: number;
  readonly free: number;
  readonly clientsPerMember: number;
}

export interface Scene {
  readonly network: Network;
  readonly links: Links;
  readonly journal: Journal;
  readonly random: Random;
  readonly scale: Scale;
  /** Of member c, when the fault asked for one. */
  readonly volume: LoopVolume | null;
  /** Something that must not be. */
  violation(what: string): void;
  /** A promise that the program does not make yet (probed, not guessed): said aloud, not counted as broken. */
  lacking(what: string): void;
  /** For a person who reads along. */
  say(what: string): void;
  /** Waits so many seconds of load. */
  load(seconds?: number): Promise<void>;
  /** Stops the clients and waits for their last answers. */
  calm(): Promise<void>;
  /** Members that are to agree in the end; a fault may take one out. */
  readonly present: Set<Member>;
  /** Anything random that the run should be told by: goes into the raw line. */
  note(what: string): void;
}

export interface Fault {
  readonly name: string;
  readonly what: string;
  /** Relays instead of namespaces, for faults within a connection. */
  readonly relays?: true;
  /** Every cable can be cut: namespaces when root, else relays. */
  readonly links?: true;
  /** The data of member c lies in an ext4 image of so many megabytes. */
  readonly volumeMegabytes?: number;
  /** Each role a process of its own. */
  readonly apart?: true;
  readonly members?: number;
  readonly options?: readonly string[];
  /** Why this machine cannot do it, or null. */
  readonly missing?: () => string | null;
  /** The clients are at work. Ends with everything healed and every member running. */
  readonly strike: (scene: Scene) => Promise<void>;
  /** The clients rest and the members are the same again. */
  readonly inspect?: (scene: Scene) => Promise<void>;
}
