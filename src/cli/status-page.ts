/** `cloudroid status` for people: one screen, plain words, the thing to do beside the trouble. */
import type { MemberStatus, ProxyReport, StatusReply, SweepReport } from '../peers/protocol-reports.ts';
import { escapeControls } from '../system/log-line.ts';

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  if (bytes === 1) return '1 byte';
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

/** `4 seconds`, `2 minutes`; a clock that was set back meanwhile makes it nothing. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return plural(seconds, 'second');
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? plural(minutes, 'minute') : plural(Math.round(minutes / 60), 'hour');
}

/** `2026-01-02 11:05`, in the time zone of this machine. */
export function formatTime(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'at an unknown time';
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function plural(count: number, word: string, many = `${word}s`): string {
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
  if (sweep.state === 'running') {
    const { phase, done, total } = sweep;
    const share = total > 0 ? `, ${Math.min(100, Math.floor((done / total) * 100))} % of it` : '';
    const what = phase === '' ? '' : `, ${escapeControls(phase)}${share}`;
    return `running, began ${formatAgo(sweep.startedAt, now)}${what}`;
  }
  const { finishedAt, startedAt, repaired, adopted, scrubbedBytes, differences } = sweep;
  const facts = [
    finishedAt === null
      ? 'not finished'
      : `${formatAgo(finishedAt, now)}, took ${formatDuration(finishedAt - startedAt)}`,
    `${plural(sweep.pulledFiles, 'file')} fetched (${formatBytes(sweep.pulledBytes)})`,
    `${plural(sweep.applied, 'change')} taken over`,
    ...(repaired > 0 ? [`${plural(repaired, 'damaged file')} repaired`] : []),
    ...(adopted > 0 ? [`${plural(adopted, 'change')} from outside taken over`] : []),
    ...(scrubbedBytes > 0 ? [`${formatBytes(scrubbedBytes)} read and checked`] : []),
    ...(differences > 0 ? [`${plural(differences, 'difference')} LEFT`] : []),
  ];
  const lines = [
    ...sweep.failures.map((failure) => `failed: ${failure}`),
    ...sweep.notices.map((notice) => `note: ${notice}`),
  ];
  return facts.join(', ') + lines.map((line) => `\n    ${escapeControls(line)}`).join('');
}

/** How far the reading of every file is, and what is broken. */
function diskCheckText({ upkeep, bytes }: StatusReply, now: number): string {
  const { scrubStartedAt, scrubbedAt, scrubbedBytes, missing } = upkeep;
  const last =
    scrubbedAt === null
      ? 'not every file was checked yet'
      : `every file checked ${formatAgo(scrubbedAt, now)}`;
  const running = scrubStartedAt !== null && (scrubbedAt ?? 0) < scrubStartedAt;
  const under = running ? `, ${formatBytes(scrubbedBytes)} of ${formatBytes(bytes)} read in this pass` : '';
  const broken =
    missing === 0
      ? ''
      : `; ${plural(missing, 'file')} DAMAGED here, to be fetched from a member that has them`;
  return `${last}${under}${broken}`;
}

/** A member without others is not waiting for anything. */
function joiningRow({ joining, members }: StatusReply['hello']): (readonly [string, string])[] {
  if (!joining || members.length < 2) return [];
  return [
    ['JOINING', 'it has yet to fetch what the others have; clients see it all, with the help of the others'],
  ];
}

/** A public password is worth a line of its own. */
function loginRow(users: ProxyReport['users']): readonly (readonly [string, string])[] {
  switch (users) {
    case 'open':
      return [
        [
          'OPEN',
          'anybody who reaches that port logs in as guest / guest (cloudroid users add NAME ends that)',
        ],
      ];
    case 'accounts':
      return [['Log in', 'with an account (cloudroid users list)']];
    default:
      return [['Log in', 'nobody yet: no member has said who the users are']];
  }
}

export function statusPage(status: StatusReply, now: number): string {
  const { hello, proxy, sweep } = status;
  const trash = status.trashBytes > 0 ? `, ${formatBytes(status.trashBytes)} in the trash` : '';
  const { partBytes = 0 } = status;
  const parts = partBytes > 0 ? `, ${formatBytes(partBytes)} of uploads that broke off` : '';
  const conflicts =
    status.conflicts === 0
      ? 'none'
      : `${status.conflicts} (files that were changed in two places at once; cloudroid conflicts shows them)`;
  const rows: (readonly [string, string])[] = [
    [
      'Member',
      `${hello.name} (${hello.member}), version ${status.version}, started ${formatAgo(status.startedAt, now)}`,
    ],
    [
      'Files',
      `${plural(status.files, 'file')} in ${plural(status.directories, 'folder')}, ${formatBytes(status.bytes)}${trash}${parts}`,
    ],
    ...joiningRow(hello),
    ['Free space', formatBytes(hello.freeBytes)],
    ['Conflicts', conflicts],
    ['Last sweep', sweepText(sweep, now)],
    ['Disk check', diskCheckText(status, now)],
  ];
  if (hello.readOnly !== null) rows.push(['READ ONLY', hello.readOnly]);
  for (const notice of status.notices) rows.push(['NOTICE', escapeControls(notice)]);
  if (proxy !== null) {
    const sessions = `${plural(proxy.sessions, 'session')}, ${plural(proxy.transfers, 'transfer')} now`;
    rows.push([
      'FTP clients',
      `on ${proxy.listening}, ${sessions}, acknowledged when stored on: ${proxy.ack}`,
    ]);
    rows.push(...loginRow(proxy.users));
  } else {
    rows.push(['FTP clients', 'the proxy is not running (or has just started)']);
  }
  const lines = rows.map(([label, text]) => `${label.padEnd(12)} ${text}`);
  const members = proxy?.members ?? [];
  if (members.length > 0) lines.push('', 'Members', ...memberRows(members, now));
  return `${lines.join('\n')}\n`;
}
