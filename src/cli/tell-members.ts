/** After a change that a command made at this member: everybody is asked to look now instead of at the next sweep. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadOrMakeIdentity } from '../config/identity.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import type { Settings } from '../config/settings-api.ts';
import { openReplica } from '../peers/ftp-replica.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { peersFileText } from './peers-file-text.ts';

/** A peer that takes longer looks by itself within minutes. */
const PATIENCE_MS = 5_000;

/** One line for the person, '' without peers. Never fails: what is missed here, the next sweep finds. */
export async function tellMembers(settings: Settings, local: ReplicaClient, why: string): Promise<string> {
  const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
  const credentials = await credentialsFor(key, loadOrMakeIdentity(settings).member);
  const { peers: endpoints } = parsePeersFile(peersFileText(settings.peersFile));
  const peers = endpoints.map((endpoint) => openReplica({ endpoint, credentials }));
  const late = new AbortController();
  const asked = [local, ...peers].map((replica) => replica.sweep({ why }).then(() => replica));
  try {
    const patience = sleep(PATIENCE_MS, null, { signal: late.signal }).catch(() => null);
    const told = await Promise.all(asked.map((each) => Promise.race([each, patience]).catch(() => null)));
    const reached = told.filter((replica) => replica !== null && replica !== local).length;
    if (peers.length === 0) return '';
    if (reached === peers.length)
      return `${reached === 1 ? 'The other member fetches' : `All ${reached} other members fetch`} it now.\n`;
    return `${reached} of ${peers.length} other members fetch it now; the rest when they are reachable again.\n`;
  } finally {
    late.abort();
    for (const peer of peers) peer.close();
    await Promise.allSettled(asked);
  }
}
