/** `cloudroid sweep [--once]`: fetches what this member lacks; at start, on schedule, when a peer returns. */
import { readFileSync } from 'node:fs';
import { loadOrMakeIdentity } from '../config/identity.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import { watchPeersFile } from '../config/peers-watch.ts';
import type { Settings } from '../config/settings-api.ts';
import { openReplica } from '../peers/ftp-replica.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { startSweep, sweepOnce } from '../sweep/schedule.ts';
import { type ExitStatus, exitStatus, systemCodeOf } from '../system/exit-status.ts';
import { startLogger } from '../system/logger.ts';
import type { CommandInput } from './command.ts';
import { runRole } from './role-process.ts';
import { askStatus, ownEndpoint } from './running-member.ts';
import { sweepText } from './status-page.ts';

async function credentialsOf(settings: Settings) {
  const identity = loadOrMakeIdentity(settings);
  const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
  return { identity, credentials: await credentialsFor(key, identity.member) };
}

/** One round now; the member must be running, for only its storage server may change the replica. */
async function once(settings: Settings): Promise<ExitStatus> {
  await askStatus(settings);
  const logger = startLogger({ role: 'sweep', level: settings.logLevel });
  const { identity, credentials } = await credentialsOf(settings);
  const local = openReplica({ endpoint: ownEndpoint(settings), credentials });
  try {
    const { peers } = parsePeersFile(readPeers(settings.peersFile));
    const report = await sweepOnce({ local, peers, credentials, identity, logger });
    process.stdout.write(`Sweep: ${sweepText(report, Date.now())}\n`);
    return report.failures.length === 0 ? exitStatus.done : exitStatus.failed;
  } finally {
    local.close();
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
    const { identity, credentials } = await credentialsOf(settings);
    const local = openReplica({ endpoint: ownEndpoint(settings), credentials });
    const running = startSweep({ local, schedule: settings.sweep, credentials, identity, logger });
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
