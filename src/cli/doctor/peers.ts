/** The others: a list that makes sense, each of them reachable, with the same key, the same time and a version that fits. */

import { parsePeersFile } from '../../config/peers-file.ts';
import type { Endpoint, Settings } from '../../config/settings-api.ts';
import { openReplica } from '../../peers/ftp-replica.ts';
import type { StatusReply } from '../../peers/protocol-reports.ts';
import { MemberRetired, ReplicaUnreachable, ReplicaUntrusted } from '../../peers/replica-client-api.ts';
import type { TlsCredentials } from '../../peers/trust.ts';
import { escapeControls } from '../../system/log-line.ts';
import { formatEndpoint } from '../../system/port-in-use.ts';
import { peersFileText } from '../peers-file-text.ts';
import { formatDuration } from '../status-page.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

/** Clocks choose which of two changes made at once keeps the name: this much apart they choose oddly. */
const CLOCKS_APART_MS = 60_000;
const PATIENCE_MS = 8000;

/** `own`: what the running member says, or null. */
export async function checkPeers(
  settings: Settings,
  credentials: TlsCredentials | null,
  own: StatusReply | null,
): Promise<Finding[]> {
  const { peers, badLines } = parsePeersFile(peersFileText(settings.peersFile));
  const list = badLines.map(({ line, text, expected }) =>
    problem('PEERS.txt', `line ${line} cannot be read: ${escapeControls(text)}`, `Expected ${expected}.`),
  );
  if (peers.length === 0 && list.length === 0) {
    const cure = 'A second board makes this one replaceable: see the README, "A second board".';
    return [warning('PEERS.txt', 'lists no other member: every file is on this disk only', cure)];
  }
  if (credentials === null) return list;
  const each = await Promise.all(peers.map((peer) => checkPeer(peer, credentials, own)));
  return [...list, ...each.flat()];
}

async function checkPeer(
  peer: Endpoint,
  credentials: TlsCredentials,
  own: StatusReply | null,
): Promise<Finding[]> {
  const where = formatEndpoint(peer);
  const check = `member ${where}`;
  const replica = openReplica({ endpoint: peer, credentials });
  try {
    const { hello, version } = await within(PATIENCE_MS, replica.status());
    const name = escapeControls(hello.name);
    if (own !== null && hello.member === own.hello.member) {
      return [warning(check, 'is this very member', `Take the line out: cloudroid peers remove ${where}`)];
    }
    return [
      ok(check, `${name} is reachable and has the same network key`),
      ...step(check, name, own, hello.member),
      ...clock(check, name, hello.now),
      ...versions(check, name, version, own?.version ?? null),
      ...(hello.readOnly === null
        ? []
        : [
            problem(
              check,
              `${name} takes no writes: ${escapeControls(hello.readOnly)}`,
              'Look after that board: cloudroid doctor there.',
            ),
          ]),
    ];
  } catch (error) {
    return [failure(check, where, error)];
  } finally {
    replica.close();
  }
}

function failure(check: string, where: string, error: unknown): Finding {
  const why = escapeControls(messageOf(error));
  if (error instanceof MemberRetired) {
    return problem(check, why, 'Retired for good: remove the state of this member to join as a new one.');
  }
  if (error instanceof ReplicaUntrusted) {
    return problem(check, why, 'Copy the network key file from one member to all others, and restart those.');
  }
  if (error instanceof ReplicaUnreachable) {
    return problem(
      check,
      why,
      `Is that board on, is ${where} its address, is port 6001 open in its firewall? Gone for good: cloudroid peers retire.`,
    );
  }
  return problem(check, why, 'See the log of both members.');
}

function step(check: string, name: string, own: StatusReply | null, member: string): Finding[] {
  const seen = own?.proxy?.members.find((one) => one.member === member);
  if (seen === undefined || seen.state === 'in step') return [];
  const cure = 'It catches up by itself; cloudroid status tells how far it is.';
  return [
    warning(
      check,
      `${name} is ${seen.state}${seen.reason === null ? '' : `: ${escapeControls(seen.reason)}`}`,
      cure,
    ),
  ];
}

function clock(check: string, name: string, now: number): Finding[] {
  const apart = now - Date.now();
  if (Math.abs(apart) < CLOCKS_APART_MS) return [];
  const text = `the clock of ${name} is ${formatDuration(Math.abs(apart))} ${apart > 0 ? 'ahead' : 'behind'}`;
  return [warning(check, text, 'Let both boards get the time from the network (timedatectl set-ntp true).')];
}

function versions(check: string, name: string, theirs: string, ours: string | null): Finding[] {
  if (ours === null || theirs === ours) return [ok(check, `${name} runs version ${escapeControls(theirs)}`)];
  return [
    warning(
      check,
      `${name} runs version ${escapeControls(theirs)}, this one ${ours}`,
      'Give all members the same version soon.',
    ),
  ];
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new ReplicaUnreachable(`no answer within ${ms / 1000} seconds`)),
    ms,
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
