/** Asks the member that runs on this data folder, through its storage port and with its network key. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readMemberId } from '../config/identity.ts';
import type { Endpoint, Settings } from '../config/settings-api.ts';
import { openReplica } from '../peers/ftp-replica.ts';
import type { StatusReply } from '../peers/protocol-reports.ts';
import { type ReplicaClient, ReplicaUnreachable, ReplicaUntrusted } from '../peers/replica-client-api.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { Refusal } from '../replication/operation.ts';
import { CommandError, exitStatus } from '../system/exit-status.ts';
import { escapeControls } from '../system/log-line.ts';
import { formatEndpoint } from '../system/port-in-use.ts';

export function ownEndpoint({ storageListen }: Pick<Settings, 'storageListen'>): Endpoint {
  return reachable(storageListen);
}

/** Where the storage server listens for the processes of its own member (storage/server/own-door.ts). */
export function ownSocket({ stateDir }: Pick<Settings, 'stateDir'>): string {
  return join(stateDir, 'storage.sock');
}

/** A wildcard is where one listens, not where one connects to. */
export function reachable({ host, port }: Endpoint): Endpoint {
  const local: { readonly [host: string]: string } = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { host: local[host] ?? host, port };
}

function notRunning(settings: Settings, cause?: unknown): CommandError {
  const place = `nothing answers on ${formatEndpoint(ownEndpoint(settings))} for the data folder ${settings.dataDir}`;
  return new CommandError(
    exitStatus.notRunning,
    `This member is not running: ${place}. Start it with npm start, or name another folder with --data.`,
    { cause },
  );
}

/** Null when no member was ever started on this folder. */
export async function openRunningMember(settings: Settings): Promise<ReplicaClient | null> {
  const member = readMemberId(settings.stateDir);
  if (member === null || !existsSync(settings.networkKeyFile)) return null;
  const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
  return openReplica({ endpoint: ownEndpoint(settings), credentials: await credentialsFor(key, member) });
}

/** Rejects with a CommandError that says that it is not running, or which key is another one. */
export async function askStatus(settings: Settings): Promise<StatusReply> {
  return await withRunningMember(settings, (replica) => replica.status());
}

/** The same for anything else that is asked; a refusal is told as the member said it. */
export async function withRunningMember<T>(
  settings: Settings,
  ask: (replica: ReplicaClient) => Promise<T>,
): Promise<T> {
  const replica = await openRunningMember(settings);
  if (replica === null) throw notRunning(settings);
  try {
    return await ask(replica);
  } catch (error) {
    if (error instanceof Refusal) {
      const where = error.path === undefined ? '' : `${escapeControls(error.path)}: `;
      throw new CommandError(exitStatus.failed, `${where}${escapeControls(error.message)}`, { cause: error });
    }
    if (error instanceof ReplicaUnreachable) throw notRunning(settings, error);
    if (error instanceof ReplicaUntrusted) {
      throw new CommandError(exitStatus.noPermission, error.message, { cause: error });
    }
    throw error;
  } finally {
    replica.close();
  }
}
