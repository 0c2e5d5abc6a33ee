/** Limits of the gateway: on everything that a client could make it keep, and on who may come at all. */
import { byteCount, commandNames, subnets } from './gateway-checks.ts';
import { setting, type ValuesOf } from './setting.ts';
import { wholeNumber } from './setting-checks.ts';

export const limitSettings = {
  'max-sessions': setting({
    check: wholeNumber(1, 10_000),
    default: '400',
    description: 'FTP sessions at once, in all',
    placeholder: 'count',
  }),
  'max-sessions-per-address': setting({
    check: wholeNumber(1, 10_000),
    default: '250',
    description: 'FTP sessions at once from one address (one /64 of public IPv6)',
    placeholder: 'count',
  }),
  'idle-timeout-seconds': setting({
    check: wholeNumber(10, 86_400),
    default: '600',
    description: 'A session that does nothing ends after so many seconds',
    placeholder: 'seconds',
  }),
  'max-sessions-per-user': setting({
    check: wholeNumber(1, 10_000),
    default: '400',
    description: 'FTP sessions at once under one user name',
    placeholder: 'count',
  }),
  'logins-per-minute': setting({
    check: wholeNumber(1, 100_000),
    default: '300',
    description: 'Logins tried from one address in a minute; cameras log in for each picture',
    placeholder: 'count',
  }),
  'login-timeout-seconds': setting({
    check: wholeNumber(1, 3600),
    default: '20',
    description: 'A client that has not logged in by then is sent away',
    placeholder: 'seconds',
  }),
  'stall-timeout-seconds': setting({
    check: wholeNumber(1, 86_400),
    default: '60',
    description: 'A data connection on which the client does nothing for so long is given up',
    placeholder: 'seconds',
  }),
  'min-data-rate': setting({
    check: byteCount,
    default: '32',
    description: 'Bytes a second below which an upload is given up after a minute; 0: any',
    placeholder: 'bytes',
  }),
  'max-upload-bytes': setting({
    check: byteCount,
    default: '0',
    defaultShown: '0, any',
    description: 'Largest file taken, such as 500M or 20G',
    placeholder: 'bytes',
  }),
  'max-line-bytes': setting({
    check: wholeNumber(512, 65_536),
    default: '8192',
    description: 'Longest command line',
    placeholder: 'bytes',
  }),
  'max-path-bytes': setting({
    check: wholeNumber(64, 4096),
    default: '4096',
    description: 'Longest path',
    placeholder: 'bytes',
  }),
  'max-listing-entries': setting({
    check: wholeNumber(100, 100_000_000),
    default: '1000000',
    description: 'Entries in one listing; a longer one is refused, never cut',
    placeholder: 'count',
  }),
  'max-queued-commands': setting({
    check: wholeNumber(1, 1000),
    default: '32',
    description: 'Commands of one client that may wait for the one that runs',
    placeholder: 'count',
  }),
  'allow-commands': setting({
    check: commandNames,
    default: '',
    defaultShown: 'all',
    description:
      'Only these commands, such as STOR,MKD,CWD; logging in and preparing a transfer is always there',
    placeholder: 'commands',
  }),
  'deny-commands': setting({
    check: commandNames,
    default: '',
    defaultShown: 'none',
    description: 'Not these commands, such as DELE,RMD',
    placeholder: 'commands',
  }),
  'allow-addresses': setting({
    check: subnets,
    default: '',
    defaultShown: 'all',
    description: 'Only clients from there, such as 192.168.0.0/16,fd00::/8',
    placeholder: 'networks',
  }),
  'deny-addresses': setting({
    check: subnets,
    default: '',
    defaultShown: 'none',
    description: 'No clients from there; beats --allow-addresses',
    placeholder: 'networks',
  }),
};

export type LimitSettings = ValuesOf<typeof limitSettings>;
