/** The gateway: what clients talk to. Holds nothing that matters: killed at any moment, no acknowledged file is lost. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from '../config/settings-api.ts';
import { normaliseAddress } from '../ftp/address.ts';
import { lastReply } from '../ftp/reply.ts';
import { Conversation } from './conversation.ts';
import { type Door, openDoor } from './door.ts';
import { makePlace, type Seat, seatOf } from './limits/full-house.ts';
import { SessionLimits } from './limits/session-limits.ts';
import { TurnedAway } from './limits/turned-away.ts';
import type { ProxyOptions } from './options.ts';
import { openServices } from './services.ts';
import type { Users } from './users.ts';

export interface Proxy {
  /** With the port it really has. */
  readonly endpoint: Endpoint;
  /** Implicit TLS; null: off. */
  readonly tlsEndpoint: Endpoint | null;
  counts(): { readonly sessions: number; readonly transfers: number };
  /** Who may log in (users.ts). */
  readonly users: Users['state'];
  /**
   * No new sessions; running transfers may finish for up to `drainMs`, then they are aborted; every session is told
   * 421. Resolves when all are gone. The replica set is not closed.
   */
  close(drainMs: number): Promise<void>;
}

const SHUTDOWN = lastReply(421, 'This member is shutting down; try another one.');
/** How long sessions may take to go after their transfers were aborted. */
const LAST_WORDS_MS = 1_000;
const POLL_MS = 25;

/** @throws CommandError (port-in-use.ts) when nobody can listen there. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  if (options.tlsListen !== null && options.tls === undefined) {
    throw new TypeError('a port for TLS needs a certificate');
  }
  const conversations = new Map<Conversation, Seat>();
  const sessionsOf = (user: string) =>
    [...conversations.keys()].filter(({ session }) => session.user === user).length;
  const { services, close: closeServices } = openServices(options, sessionsOf);
  services.users.onChange(() => {
    for (const conversation of conversations.keys()) conversation.accountsChanged();
  });
  const sessionLimits = new SessionLimits(options);
  const turnedAway = new TurnedAway(options.logger);
  const welcome = (tls: 'at-once' | 'on-demand') => (socket: Socket) => {
    const address = normaliseAddress(socket.remoteAddress);
    const { strangerMs } = services.limits;
    const refusal = sessionLimits.enter(address, () => makePlace(conversations, strangerMs));
    if (refusal !== null) {
      turnedAway.turnAway(socket, address, refusal, tls === 'at-once');
      return;
    }
    const conversation = new Conversation(socket, services, tls, () => {
      conversations.delete(conversation);
      seat.leave();
    });
    const seat = seatOf(() => sessionLimits.leave(address));
    conversations.set(conversation, seat);
  };
  const broken = (error: Error) => options.logger.error('the gateway cannot take clients', { error });
  const doors: Door[] = [];
  try {
    doors.push(await openDoor(options.listen, welcome('on-demand'), broken));
    if (options.tlsListen !== null) doors.push(await openDoor(options.tlsListen, welcome('at-once'), broken));
  } catch (error) {
    for (const door of doors) door.close();
    closeServices();
    throw error;
  }

  const transfers = () => [...conversations.keys()].filter(({ session }) => session.transfer !== null).length;
  const until = async (done: () => boolean, longestMs: number) => {
    const end = performance.now() + longestMs;
    while (!done() && performance.now() < end) await delay(POLL_MS);
  };
  return {
    endpoint: doors[0]?.endpoint ?? options.listen,
    tlsEndpoint: doors[1]?.endpoint ?? null,
    get users() {
      return services.users.state;
    },
    counts: () => ({ sessions: sessionLimits.count, transfers: transfers() }),
    async close(drainMs) {
      for (const door of doors) door.close();
      closeServices();
      for (const conversation of conversations.keys()) conversation.dismiss(SHUTDOWN);
      await until(() => transfers() === 0, drainMs);
      for (const conversation of conversations.keys()) conversation.abortTransfer();
      await until(() => conversations.size === 0, LAST_WORDS_MS);
      for (const conversation of conversations.keys()) conversation.destroy();
      await until(() => conversations.size === 0, LAST_WORDS_MS);
    },
  };
}
