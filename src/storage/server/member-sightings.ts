/**
 * Notices that one member id is used by two machines: a cloned SD card would give two different writes one dot.
 *
 * Who says HELLO for another storage server names it: {member, store, boot}. A member's own processes (proxy, sweep,
 * the command) authenticate with the same certificate name, so the certificate alone proves nothing. The rule:
 *
 * 1. `from.member` is not the certificate's name: refused, nobody speaks for somebody else.
 * 2. `from` names this very member, the boot is not ours, and the connection comes from another machine: a clone of
 *    this board (the same store) or a stolen id. Refused, alarm. From this machine it is a process of ours that has not
 *    heard yet that its storage server was restarted (PEERS.txt may list oneself): the answer tells it the new boot.
 * 3. `from` names another member: its boot changes with every restart, so a new boot is no news. But when a boot comes
 *    back that an other one had replaced, from another address than that one, and the replacement was itself heard of
 *    within the last two minutes, both live at once. Both are refused for ten minutes after the last sign of it, alarm.
 */
import type { HelloRequest } from '../../peers/protocol.ts';
import type { Logger } from '../../system/logger-api.ts';
import { PeerRefused } from './server-answer.ts';

type From = NonNullable<HelloRequest['from']>;

interface Asker {
  /** Name in the certificate. */
  readonly member: string;
  readonly address: string;
  readonly sameMachine: boolean;
}

interface Sighting {
  readonly boot: string;
  readonly address: string;
  readonly seenAt: number;
}

interface Known {
  current: Sighting;
  /** Boots that `current` has replaced. */
  readonly former: Set<string>;
  refusedUntil: number;
}

const ALIVE_MS = 120_000;
const REFUSED_MS = 600_000;
const MAX_MEMBERS = 1000;
const MAX_FORMER = 50;

export class MemberSightings {
  readonly #own: From;
  readonly #logger: Logger;
  /** Milliseconds, monotonic: a jump of the clock is no clone. */
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  /** What was seen last of two machines with one id, by member. */
  readonly #doubles = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(own: From, logger: Logger, now: () => number = () => performance.now()) {
    this.#own = own;
    this.#logger = logger;
    this.#now = now;
  }

  /** @throws PeerRefused */
  check(from: From, asker: Asker): void {
    if (from.member !== asker.member) {
      throw new PeerRefused(
        `the certificate is that of ${asker.member}, so it cannot speak for ${from.member}`,
      );
    }
    if (from.member === this.#own.member) this.#checkOwn(from, asker);
    else this.#checkOther(from, asker);
  }

  #checkOwn(from: From, { address, sameMachine }: Asker): void {
    if (from.boot === this.#own.boot || sameMachine) return;
    this.#alarm(from.member, address, 'this machine');
    throw new PeerRefused(duplicate(from.member));
  }

  #checkOther({ member, boot }: From, { address }: Asker): void {
    const now = this.#now();
    const seen: Sighting = { boot, address, seenAt: now };
    const known = this.#known.get(member);
    if (known === undefined) {
      if (this.#known.size >= MAX_MEMBERS) this.#known.clear();
      this.#known.set(member, { current: seen, former: new Set(), refusedUntil: 0 });
      return;
    }
    const { current, former } = known;
    if (boot === current.boot) {
      known.current = seen;
    } else if (former.has(boot)) {
      const bothLive = now - current.seenAt < ALIVE_MS && address !== current.address;
      if (bothLive) {
        if (known.refusedUntil <= now) this.#alarm(member, address, current.address);
        known.refusedUntil = now + REFUSED_MS;
      }
    } else {
      if (former.size >= MAX_FORMER) former.clear();
      former.add(current.boot);
      known.current = seen;
    }
    if (known.refusedUntil > now) throw new PeerRefused(duplicate(member));
  }

  /** For the operator: ids that two machines use, while there were signs of both. */
  notices(): readonly string[] {
    return [...this.#doubles.values()]
      .filter(({ at }) => this.#now() - at < REFUSED_MS)
      .map(({ text }) => text);
  }

  #alarm(member: string, one: string, other: string): void {
    const text = `${duplicate(member)} (seen at ${one} and at ${other})`;
    if (this.#doubles.size >= MAX_MEMBERS) this.#doubles.clear();
    this.#doubles.set(member, { text, at: this.#now() });
    this.#logger.error(
      'ALARM: two machines use one member id: was an SD card copied? Remove member.json from the state folder of one of them',
      { member, one, other },
    );
  }
}

function duplicate(member: string): string {
  return `two machines say that they are ${member}; remove member.json from the state folder of the copied one and restart it`;
}
