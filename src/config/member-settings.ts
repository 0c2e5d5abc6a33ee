/** Settings of the member as a whole: places, names, and how the members work together. */
import { hostname } from 'node:os';
import { optional } from './gateway-checks.ts';
import { setting } from './setting.ts';
import {
  ackMode,
  cronExpression,
  endpoint,
  logLevel,
  memberName,
  outsideDeletions,
  path,
  portRange,
} from './setting-checks.ts';

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

export const memberSettings = {
  data: setting({
    check: path,
    default: 'data',
    description: 'Folder of this member: shared files in <dir>/files, catalog and identity in <dir>/state',
    placeholder: 'dir',
    isPath: true,
  }),
  state: setting({
    check: path,
    default: null,
    defaultShown: '<data>/state',
    description: 'Catalog and identity, when they are to be somewhere else than the files',
    placeholder: 'dir',
    isPath: true,
  }),
  mount: setting({
    check: optional(path),
    default: '',
    defaultShown: 'none',
    description: 'Folder on which a disk must be mounted; while it is not, nothing is stored on this member',
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
  'log-level': setting({
    check: logLevel,
    default: 'info',
    description: 'How much to log: error, warn, info, debug',
    placeholder: 'level',
  }),
};
