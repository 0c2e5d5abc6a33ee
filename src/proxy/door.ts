/** A port where clients connect. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Endpoint } from '../config/settings-api.ts';
import { listenError } from '../system/port-in-use.ts';

/** A client whose machine was switched off is noticed after this and the system's probes. */
const KEEP_ALIVE_MS = 60_000;

export interface Door {
  /** With the port it really has. */
  readonly endpoint: Endpoint;
  /** Nobody comes in any more; who is in stays. */
  close(): void;
}

/** `onError`: of the listening socket, such as too many open files. @throws CommandError (port-in-use.ts) when nobody can listen there. */
export async function openDoor(
  at: Endpoint,
  onClient: (socket: Socket) => void,
  onError: (error: Error) => void,
): Promise<Door> {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
    onClient,
  );
  const port = await listen(server, at);
  server.on('error', onError);
  return { endpoint: { host: at.host, port }, close: () => server.close() };
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
