/** --max-sessions is reached: whoever came first and has not logged in by now makes place, so strangers keep nobody out. */
import { lastReply, type Reply } from '../../ftp/reply.ts';

export interface Guest {
  readonly session: { readonly user: string | null };
  dismiss(text: Reply): void;
  destroy(): void;
}

export interface Seat {
  /** On the monotonic clock. */
  readonly since: number;
  /** It no longer counts; a second time does nothing. */
  leave(): void;
}

const CROWDED = lastReply(421, 'Too many clients, and you have not logged in; try again later.');

/** `guests`: the oldest first. False: everybody is logged in or has come just now. */
export function makePlace(guests: Map<Guest, Seat>, strangerMs: number): boolean {
  const lately = performance.now() - strangerMs;
  for (const [guest, seat] of guests) {
    if (seat.since > lately) return false;
    if (guest.session.user !== null) continue;
    guests.delete(guest);
    seat.leave();
    guest.dismiss(CROWDED);
    // Not at its leisure: what it holds must be free before another one holds it.
    guest.destroy();
    return true;
  }
  return false;
}

/** Of now; `leave` at most once. */
export function seatOf(leave: () => void): Seat {
  let taken = true;
  return {
    since: performance.now(),
    leave() {
      if (taken) leave();
      taken = false;
    },
  };
}
