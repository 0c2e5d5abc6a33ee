/** `cloudroid peers list`: the lines of PEERS.txt, each with how the running member sees it, and who else there is. */
import { parsePeersFile } from '../config/peers-file.ts';
import type { Endpoint } from '../config/settings-api.ts';
import type { MemberStatus, StatusReply } from '../peers/protocol-reports.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { escapeControls } from '../system/log-line.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import type { CommandInput } from './command.ts';
import { peersFileText } from './peers-file-text.ts';
import { askStatus } from './running-member.ts';
import { memberRows } from './status-page.ts';

/** Null: not running, so nobody knows. */
async function statusOf(input: CommandInput): Promise<StatusReply | null> {
  try {
    return await askStatus(input.settings);
  } catch (error) {
    if (error instanceof CommandError && error.status === exitStatus.notRunning) return null;
    throw error;
  }
}

function rowOf(endpoint: Endpoint, members: readonly MemberStatus[]): MemberStatus {
  const address = formatEndpoint(endpoint);
  const known = members.find(
    (member) => member.address === address || member.address === `${endpoint.host}:${endpoint.port}`,
  );
  const nobody = { name: '?', member: null, state: 'away', reason: 'not met yet', lastSeenAt: null } as const;
  return known ?? { ...nobody, address };
}

/** What the running member knows; `file`: for the words. */
export function peersPage(
  { hello, proxy }: Pick<StatusReply, 'hello' | 'proxy'>,
  listed: readonly Endpoint[],
  file: string,
  now: number,
): string {
  const lines: string[] = [];
  if (proxy !== null) {
    const rows = listed.map((endpoint) => rowOf(endpoint, proxy.members));
    lines.push(...memberRows(rows, now));
    const seen = new Set(rows.flatMap(({ member }) => (member === null ? [] : [member])));
    const elsewhere = hello.members.filter((member) => member !== hello.member && !seen.has(member));
    if (elsewhere.length > 0) {
      lines.push('', `Met before, but behind no line of ${file} now:`);
      for (const member of elsewhere) lines.push(`  ${escapeControls(member)}`);
      lines.push(
        'Add its address if it is still there; if it is gone for good: cloudroid peers retire MEMBER',
      );
    }
  } else {
    const unknown = '(unknown: the proxy of this member is not running)';
    lines.push(...listed.map((endpoint) => `  ${formatEndpoint(endpoint)}  ${unknown}`));
  }
  if (listed.length === 0) {
    lines.unshift(`No peers: ${file} lists none. To add another board: cloudroid peers add ADDRESS`);
  }
  if (hello.retired.length > 0) {
    lines.push('', 'Retired for ever:', ...hello.retired.map((member) => `  ${escapeControls(member)}`));
  }
  return `${lines.join('\n')}\n`;
}

export async function listPeers(input: CommandInput): Promise<ExitStatus> {
  const file = input.settings.peersFile;
  const { peers: listed, badLines } = parsePeersFile(peersFileText(file));
  const status = await statusOf(input);
  for (const { line, text, expected } of badLines) {
    process.stderr.write(
      `cloudroid: ${file}, line ${line}: expected ${expected}, got ${JSON.stringify(text)}\n`,
    );
  }
  if (status !== null) {
    process.stdout.write(peersPage(status, listed, file, Date.now()));
    return exitStatus.done;
  }
  if (listed.length === 0) {
    process.stdout.write(`No peers: ${file} lists none. To add another board: cloudroid peers add ADDRESS\n`);
    return exitStatus.done;
  }
  for (const endpoint of listed) {
    process.stdout.write(`  ${formatEndpoint(endpoint)}  (unknown: this member is not running)\n`);
  }
  return exitStatus.notRunning;
}
