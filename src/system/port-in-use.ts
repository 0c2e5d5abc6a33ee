/** A listening socket that the system refuses, as one line that says what to do. */
import { createServer } from 'node:net';
import type { Endpoint } from '../config/settings-api.ts';
import { CommandError, exitStatus, systemCodeOf } from './exit-status.ts';

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns the error to throw for a failed listen; `option` is the one that chooses the endpoint. */
export function listenError(error: unknown, endpoint: Endpoint, option: string): unknown {
  const { host, port } = endpoint;
  const other = formatEndpoint({ host, port: port + 10 > 65_535 ? port - 10 : port + 10 });
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new CommandError(
        exitStatus.inUse,
        `Port ${port} is in use. Stop the other program or choose another: --${option} ${other}`,
        { cause: error },
      );
    case 'EACCES':
      return new CommandError(
        exitStatus.noPermission,
        `Port ${port} may not be opened by this user (ports below 1024 are root's). Choose another: --${option} ${formatEndpoint({ host, port: 6000 })}`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CommandError(
        exitStatus.configuration,
        `${host} is not an address of this machine. Choose another: --${option} 0.0.0.0:${port}`,
        { cause: error },
      );
    default:
      return error;
  }
}

/** Where a host of 0.0.0.0 is listened on: every IPv6 and IPv4 address at once. */
const everywhere = '0.0.0.0';

/** Rejects with a CommandError when nobody could listen there now. */
export async function assertCanListen(endpoint: Endpoint, option: string): Promise<void> {
  const hosts = endpoint.host === everywhere ? ['::', everywhere] : [endpoint.host];
  for (const host of hosts) {
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port: endpoint.port, exclusive: true }, resolve);
      });
    } catch (error) {
      // A machine without IPv6 still has IPv4.
      const noIpv6 = host === '::' && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCodeOf(error) ?? '');
      if (!noIpv6) throw listenError(error, endpoint, option);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
}
