/** What a person sees once `cloudroid run` is up: where it listens, who may log in, and lines to try. */
import { networkInterfaces } from 'node:os';
import { relative } from 'node:path';
import type { Endpoint, Identity, Settings } from '../config/settings-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';

const OPEN =
  'guest, password guest  (public: whoever reaches this port can read, change and delete;\n                       cloudroid users add NAME ends that)';
const wildcards: readonly string[] = ['0.0.0.0', '::'];

/** Addresses that other machines could use, IPv4 first, loopback last. */
function reachableAddresses(host: string): string[] {
  if (!wildcards.includes(host)) return [host];
  const cards = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = cards.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const ranked = outside.sort((a, b) => a.family.localeCompare(b.family)).map(({ address }) => address);
  return [...ranked.slice(0, 4), '127.0.0.1'];
}

function urls({ host, port }: Endpoint): string {
  return reachableAddresses(host)
    .map((address) => `ftp://${formatEndpoint({ host: address, port })}`)
    .join('  ');
}

/** The shorter of the path as it is and as seen from the current folder. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || near === '' ? path : near;
}

/** `open`: there are no accounts, so guest/guest logs in. */
export function banner(
  settings: Settings,
  identity: Identity,
  peers: readonly Endpoint[],
  open: boolean,
): string {
  const { listen, storageListen, filesDir, peersFile, networkKeyFile } = settings;
  const here = wildcards.includes(listen.host) ? '127.0.0.1' : listen.host;
  const door = formatEndpoint({ host: here, port: listen.port });
  const others = peers.length === 0 ? 'none yet' : peers.map(formatEndpoint).join(', ');
  const rows: readonly (readonly [string, string])[] = [
    ['FTP clients', urls(listen)],
    ['Log in as', open ? OPEN : 'one of the accounts  (cloudroid users list)'],
    ['Shared files', shown(filesDir)],
    [
      'Other members',
      `${others}  (list them in ${shown(peersFile)}; they connect to port ${storageListen.port})`,
    ],
    ['Network key', shown(networkKeyFile)],
    ['  for another board', `scp ${shown(networkKeyFile)} <user>@<board>:<its data folder>/state/`],
  ];
  const user = open ? 'guest:guest' : 'USER:PASSWORD';
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    `Cloudroid is running. This member is ${identity.name} (${identity.member}).`,
    '',
    ...rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`),
    '',
    'To try it, from another terminal:',
    `  curl -T README.md ftp://${user}@${door}/`,
    `  curl ftp://${user}@${door}/`,
    `  telnet ${here} ${listen.port}        (then type: USER ${open ? 'guest' : 'NAME'}, PASS ${open ? 'guest' : 'PASSWORD'}, HELP, QUIT)`,
    '',
    'Ctrl-C stops it.',
    '',
  ].join('\n');
}
