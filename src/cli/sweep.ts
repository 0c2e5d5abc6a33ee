/** `cloudroid sweep [--once]`: fetches what this member lacks; at start, on schedule, when a peer returns. */
import { readFileSync } from 'node:fs';
import { loadOrMakeIdentity } from '../config/identity.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import { watchPeersFile } from '../config/peers-watch.ts';
import type { Endpoint, Settings } from '../config/settings-api.ts';
import { openReplica } from '../peers/ftp-replica.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { sweepOnce } from '../sweep/round.ts';
import { startSweep } from '../sweep/schedule.ts';
import { type ExitStatus, exitStatus, systemCodeOf } from '../system/exit-status.ts';
import { onStopRequest } from '../system/service-manager.ts';
import type { CommandInput } from './command.ts';
import { runRole } from './role-process.ts';
import { askStatus, ownEndpoint } from './running-member.ts';
import { sweepText } from './status-page.ts';

async function doorsOf(settings: Settings) {
  const identity = loadOrMakeIdentity(settings);
  const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
  const credentials = await credentialsFor(key, identity.member);
  const openPeer = (endpoint: Endpoint) => openReplica({ endpoint, credentials });
  return { local: openPeer(ownEndpoint(settings)), openPeer };
}

/** One round now; the member must be running, for only its storage server may change the replica. */
async function once(settings: Settings): Promise<ExitStatus> {
  await askStatus(settings);
  const { local, openPeer } = await doorsOf(settings);
  const peers = parsePeersFile(readPeers(settings.peersFile)).peers.map(openPeer);
  const interrupted = new AbortController();
  const forget = onStopRequest(() => interrupted.abort());
  try {
    const report = await sweepOnce({ local, peers, signal: interrupted.signal, now: Date.now });
    if (report === null) {
      process.stdout.write('Sweep: another one is running just now; nothing is left for this one to do\n');
      return exitStatus.done;
    }
    process.stdout.write(`Sweep: ${sweepText(report, Date.now())}\n`);
    return report.failures.length === 0 ? exitStatus.done : exitStatus.failed;
  } finally {
    forget();
    for (const replica of [local, ...peers]) replica.close();
  }
}

function readPeers(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

export function sweep({ settings, switches }: CommandInput): Promise<ExitStatus> {
  if (switches.has('once')) return once(settings);
  return runRole('sweep', settings, async ({ logger }) => {
    const { local, openPeer } = await doorsOf(settings);
    const running = startSweep({ local, openPeer, schedule: settings.sweep, logger, now: Date.now });
    const peers = watchPeersFile(settings.peersFile, (list) => running.setPeers(list), logger);
    return {
      stop: async () => {
        peers.close();
        await running.close();
        local.close();
      },
    };
  });
}
