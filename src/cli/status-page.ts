/** `cloudroid status` for people: one screen, plain words, the thing to do beside the trouble. */
import type { MemberStatus, StatusReply, SweepReport } from '../peers/protocol-reports.ts';
import { escapeControls } from '../system/log-line.ts';

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** `3 minutes ago`; for boards whose clock has just jumped, a moment to come is `just now`. */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 5) return 'just now';
  for (const [size, name] of [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

function plural(count: number, word: string, many = `${word}s`): string {
  return `${count} ${count === 1 ? word : many}`;
}

function memberRow(member: MemberStatus, now: number, width: number): string {
  const seen = member.lastSeenAt === null ? 'never seen' : `seen ${formatAgo(member.lastSeenAt, now)}`;
  const reason = member.reason === null ? '' : `: ${member.reason}`;
  const when = member.state === 'in step' ? '' : ` (${seen})`;
  return escapeControls(
    `  ${member.name.padEnd(width)}  ${member.address.padEnd(21)}  ${member.state}${reason}${when}`,
  );
}

/** One line a member. */
export function memberRows(members: readonly MemberStatus[], now: number): string[] {
  const width = Math.max(...members.map(({ name }) => name.length), 0);
  return members.map((member) => memberRow(member, now, width));
}

/** How the last round went, for a person. */
export function sweepText(sweep: SweepReport | null, now: number): string {
  if (sweep === null) return 'none yet';
  if (sweep.state === 'running') return `running, began ${formatAgo(sweep.startedAt, now)}`;
  const done = sweep.finishedAt === null ? 'not finished' : formatAgo(sweep.finishedAt, now);
  const fetched = `${plural(sweep.pulledFiles, 'file')} fetched (${formatBytes(sweep.pulledBytes)})`;
  const failures = sweep.failures.map((failure) => `\n    failed: ${escapeControls(failure)}`).join('');
  return `${done}, ${fetched}, ${plural(sweep.applied, 'change')} taken over${failures}`;
}

export function statusPage(status: StatusReply, now: number): string {
  const { hello, proxy, sweep } = status;
  const trash = status.trashBytes > 0 ? `, ${formatBytes(status.trashBytes)} in the trash` : '';
  const conflicts =
    status.conflicts === 0
      ? 'none'
      : `${status.conflicts} (files named ....conflict-...: two people changed one file at once; keep the right one)`;
  const rows: (readonly [string, string])[] = [
    [
      'Member',
      `${hello.name} (${hello.member}), version ${status.version}, started ${formatAgo(status.startedAt, now)}`,
    ],
    [
      'Files',
      `${plural(status.files, 'file')} in ${plural(status.directories, 'folder')}, ${formatBytes(status.bytes)}${trash}`,
    ],
    ['Free space', formatBytes(hello.freeBytes)],
    ['Conflicts', conflicts],
    ['Last sweep', sweepText(sweep, now)],
  ];
  if (hello.readOnly !== null) rows.push(['READ ONLY', hello.readOnly]);
  if (proxy !== null) {
    const sessions = `${plural(proxy.sessions, 'session')}, ${plural(proxy.transfers, 'transfer')} now`;
    rows.push([
      'FTP clients',
      `on ${proxy.listening}, ${sessions}, acknowledged when stored on: ${proxy.ack}`,
    ]);
  } else {
    rows.push(['FTP clients', 'the proxy is not running (or has just started)']);
  }
  const lines = rows.map(([label, text]) => `${label.padEnd(12)} ${text}`);
  const members = proxy?.members ?? [];
  if (members.length > 0) lines.push('', 'Members', ...memberRows(members, now));
  return `${lines.join('\n')}\n`;
}
