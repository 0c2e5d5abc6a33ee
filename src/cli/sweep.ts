/** `cloudroid sweep [--once]`: fetches what this member lacks; at start, on schedule, when a peer returns. */
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadOrMakeIdentity } from '../config/identity.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import { watchPeersFile } from '../config/peers-watch.ts';
import type { Endpoint, Settings } from '../config/settings-api.ts';
import { openReplica } from '../peers/ftp-replica.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { sweepOnce } from '../sweep/round.ts';
import { startSweep } from '../sweep/schedule.ts';
import { awaitAlike } from '../sweep/settle.ts';
import type { VolumeCare } from '../sweep/volume-care.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { Logger } from '../system/logger-api.ts';
import { onStopRequest } from '../system/service-manager.ts';
import type { CommandInput } from './command.ts';
import { peersFileText } from './peers-file-text.ts';
import { runRole } from './role-process.ts';
import { askStatus, ownEndpoint, ownSocket } from './running-member.ts';
import { sweepText } from './status-page.ts';
import { showProgress } from './sweep-progress.ts';

/** How often a round that another one locks out is tried again. */
const LOCK_RETRY_MS = 500;
/** How long the peers get to fetch what they lack of this member. */
const SETTLE_MS = 30_000;

async function doorsOf(settings: Settings) {
  const identity = loadOrMakeIdentity(settings);
  const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
  const credentials = await credentialsFor(key, identity.member);
  const openPeer = (endpoint: Endpoint) => openReplica({ endpoint, credentials });
  const local = openReplica({
    endpoint: ownEndpoint(settings),
    credentials,
    socketPath: ownSocket(settings),
  });
  return { local, openPeer };
}

/** One round now; the member must be running, for only its storage server may change the replica. */
async function once({ settings, switches }: CommandInput): Promise<ExitStatus> {
  await askStatus(settings);
  const { local, openPeer } = await doorsOf(settings);
  const peers = parsePeersFile(peersFileText(settings.peersFile)).peers.map(openPeer);
  const interrupted = new AbortController();
  const forget = onStopRequest(() => interrupted.abort());
  const { signal } = interrupted;
  const progress = showProgress(process.stdout, process.stderr);
  const round = () =>
    sweepOnce({
      local,
      peers,
      signal,
      now: Date.now,
      onProgress: progress.show,
      volume: volumeOf(settings),
      walk: true,
      dryRun: switches.has('dry-run'),
      scrub: switches.has('scrub'),
      acceptDeletions: switches.has('accept-deletions'),
    });
  try {
    let report = await round();
    if (report === null) process.stdout.write('Another sweep is running; waiting for its end ...\n');
    while (report === null) {
      await sleep(LOCK_RETRY_MS, undefined, { signal });
      report = await round();
    }
    progress.end();
    const title = switches.has('dry-run') ? 'Dry run, nothing was changed' : 'Sweep';
    process.stdout.write(`${title}: ${sweepText(report, Date.now())}\n`);
    const unlike = switches.has('dry-run')
      ? []
      : await awaitAlike(local, peers, { signal, withinMs: SETTLE_MS });
    for (const place of unlike) process.stdout.write(`${place} still lacks something; it is catching up\n`);
    const clean = report.failures.length + report.differences + unlike.length === 0;
    return clean ? exitStatus.done : exitStatus.failed;
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    process.stderr.write('cloudroid: the sweep was broken off; the next one goes on where it was\n');
    return exitStatus.failed;
  } finally {
    forget();
    for (const replica of [local, ...peers]) replica.close();
  }
}

function volumeOf({ filesDir, outsideDeletions }: Settings): VolumeCare {
  return { filesDir, outsideDeletions };
}

/** Clients first: what the sweep does can wait. */
function lowerPriority(logger: Logger): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch (error) {
    logger.debug('the priority of the sweep could not be lowered', { error });
  }
}

export function sweep(input: CommandInput): Promise<ExitStatus> {
  const { settings, switches } = input;
  if (switches.has('once')) return once(input);
  const [alone] = switches;
  if (alone !== undefined) {
    // Else it would start the service, and the person would wait for an answer for ever.
    return Promise.reject(new CommandError(exitStatus.usage, `--${alone} goes with sweep --once only.`));
  }
  return runRole('sweep', settings, async ({ logger }) => {
    const { local, openPeer } = await doorsOf(settings);
    lowerPriority(logger);
    const running = startSweep({
      local,
      openPeer,
      schedule: settings.sweep,
      logger,
      now: Date.now,
      volume: volumeOf(settings),
    });
    const peers = watchPeersFile(settings.peersFile, (list) => running.setPeers(list), logger);
    return {
      // It serves nobody: a loop that turns is all there is to prove. A round may take hours.
      prove: () => Promise.resolve(),
      stop: async () => {
        peers.close();
        await running.close();
        local.close();
      },
    };
  });
}
