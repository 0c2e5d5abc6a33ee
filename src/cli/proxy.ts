/** `cloudroid proxy`: the door for FTP clients; all members together behind it. */
import { join } from 'node:path';
import { watchPeersFile } from '../config/peers-watch.ts';
import { openReplica } from '../peers/ftp-replica.ts';
import type { ProxyReport } from '../peers/protocol-reports.ts';
import { openReplicaSet } from '../peers/replica-set.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { greetingOf } from '../proxy/greets.ts';
import { startProxy } from '../proxy/proxy-server.ts';
import type { ExitStatus } from '../system/exit-status.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { openCertificateSource } from '../tls/certificate-source.ts';
import type { CommandInput } from './command.ts';
import { runRole } from './role-process.ts';
import { ownEndpoint, ownSocket, reachable } from './running-member.ts';

/** Running transfers may finish for so long after the wish to stop. */
const DRAIN_MS = 20_000;
const REPORT_MS = 3000;
/** After a peer came or went; a few at once make one report. */
const SOON_MS = 50;

export function proxy({ settings }: CommandInput): Promise<ExitStatus> {
  return runRole('proxy', settings, async ({ identity, logger }) => {
    const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
    const credentials = await credentialsFor(key, identity.member);
    const local = openReplica({
      endpoint: ownEndpoint(settings),
      credentials,
      socketPath: ownSocket(settings),
    });
    let door: Awaited<ReturnType<typeof startProxy>> | null = null;
    const tell = (): void => {
      if (door === null) return;
      const report: ProxyReport = {
        at: Date.now(),
        ...door.counts(),
        users: door.users,
        listening: formatEndpoint(door.endpoint),
        ack: settings.ack,
        members: replicas.members(),
      };
      local
        .report({ proxy: report })
        .catch((error: unknown) => logger.debug('the storage server was not told', { error }));
    };
    let soon: NodeJS.Timeout | null = null;
    const onMembersChanged = (): void => {
      soon ??= setTimeout(() => {
        soon = null;
        tell();
      }, SOON_MS);
    };
    const replicas = openReplicaSet({
      local,
      ack: settings.ack,
      credentials,
      identity,
      logger,
      founderFile: join(settings.stateDir, 'founder'),
      onMembersChanged,
    });
    const peers = watchPeersFile(settings.peersFile, (list) => replicas.setPeers(list), logger);
    const tls = await openCertificateSource({ ...settings, name: identity.name, logger });
    const opened = await startProxy({ ...settings, name: identity.name, replicas, tls, logger });
    door = opened;
    logger.info('clients may connect', { address: formatEndpoint(opened.endpoint) });
    if (opened.tlsEndpoint !== null) {
      logger.info('clients that begin with TLS may connect', { address: formatEndpoint(opened.tlsEndpoint) });
    }
    tell();
    const telling = setInterval(tell, REPORT_MS);
    return {
      prove: async () => {
        await greetingOf(reachable(opened.endpoint));
      },
      stop: async () => {
        clearInterval(telling);
        if (soon !== null) clearTimeout(soon);
        peers.close();
        tls.close();
        await opened.close(DRAIN_MS);
        await replicas.close();
        local.close();
      },
    };
  });
}
