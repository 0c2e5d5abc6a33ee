/** What the running member says of itself: is it running, may it write, what is damaged, who may log in. */
import type { Settings } from '../../config/settings-api.ts';
import type { StatusReply } from '../../peers/protocol-reports.ts';
import { escapeControls } from '../../system/log-line.ts';
import { formatAgo, plural } from '../status-page.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** A gateway tells every 3 seconds. */
const SILENT_MS = 15_000;
/** Twice the longest that people set. */
const LATE_MS = 2 * 86_400_000;

/** `status` null: the storage server does not answer, `why` says it. */
export function checkMember(status: StatusReply | null, why: string | null, now = Date.now()): Finding[] {
  if (status === null) {
    const cure =
      'Start it: systemctl start cloudroid.target (from a checkout: npm start); journalctl -u cloudroid-ftp tells why it ended.';
    return [problem('storage server', why ?? 'does not answer', cure)];
  }
  const { hello, version, notices } = status;
  return [
    hello.readOnly === null
      ? ok('storage server', `runs, version ${version}, member ${hello.member}`)
      : problem(
          'storage server',
          `takes no writes: ${escapeControls(hello.readOnly)}`,
          'What to do is said there; until then the other members serve.',
        ),
    ...notices.map((notice) =>
      warning(
        'storage server',
        escapeControls(notice),
        'It mends itself with the other members; look again in some minutes.',
      ),
    ),
    ...gateway(status, now),
    ...sweep(status, now),
    ...damage(status),
  ];
}

function gateway({ proxy, startedAt }: StatusReply, now: number): Finding[] {
  if (proxy === null || now - proxy.at > SILENT_MS) {
    const cure = 'systemctl status cloudroid-proxy, journalctl -u cloudroid-proxy';
    return [
      problem(
        'gateway',
        proxy === null ? 'has not told anything yet' : `was last heard of ${formatAgo(proxy.at, now)}`,
        cure,
      ),
    ];
  }
  const found = ok('gateway', `runs, ${plural(proxy.sessions, 'session')}`);
  if (proxy.users === 'open') {
    const cure = 'cloudroid users add NAME makes an account and ends guest / guest on all members.';
    return [
      found,
      warning(
        'accounts',
        'guest with the public password guest may read, change and delete everything',
        cure,
      ),
    ];
  }
  if (proxy.users === 'accounts')
    return [found, ok('accounts', 'log in with an account; guest / guest is off')];
  // It asks every other second, and tells every third.
  if (now - startedAt < SILENT_MS) return [found, ok('accounts', 'has just started, and is asking for them')];
  const cure = 'Reach at least one other member (see below), or wait for the storage server.';
  return [found, problem('accounts', 'nobody can log in: no member has said who the users are', cure)];
}

function sweep({ sweep: report, startedAt }: StatusReply, now: number): Finding[] {
  const cure = 'systemctl status cloudroid-sweep, journalctl -u cloudroid-sweep';
  if (report === null) {
    if (now - startedAt < 60_000) return [ok('sweep', 'has just started')];
    return [problem('sweep', 'has not told anything since the start', cure)];
  }
  const last = report.finishedAt ?? report.startedAt;
  if (report.state === 'idle' && now - last > LATE_MS)
    return [problem('sweep', `the last one was ${formatAgo(last, now)}`, cure)];
  const failures = report.failures.map((failure) =>
    warning(
      'sweep',
      `failed: ${escapeControls(failure)}`,
      'It tries again by itself; the checks of the members below tell more.',
    ),
  );
  return [
    ok('sweep', report.state === 'running' ? 'is running' : `last ${formatAgo(last, now)}`),
    ...failures,
  ];
}

function damage({ upkeep, conflicts }: StatusReply): Finding[] {
  return [
    ...(upkeep.missing === 0
      ? [ok('files', 'none is known to be damaged here')]
      : [
          problem(
            'files',
            `${plural(upkeep.missing, 'file')} damaged or missing on this disk`,
            'They are fetched from other members as soon as one that has them is there.',
          ),
        ]),
    ...(conflicts === 0
      ? []
      : [
          warning(
            'files',
            `${plural(conflicts, 'conflict copy', 'conflict copies')}`,
            'Look at them and keep one: cloudroid conflicts',
          ),
        ]),
  ];
}

export function describeSettings({ dataDir, peersFile }: Settings): string {
  return `files and state for ${dataDir}, members in ${peersFile}`;
}
