/** The gateway: what clients talk to. Holds nothing that matters: killed at any moment, no acknowledged file is lost. */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from '../config/settings-api.ts';
import { normaliseAddress } from '../ftp/address.ts';
import { linger } from '../ftp/linger.ts';
import { formatReply, lastReply, reply } from '../ftp/reply.ts';
import { listenError } from '../system/port-in-use.ts';
import { CommandRules } from './command-rules.ts';
import { commandTable } from './command-table.ts';
import { Conversation } from './conversation.ts';
import { makePlace, type Seat } from './full-house.ts';
import { LoginRate } from './login-rate.ts';
import { LoginThrottle } from './login-throttle.ts';
import { limitsOf, type ProxyOptions, type ProxyServices } from './options.ts';
import { PassiveAddress } from './passive-address.ts';
import { PassivePorts } from './passive-ports.ts';
import { SessionLimits } from './session-limits.ts';
import { UploadsUnderWay } from './uploads-under-way.ts';
import { NetworkUsers, type Users } from './users.ts';
import { QuotaLedger } from './view/quota-ledger.ts';

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
/** A client whose machine was switched off is noticed after this and the system's probes. */
const KEEP_ALIVE_MS = 60_000;
/** Clients turned away are told of in the log at most this often. */
const TURNED_AWAY_EVERY_MS = 10_000;

/** @throws CommandError (port-in-use.ts) when nobody can listen there. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  if (options.tlsListen !== null && options.tls === undefined) {
    throw new TypeError('a port for TLS needs a certificate');
  }
  const limits = limitsOf(options);
  const rules = new CommandRules(commandTable, options);
  if (rules.unknown.length > 0) {
    options.logger.warn('the settings name commands that there are not', { commands: rules.unknown });
  }
  const passiveAddresses = new PassiveAddress(options);
  const conversations = new Map<Conversation, Seat>();
  const services: ProxyServices = {
    ...options,
    users: options.users ?? new NetworkUsers(options.replicas, options.logger),
    limits,
    throttle: new LoginThrottle(limits.loginDelayMs),
    loginRate: new LoginRate(options.loginsPerMinute),
    sessionsOf: (user) => [...conversations.keys()].filter(({ session }) => session.user === user).length,
    uploads: new UploadsUnderWay(limits.silentMs),
    quotas: new QuotaLedger(options.replicas),
    passivePool: new PassivePorts(limits.passiveWaitMs),
    rules,
    passiveAddresses,
  };
  services.users.onChange(() => {
    for (const conversation of conversations.keys()) conversation.accountsChanged();
  });
  const sessionLimits = new SessionLimits(options);

  const tellTurnedAway = atMostEvery(TURNED_AWAY_EVERY_MS, (more, client: string, why: string) => {
    options.logger.warn('a client was turned away', { client, why, more });
  });
  const openDoor = async (at: Endpoint, tls: 'at-once' | 'on-demand') => {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => {
        const address = normaliseAddress(socket.remoteAddress);
        const refusal = sessionLimits.enter(address, () => makePlace(conversations, limits.strangerMs));
        if (refusal !== null) {
          tellTurnedAway(address, refusal);
          turnAway(socket, tls === 'on-demand' ? refusal : null);
          return;
        }
        const conversation = new Conversation(socket, services, tls, () => {
          conversations.delete(conversation);
          seat.leave();
        });
        const seat = seatOf(() => sessionLimits.leave(address));
        conversations.set(conversation, seat);
      },
    );
    const port = await listen(server, at);
    server.on('error', (error) => options.logger.error('the gateway cannot take clients', { error }));
    return { server, endpoint: { host: at.host, port } };
  };
  const door = await openDoor(options.listen, 'on-demand');
  const tlsDoor =
    options.tlsListen === null
      ? null
      : await openDoor(options.tlsListen, 'at-once').catch((error: unknown) => {
          door.server.close();
          throw error;
        });

  const transfers = () => [...conversations.keys()].filter(({ session }) => session.transfer !== null).length;
  const until = async (done: () => boolean, longestMs: number) => {
    const end = performance.now() + longestMs;
    while (!done() && performance.now() < end) await delay(POLL_MS);
  };
  return {
    endpoint: door.endpoint,
    tlsEndpoint: tlsDoor?.endpoint ?? null,
    get users() {
      return services.users.state;
    },
    counts: () => ({ sessions: sessionLimits.count, transfers: transfers() }),
    async close(drainMs) {
      passiveAddresses.close();
      door.server.close();
      tlsDoor?.server.close();
      services.users.close();
      for (const conversation of conversations.keys()) conversation.dismiss(SHUTDOWN);
      await until(() => transfers() === 0, drainMs);
      for (const conversation of conversations.keys()) conversation.abortTransfer();
      await until(() => conversations.size === 0, LAST_WORDS_MS);
      for (const conversation of conversations.keys()) conversation.destroy();
      await until(() => conversations.size === 0, LAST_WORDS_MS);
    },
  };
}

/** Of now; `leave` at most once. */
function seatOf(leave: () => void): Seat {
  let taken = true;
  return {
    since: performance.now(),
    leave() {
      if (taken) leave();
      taken = false;
    },
  };
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

/** Null: without a word, because the client expects TLS. */
function turnAway(socket: Socket, why: string | null): void {
  socket.on('error', () => undefined);
  socket.end(why === null ? '' : formatReply(reply(421, why)));
  linger(socket, LAST_WORDS_MS);
}

/** 0.0.0.0 means IPv6 too, where there is IPv6. The port it listens on. */
async function listen(server: Server, endpoint: Endpoint): Promise<number> {
  const everywhere = endpoint.host === '0.0.0.0';
  try {
    try {
      return await listenAt(server, everywhere ? '::' : endpoint.host, endpoint.port);
    } catch (error) {
      if (!everywhere || !isWithoutIPv6(error)) throw error;
      return await listenAt(server, '0.0.0.0', endpoint.port);
    }
  } catch (error) {
    throw listenError(error, endpoint, 'listen');
  }
}

function isWithoutIPv6(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EINVAL';
}

function listenAt(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
