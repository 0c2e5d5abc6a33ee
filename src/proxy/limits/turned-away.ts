/** Clients for whom there is no place: they are told, and the log is, but not for each. */
import type { Socket } from 'node:net';
import { linger } from '../../ftp/linger.ts';
import { formatReply, reply } from '../../ftp/reply.ts';
import type { Logger } from '../../system/logger-api.ts';

const LAST_WORDS_MS = 1_000;
const TOLD_EVERY_MS = 10_000;

export class TurnedAway {
  readonly #tell: (client: string, why: string) => void;

  constructor(logger: Logger) {
    this.#tell = atMostEvery(TOLD_EVERY_MS, (more, client: string, why: string) => {
      logger.warn('a client was turned away', { client, why, more });
    });
  }

  /** `silently`: the client expects TLS, and would not understand. */
  turnAway(socket: Socket, client: string, why: string, silently: boolean): void {
    this.#tell(client, why);
    socket.on('error', () => undefined);
    socket.end(silently ? '' : formatReply(reply(421, why)));
    linger(socket, LAST_WORDS_MS);
  }
}

/** `tell` also learns how many calls were left out since the last one. */
function atMostEvery<A extends unknown[]>(
  everyMs: number,
  tell: (more: number, ...args: A) => void,
): (...args: A) => void {
  let last = Number.NEGATIVE_INFINITY;
  let leftOut = 0;
  return (...args) => {
    const now = performance.now();
    if (now - last < everyMs) {
      leftOut += 1;
      return;
    }
    tell(leftOut, ...args);
    last = now;
    leftOut = 0;
  };
}
