/** Command lines: right ones by the command table, then spoilt. */
import { commandTable } from '../../src/proxy/command-table.ts';
import type { Random } from '../../test/simulation/random.ts';

/** Nothing of it names the canary, so whatever happens to that is a defect. */
const PATHS = [
  '/fz',
  '/fz/a',
  '/fz/b',
  '/fz/d',
  '/fz/d/e',
  '/fz/d/e/f',
  'a',
  'b',
  'd/../a',
  '../fz/a',
  '../../../../etc/passwd',
  '/',
  '.',
  '..',
  '',
  '*',
  '/fz/*',
  '-la',
  '-la /fz',
  '/.cloudroid',
  '/.cloudroid/users/guest',
  '/.CLOUDROID/staging/x',
  '/fz/ü',
  '/fz/\u2028',
  '/fz/ x ',
  '/fz/"q"',
  '/fz/\\x',
  `/fz/${'n'.repeat(255)}`,
  `/fz/${'n'.repeat(256)}`,
  `/fz/${'d/'.repeat(500)}x`,
  `/${'deep/'.repeat(900)}`,
  'UTF8 ON',
  'MLST size;modify;x.sha256;',
  'HASH SHA-256',
] as const;
const WORDS = [
  ...['0', '1', '5', '-1', '4096', '999999999999999', '18446744073709551616', '1e9', 'NaN'],
  ...[
    'I',
    'A',
    'A N',
    'L 8',
    'E',
    'S',
    'F',
    'R',
    'B',
    'C',
    'P',
    'ALL',
    '1',
    '2',
    '3',
    'TLS',
    'SSL',
    'UTF8 ON',
    'EN',
  ],
  ...['20200101000000', '99999999999999', '19700101000000', '20200230000000', 'Modify=20200101000000;'],
  ...['127,0,0,1,200,1', '127,0,0,2,200,1', '127,0,0,1,0,21', '1,2,3', '256,0,0,1,1,1'],
  ...['|1|127.0.0.1|50000|', '|2|::1|50000|', '|1|10.0.0.1|50000|', '|1|127.0.0.1|21|', '||||'],
  ...['777', 'guest', 'root', 'x', '%n%s', '{}', 'null'],
];

const names = commandTable
  .flatMap(({ name, aliases }) => [name, ...(aliases ?? [])])
  .filter((name) => name !== 'QUIT');
const syntaxOf = new Map(
  commandTable.flatMap(({ name, aliases, syntax }) =>
    [name, ...(aliases ?? [])].map((verb) => [verb, syntax ?? ''] as const),
  ),
);

export const TRANSFERS = ['RETR', 'STOR', 'APPE', 'STOU', 'LIST', 'NLST', 'MLSD'] as const;

export function path(random: Random): string {
  // Mostly those that can be there, so that commands meet something.
  return random.chance(0.6) ? random.pick(PATHS.slice(0, 9)) : random.pick(PATHS);
}

/** Without its end. */
export function goodLine(random: Random, name: string = random.pick(names)): string {
  const syntax = syntaxOf.get(name) ?? '';
  if (syntax === '' || random.chance(0.1)) return name;
  const argument = syntax
    .replace(/[[\]]/g, '')
    .replace(/<[^>]+>/g, (word) => (word.includes('path') ? path(random) : random.pick(WORDS)));
  return `${name} ${random.chance(0.15) ? random.pick(WORDS) : argument}`;
}

const ENDS = [
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '\r\0\r\n',
  '\0\r\n',
  '\r\r\n',
  '',
  '\n\r',
  '\u0085',
];
const TELNET = [
  [255, 244, 255, 242],
  [255, 244],
  [255, 242],
  [255, 253, 1],
  [255, 251, 3],
  [255, 254],
  [255, 255],
  [255, 250, 24, 1, 255, 240],
  [255, 250, 24],
  [255],
];

function spoil(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const until = at + random.below(Math.max(1, bytes.length - at + 1));
  switch (random.below(10)) {
    case 0: // cut
      return bytes.subarray(0, at);
    case 1: // a piece twice
      return Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
    case 2: {
      // two bytes exchanged
      const swapped = Buffer.from(bytes);
      const other = random.below(bytes.length + 1);
      [swapped[at], swapped[other]] = [swapped[other] ?? 0, swapped[at] ?? 0];
      return swapped;
    }
    case 3: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      return flipped;
    }
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(TELNET)), bytes.subarray(at)]);
    case 5: // long
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.alloc(random.below(20_000), random.below(256)),
        bytes.subarray(at),
      ]);
    case 6: {
      const noise = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(until)]);
    }
    case 7:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(random.pick(['\0', '\r', '\n', ' ', '\t', '/', '..', '\u0080'])),
        bytes.subarray(at),
      ]);
    case 8:
      return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
    default:
      return Buffer.concat([Buffer.from(random.pick([' ', '   ', '\r\n\r\n', '\0'])), bytes]);
  }
}

export interface Words {
  readonly bytes: Buffer;
  /** Lines in it, as far as one can tell. */
  readonly lines: number;
}

/** One to many lines in one piece, some of them spoilt. */
export function words(random: Random): Words {
  const count = random.weighted({ one: 70, few: 25, many: 5 });
  const lines = count === 'one' ? 1 : count === 'few' ? 2 + random.below(6) : 50 + random.below(100);
  const pieces: Buffer[] = [];
  for (let line = 0; line < lines; line += 1) {
    let bytes: Buffer = Buffer.from(`${goodLine(random)}${random.chance(0.8) ? '\r\n' : random.pick(ENDS)}`);
    for (let spoilt = random.chance(0.4) ? 1 + random.below(3) : 0; spoilt > 0; spoilt -= 1)
      bytes = spoil(random, bytes);
    pieces.push(bytes);
  }
  return { bytes: Buffer.concat(pieces), lines };
}
