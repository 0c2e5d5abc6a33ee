/** `cloudroid peers`: the lines of PEERS.txt, each with how the running member sees it. */
import { readFileSync } from 'node:fs';
import { parsePeersFile } from '../config/peers-file.ts';
import type { MemberStatus } from '../peers/protocol-reports.ts';
import { CommandError, type ExitStatus, exitStatus, systemCodeOf } from '../system/exit-status.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import type { CommandInput } from './command.ts';
import { askStatus } from './running-member.ts';
import { memberRows } from './status-page.ts';

function readPeers(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return '';
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(exitStatus.noPermission, `${file} cannot be read: ${why}`, { cause: error });
  }
}

/** Null: not running, so nobody knows. */
async function membersOf(input: CommandInput): Promise<readonly MemberStatus[] | null> {
  try {
    const { proxy } = await askStatus(input.settings);
    return proxy?.members ?? null;
  } catch (error) {
    if (error instanceof CommandError && error.status === exitStatus.notRunning) return null;
    throw error;
  }
}

export async function peers(input: CommandInput): Promise<ExitStatus> {
  const file = input.settings.peersFile;
  const { peers: listed, badLines } = parsePeersFile(readPeers(file));
  const members = await membersOf(input);
  for (const { line, text, expected } of badLines) {
    process.stderr.write(
      `cloudroid: ${file}, line ${line}: expected ${expected}, got ${JSON.stringify(text)}\n`,
    );
  }
  if (listed.length === 0) {
    process.stdout.write(`No peers: ${file} lists none. Add a line with the address of another board.\n`);
    return exitStatus.done;
  }
  const addresses = listed.map(formatEndpoint);
  if (members === null) {
    process.stdout.write(
      `${addresses.map((address) => `  ${address}  (unknown: this member is not running)\n`).join('')}`,
    );
    return exitStatus.notRunning;
  }
  const rows = listed.map((endpoint): MemberStatus => {
    const address = formatEndpoint(endpoint);
    const known = members.find(
      (member) => member.address === address || member.address === `${endpoint.host}:${endpoint.port}`,
    );
    const nobody = {
      name: '?',
      member: null,
      state: 'away',
      reason: 'not met yet',
      lastSeenAt: null,
    } as const;
    return known ?? { ...nobody, address };
  });
  process.stdout.write(`${memberRows(rows, Date.now()).join('\n')}\n`);
  return exitStatus.done;
}
