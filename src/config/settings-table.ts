/** Every setting once: its name (option, CLOUDROID_ variable, key of the file), default, check and description. */
import { hostname } from 'node:os';
import {
  ackMode,
  type Check,
  cronExpression,
  endpoint,
  logLevel,
  memberName,
  outsideDeletions,
  path,
  portRange,
  wholeNumber,
  yesOrNo,
} from './setting-checks.ts';

export interface Setting<T> {
  readonly check: Check<T>;
  /** As one would give it; null: worked out from others, `defaultShown` says how. */
  readonly default: string | null;
  readonly defaultShown?: string;
  readonly description: string;
  /** What stands for the value in the help; null: a switch. */
  readonly placeholder: string | null;
  /** A path: relative to the current folder, or to the configuration file that names it. */
  readonly isPath?: true;
}

/** The host name as far as it may be a member's name. */
function defaultName(): string {
  const [first = ''] = hostname().split('.');
  return (
    first
      .replace(/[^A-Za-z0-9_-]/g, '')
      .replace(/^[_-]+/, '')
      .slice(0, 40) || 'member'
  );
}

function setting<T>(value: Setting<T>): Setting<T> {
  return value;
}

export const settingsTable = {
  data: setting({
    check: path,
    default: 'data',
    description: 'Folder of this member: shared files in <dir>/files, catalog and identity in <dir>/state',
    placeholder: 'dir',
    isPath: true,
  }),
  listen: setting({
    check: endpoint,
    default: '0.0.0.0:6000',
    description: 'Where FTP clients connect; 0.0.0.0 stands for every address, IPv6 too',
    placeholder: 'address:port',
  }),
  'storage-listen': setting({
    check: endpoint,
    default: '0.0.0.0:6001',
    description: 'Where the other members connect',
    placeholder: 'address:port',
  }),
  peers: setting({
    check: path,
    default: 'PEERS.txt',
    description: 'File that lists the other members, one a line',
    placeholder: 'file',
    isPath: true,
  }),
  name: setting({
    check: memberName,
    default: defaultName(),
    defaultShown: 'the host name',
    description: 'What people call this member',
    placeholder: 'member',
  }),
  'network-key': setting({
    check: path,
    default: null,
    defaultShown: '<data>/state/network.key',
    description: 'The secret that all members share; made at the first start if missing',
    placeholder: 'file',
    isPath: true,
  }),
  'passive-ports': setting({
    check: portRange,
    default: '30000-30099',
    description: 'Ports for the data connections of clients, outside 32768-60999',
    placeholder: 'from-to',
  }),
  'storage-passive-ports': setting({
    check: portRange,
    default: '31000-31199',
    description: 'Ports for the data connections of the other members, outside 32768-60999',
    placeholder: 'from-to',
  }),
  ack: setting({
    check: ackMode,
    default: 'reachable',
    description:
      'Members that must hold a file before the client is told so: reachable, local, two, quorum, all',
    placeholder: 'mode',
  }),
  sweep: setting({
    check: cronExpression,
    default: '*/10 * * * *',
    description: 'When to look for what this member lacks (it also looks at start and when a peer returns)',
    placeholder: 'cron',
  }),
  'outside-deletions': setting({
    check: outsideDeletions,
    default: 'restore',
    description:
      'What it means when files vanish from the data folder by other ways than FTP: restore them, or propagate the deletion',
    placeholder: 'restore|propagate',
  }),
  'accept-abrupt-close': setting({
    check: yesOrNo,
    default: 'no',
    description: 'Keep uploads of devices that hang up without waiting for the reply',
    placeholder: null,
  }),
  'max-sessions': setting({
    check: wholeNumber(1, 10_000),
    default: '400',
    description: 'FTP sessions at once, in all',
    placeholder: 'count',
  }),
  'max-sessions-per-address': setting({
    check: wholeNumber(1, 10_000),
    default: '250',
    description: 'FTP sessions at once from one address',
    placeholder: 'count',
  }),
  'idle-timeout-seconds': setting({
    check: wholeNumber(10, 86_400),
    default: '600',
    description: 'A session that does nothing ends after so many seconds',
    placeholder: 'seconds',
  }),
  'log-level': setting({
    check: logLevel,
    default: 'info',
    description: 'How much to log: error, warn, info, debug',
    placeholder: 'level',
  }),
};

export type SettingName = keyof typeof settingsTable;
export const settingNames = Object.keys(settingsTable).filter(
  (name): name is SettingName => name in settingsTable,
);
