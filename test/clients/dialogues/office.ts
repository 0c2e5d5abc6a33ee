/** Scanners and printers, industrial controllers and data loggers: old FTP, spoken to the letter of RFC 959. */
import { type Dialogue, get, hangUp, login, put, say } from './dialogue.ts';

export const officeDialogues: readonly Dialogue[] = [
  {
    title: 'a scanner that locks its folder, checks what is there, sends page after page and unlocks',
    sessions: [
      [
        ...login,
        say('TYPE I', 200),
        say('CWD /Scans', 550),
        say('XMKD /Scans', 257),
        say('XCWD /Scans', 250),
        say('XPWD', 257, /^257 "\/Scans"/),
        say('MKD DOC00001.LCK', 257),
        get('PASV', 'NLST', /^DOC00001\.LCK\r\n$/),
        put('PASV', 'STOR IMG 0001.PDF', 'page 1'),
        put('PASV', 'STOR IMG 0002.PDF', 'page 2'),
        say('XRMD DOC00001.LCK', 250),
        say('QUIT', 221),
      ],
    ],
    stored: { '/Scans/IMG 0001.PDF': 'page 1', '/Scans/IMG 0002.PDF': 'page 2', '/Scans/DOC00001.LCK': null },
  },
  {
    title:
      'a scanner that probes with a small file, announces sizes with records, and renames when a job is whole',
    sessions: [
      [
        say('USER guest', 331),
        say('PASS guest', 230),
        say('ACCT scanner', 202),
        say('SYST', 215),
        say('TYPE L 8', 200),
        put('PASV', 'STOR $TEST$', 'x'),
        say('DELE $TEST$', 250),
        say('ALLO 1000000 R 80', 200),
        say('ALLO 0', 200),
        say('MKD Eingang', 257),
        say('CDUP', 250),
        put('PORT', 'STOR Eingang/job.tmp', 'a whole job'),
        say('RNFR Eingang/job.tmp', 350),
        say('RNTO Eingang/Brief an M\u00fcller.pdf', 250),
        say('QUIT', 221),
      ],
    ],
    stored: { '/$TEST$': null, '/Eingang/job.tmp': null, '/Eingang/Brief an M\u00fcller.pdf': 'a whole job' },
  },
  {
    title: 'a controller in active mode that adds a line to its log at each login, in every form of TYPE',
    sessions: ['A', 'A N', 'A;N', 'AN', 'I', 'L 8', 'a'].map((type, index) => [
      ...login,
      say(`TYPE ${type}`, 200),
      say('MODE S', 200),
      say('STRU F', 200),
      put('PORT', 'APPE plc.csv', `${index};${type}\r\n`),
      hangUp('reset'),
    ]),
    stored: { '/plc.csv': '0;A\r\n1;A N\r\n2;A;N\r\n3;AN\r\n4;I\r\n5;L 8\r\n6;a\r\n' },
  },
  {
    title: 'a controller that tries what it knows of RFC 959 and goes on after a clear no',
    sessions: [
      [
        ...login,
        say('MODE B', 504),
        say('STRU R', 504),
        say('TYPE E', 504),
        say('SMNT /', 502),
        say('SITE UMASK 022', 501),
        say('STAT', 211),
        say('HELP', 214),
        say('HELP STOR', 214),
        say('REST 0', 350),
        put('PASV', 'STOR recipe.txt', 'bake'),
        say('REST 2', 350),
        get('PASV', 'RETR recipe.txt', /^ke$/),
        get('PORT', 'RETR recipe.txt', /^bake$/),
        say('STAT recipe.txt', 213, /recipe\.txt/),
        say('QUIT', 221),
      ],
    ],
    stored: { '/recipe.txt': 'bake' },
  },
  {
    title:
      'a data logger that logs out and in again on one connection, and says USER and PASS more than once',
    sessions: [
      [
        ...login,
        say('PASS guest', 230),
        put('PASV', 'STOR logger-1', 'one'),
        say('REIN', 220),
        say('NOOP', 200),
        say('CWD /', 530),
        ...login,
        put('PASV', 'STOR logger-2', 'two'),
        say('ABOR', 225),
        say('QUIT', 221),
      ],
    ],
    stored: { '/logger-1': 'one', '/logger-2': 'two' },
  },
];

/** For a member that runs with --name-encoding latin-1. */
export const latinDialogues: readonly Dialogue[] = [
  {
    title: 'an old scanner that writes umlauts in Latin-1',
    latin1: true,
    sessions: [
      [
        ...login,
        say('MKD K\u00fcche', 257),
        say('CWD K\u00fcche', 250),
        put('PASV', 'STOR Stra\u00dfe.jpg', 'old letters'),
        say('RNFR Stra\u00dfe.jpg', 350),
        say('RNTO Stra\u00dfe \u00e0 la carte.jpg', 250),
        say('SIZE Stra\u00dfe \u00e0 la carte.jpg', 213, /^213 11$/),
        hangUp('FIN'),
      ],
    ],
    stored: {
      '/K\u00fcche/Stra\u00dfe.jpg': null,
      '/K\u00fcche/Stra\u00dfe \u00e0 la carte.jpg': 'old letters',
    },
  },
];

/** For a member that knows UTF-8 names only, which is the default. */
export const refusedLatinDialogue: Dialogue = {
  title: 'an old scanner that writes umlauts in Latin-1 gets a clear no and can go on with plain names',
  latin1: true,
  sessions: [
    [
      ...login,
      say('MKD K\u00fcche', 501, /UTF-8/),
      say('MKD Kueche', 257),
      put('PASV', 'STOR Kueche/x', 'plain'),
      say('QUIT', 221),
    ],
  ],
  stored: { '/Kueche/x': 'plain' },
};
