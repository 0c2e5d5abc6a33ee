/** The network key: there, whole, nobody else's to read. */
import { existsSync, statSync } from 'node:fs';
import type { Settings } from '../../config/settings-api.ts';
import { loadOrMakeNetworkKey } from '../../peers/network-key.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

const CHECK = 'network key';

export async function checkNetworkKey({ networkKeyFile: file }: Settings): Promise<Finding[]> {
  if (!existsSync(file)) {
    const cure =
      'Start this member once: it makes one. To join a network copy the file from one of its members instead.';
    return [warning(CHECK, `there is none in ${file}`, cure)];
  }
  // Read before: loading a key that everybody may read takes that away.
  const { mode } = statSync(file);
  try {
    const { fingerprint } = await loadOrMakeNetworkKey(file);
    const found = ok(CHECK, `${file}, fingerprint ${fingerprint} (all members show the same)`);
    if ((mode & 0o077) === 0) return [found];
    const cure =
      'Others on this machine could read it; that is mended now. If strangers have accounts here, make a new key for all members.';
    return [found, warning(CHECK, 'was readable for others', cure)];
  } catch (error) {
    return [problem(CHECK, messageOf(error), `Copy ${file} again from another member.`)];
  }
}
