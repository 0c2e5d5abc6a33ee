/**
 * What every command of the table answers to what is wrong with it. A volume with the file `f` (3 bytes) and the folder `d`.
 * The walk (walk-of-commands.test.ts) fails when a command has no row here.
 */
export interface CommandRow {
  /** Before login, with an argument that is right. */
  readonly stranger: readonly [line: string, code: number];
  /** After login: without argument, with bad ones, with too many; each in the order it is said. */
  readonly wrong: readonly (readonly [line: string, code: number])[];
  /** While a file goes up or down: answered at once, or behind the 226; or it ends the transfer with 426. */
  readonly during: readonly [line: string, code: number, when: 'at once' | 'after' | 'ends it'];
}

const unsupported = (name: string): CommandRow => ({
  stranger: [name, 502],
  wrong: [
    [name, 502],
    [`${name} x y`, 502],
  ],
  during: [name, 502, 'after'],
});

/** With no data connection a transfer is 425, when what it asks for could be done. */
const transfer = (name: string, good: number, wrong: CommandRow['wrong']): CommandRow => ({
  stranger: [`${name} f`, 530],
  wrong,
  during: [`${name} f`, good, 'after'],
});

export const COMMAND_ROWS: { readonly [name: string]: CommandRow } = {
  USER: {
    stranger: ['USER guest', 331],
    wrong: [
      ['USER', 501],
      ['USER a b', 331],
    ],
    during: ['USER guest', 331, 'after'],
  },
  PASS: {
    stranger: ['PASS guest', 503],
    wrong: [
      ['PASS', 230],
      ['PASS a b', 230],
    ],
    during: ['PASS x', 230, 'after'],
  },
  ACCT: {
    stranger: ['ACCT x', 202],
    wrong: [
      ['ACCT', 202],
      ['ACCT a b', 202],
    ],
    during: ['ACCT x', 202, 'after'],
  },
  REIN: { stranger: ['REIN', 220], wrong: [['REIN x', 501]], during: ['REIN', 220, 'after'] },
  QUIT: { stranger: ['QUIT', 221], wrong: [['QUIT x', 501]], during: ['QUIT', 221, 'after'] },
  HOST: {
    stranger: ['HOST a.example', 220],
    wrong: [
      ['HOST', 501],
      ['HOST x', 503],
    ],
    during: ['HOST x', 503, 'after'],
  },
  AUTH: {
    stranger: ['AUTH FROB', 504],
    wrong: [
      ['AUTH', 501],
      ['AUTH FROB', 504],
      ['AUTH KERBEROS_V4', 504],
    ],
    during: ['AUTH FROB', 504, 'after'],
  },
  PBSZ: {
    stranger: ['PBSZ 0', 503],
    wrong: [
      ['PBSZ', 501],
      ['PBSZ 0', 503],
    ],
    during: ['PBSZ 0', 503, 'after'],
  },
  PROT: {
    stranger: ['PROT P', 503],
    wrong: [
      ['PROT', 501],
      ['PROT P', 503],
      ['PROT C', 503],
    ],
    during: ['PROT P', 503, 'after'],
  },
  PWD: { stranger: ['PWD', 530], wrong: [['PWD x', 501]], during: ['PWD', 257, 'after'] },
  CWD: {
    stranger: ['CWD d', 530],
    wrong: [
      ['CWD', 501],
      ['CWD f', 550],
      ['CWD missing', 550],
      ['CWD d d', 550],
      ['CWD .cloudroid', 550],
    ],
    during: ['CWD d', 250, 'after'],
  },
  CDUP: { stranger: ['CDUP', 530], wrong: [['CDUP x', 501]], during: ['CDUP', 250, 'after'] },
  MKD: {
    stranger: ['MKD n', 530],
    wrong: [
      ['MKD', 501],
      ['MKD d', 550],
      ['MKD f', 550],
      ['MKD missing/n', 550],
      ['MKD f/n', 550],
      ['MKD .cloudroid', 553],
      ['MKD a\u202eb', 553],
    ],
    during: ['MKD n', 257, 'after'],
  },
  RMD: {
    stranger: ['RMD d', 530],
    wrong: [
      ['RMD', 501],
      ['RMD f', 550],
      ['RMD missing', 550],
      ['RMD d d', 550],
      ['RMD /', 550],
    ],
    during: ['RMD missing', 550, 'after'],
  },
  RETR: transfer('RETR', 425, [
    ['RETR', 501],
    ['RETR d', 550],
    ['RETR missing', 550],
    ['RETR f f', 550],
    ['RETR .cloudroid', 550],
    ['RETR f', 425],
  ]),
  STOR: transfer('STOR', 425, [
    ['STOR', 501],
    ['STOR d', 550],
    ['STOR f/x', 550],
    ['STOR missing/x', 550],
    ['STOR .cloudroid', 553],
    ['STOR f', 425],
  ]),
  APPE: transfer('APPE', 425, [
    ['APPE', 501],
    ['APPE d', 550],
    ['APPE .cloudroid', 553],
    ['APPE f', 425],
  ]),
  STOU: transfer('STOU', 425, [
    ['STOU', 425],
    ['STOU missing/x', 550],
    ['STOU .cloudroid', 553],
    ['STOU f', 425],
  ]),
  LIST: transfer('LIST', 425, [
    ['LIST', 425],
    ['LIST missing', 550],
    ['LIST missing/*', 550],
    ['LIST -la f', 425],
  ]),
  NLST: transfer('NLST', 425, [
    ['NLST', 425],
    ['NLST missing', 550],
    ['NLST *', 425],
  ]),
  MLSD: transfer('MLSD', 501, [
    ['MLSD', 425],
    ['MLSD f', 501],
    ['MLSD missing', 550],
    ['MLSD -la', 550],
  ]),
  DELE: {
    stranger: ['DELE f', 530],
    wrong: [
      ['DELE', 501],
      ['DELE d', 550],
      ['DELE missing', 550],
      ['DELE f f', 550],
      ['DELE f*', 550],
      ['DELE .cloudroid', 553],
    ],
    during: ['DELE missing', 550, 'after'],
  },
  RNFR: {
    stranger: ['RNFR f', 530],
    wrong: [
      ['RNFR', 501],
      ['RNFR missing', 550],
      ['RNFR /', 550],
      ['RNFR .cloudroid', 553],
    ],
    during: ['RNFR f', 350, 'after'],
  },
  RNTO: {
    stranger: ['RNTO g', 530],
    wrong: [
      ['RNTO', 501],
      ['RNTO g', 503],
      ['RNFR f', 350],
      ['RNTO', 501],
      ['RNTO missing/g', 550],
      ['RNTO g', 503],
    ],
    during: ['RNTO g', 503, 'after'],
  },
  SIZE: {
    stranger: ['SIZE f', 530],
    wrong: [
      ['SIZE', 501],
      ['SIZE d', 550],
      ['SIZE missing', 550],
      ['SIZE f f', 550],
    ],
    during: ['SIZE f', 213, 'after'],
  },
  MDTM: {
    stranger: ['MDTM f', 530],
    wrong: [
      ['MDTM', 501],
      ['MDTM missing', 550],
      ['MDTM 20200101000000 missing', 550],
      ['MDTM 20209901000000 f', 550],
    ],
    during: ['MDTM f', 213, 'after'],
  },
  MFMT: {
    stranger: ['MFMT 20200101000000 f', 530],
    wrong: [
      ['MFMT', 501],
      ['MFMT f', 501],
      ['MFMT 20209901000000 f', 501],
      ['MFMT 20200101000000', 501],
      ['MFMT 20200101000000 missing', 550],
    ],
    during: ['MFMT 20200101000000 f', 213, 'after'],
  },
  MFF: {
    stranger: ['MFF Modify=20200101000000; f', 530],
    wrong: [
      ['MFF', 501],
      ['MFF f', 501],
      ['MFF UNIX.mode=0644; f', 504],
      ['MFF Modify=x; f', 501],
      ['MFF Modify=20200101000000; missing', 550],
      ['MFF Modify=20200101000000;Create=20200101000000 f', 213],
      ['MFF Modify=20200101000000;UNIX.mode=0644;UNIX.owner=1; f', 213],
    ],
    during: ['MFF Modify=20200101000000; f', 213, 'after'],
  },
  MLST: {
    stranger: ['MLST f', 530],
    wrong: [
      ['MLST', 250],
      ['MLST missing', 550],
      ['MLST f f', 550],
    ],
    during: ['MLST f', 250, 'after'],
  },
  HASH: {
    stranger: ['HASH f', 530],
    wrong: [
      ['HASH', 501],
      ['HASH d', 550],
      ['HASH missing', 550],
    ],
    during: ['HASH f', 213, 'after'],
  },
  XSHA256: {
    stranger: ['XSHA256 f', 530],
    wrong: [
      ['XSHA256', 501],
      ['XSHA256 d', 550],
      ['XSHA256 "missing"', 550],
      ['XSHA256 "f"', 250],
      ['XSHA256 f 0 3', 550],
    ],
    during: ['XSHA256 f', 250, 'after'],
  },
  'SITE CHMOD': {
    stranger: ['SITE CHMOD 644 f', 530],
    wrong: [
      ['SITE CHMOD', 501],
      ['SITE CHMOD f', 501],
      ['SITE CHMOD 999 f', 501],
      ['SITE CHMOD 644 missing', 550],
    ],
    during: ['SITE CHMOD 644 f', 200, 'after'],
  },
  'SITE UTIME': {
    stranger: ['SITE UTIME 20200101000000 f', 530],
    wrong: [
      ['SITE UTIME', 501],
      ['SITE UTIME f', 501],
      ['SITE UTIME 20209901000000 f', 501],
      ['SITE UTIME 20200101000000 missing', 550],
      ['SITE UTIME f 20200101000000 20200101000000 20200101000000 UTC', 213],
    ],
    during: ['SITE UTIME 20200101000000 f', 213, 'after'],
  },
  PASV: { stranger: ['PASV', 530], wrong: [['PASV x', 501]], during: ['PASV', 227, 'after'] },
  EPSV: {
    stranger: ['EPSV', 530],
    wrong: [
      ['EPSV x', 501],
      ['EPSV 3', 522],
      ['EPSV 2', 522],
      ['EPSV 1 1', 501],
    ],
    during: ['EPSV', 229, 'after'],
  },
  PORT: {
    stranger: ['PORT 127,0,0,1,200,1', 530],
    wrong: [
      ['PORT', 501],
      ['PORT x', 501],
      ['PORT 127,0,0,1,200', 501],
      ['PORT 127,0,0,1,200,1,1', 501],
      ['PORT 127,0,0,1,256,1', 501],
      ['PORT 10,0,0,1,200,1', 500],
    ],
    during: ['PORT 127,0,0,1,200,1', 200, 'after'],
  },
  EPRT: {
    stranger: ['EPRT |1|127.0.0.1|50000|', 530],
    wrong: [
      ['EPRT', 501],
      ['EPRT x', 501],
      ['EPRT |1|127.0.0.1|', 501],
      ['EPRT |1|127.0.0.1|99999|', 501],
      ['EPRT |3|127.0.0.1|50000|', 522],
    ],
    during: ['EPRT |1|127.0.0.1|50000|', 200, 'after'],
  },
  TYPE: {
    stranger: ['TYPE I', 530],
    wrong: [
      ['TYPE', 501],
      ['TYPE X', 501],
      ['TYPE E', 504],
      ['TYPE E N', 504],
      ['TYPE A C', 504],
      ['TYPE L 7', 504],
      ['TYPE L', 501],
      ['TYPE I I', 501],
    ],
    during: ['TYPE A', 200, 'after'],
  },
  MODE: {
    stranger: ['MODE S', 530],
    wrong: [
      ['MODE', 501],
      ['MODE Z', 504],
      ['MODE B', 504],
      ['MODE X', 501],
      ['MODE S S', 501],
    ],
    during: ['MODE S', 200, 'after'],
  },
  STRU: {
    stranger: ['STRU F', 530],
    wrong: [
      ['STRU', 501],
      ['STRU R', 504],
      ['STRU P', 504],
      ['STRU X', 501],
    ],
    during: ['STRU F', 200, 'after'],
  },
  ALLO: {
    stranger: ['ALLO 5', 530],
    wrong: [
      ['ALLO', 501],
      ['ALLO x', 501],
      ['ALLO -1', 501],
      ['ALLO 5 3', 501],
      ['ALLO 5 R 3', 200],
      ['ALLO 5 r 3', 200],
    ],
    during: ['ALLO 0', 200, 'after'],
  },
  REST: {
    stranger: ['REST 0', 530],
    wrong: [
      ['REST', 501],
      ['REST x', 501],
      ['REST -1', 501],
      ['REST 1 2', 501],
      ['REST 9999999999999999', 501],
    ],
    during: ['REST 0', 350, 'after'],
  },
  ABOR: {
    stranger: ['ABOR', 530],
    wrong: [
      ['ABOR x', 225],
      ['ABOR', 225],
    ],
    during: ['ABOR x', 226, 'ends it'],
  },
  SYST: { stranger: ['SYST', 215], wrong: [['SYST x', 501]], during: ['SYST', 215, 'after'] },
  NOOP: {
    stranger: ['NOOP', 200],
    wrong: [['NOOP a b', 200]],
    during: ['NOOP', 200, 'at once'],
  },
  STAT: {
    stranger: ['STAT', 530],
    wrong: [
      ['STAT missing', 550],
      ['STAT -la f', 213],
      ['STAT f f', 550],
    ],
    during: ['STAT', 211, 'at once'],
  },
  CLNT: {
    stranger: ['CLNT x', 200],
    wrong: [
      ['CLNT', 200],
      ['CLNT a b', 200],
    ],
    during: ['CLNT x', 200, 'after'],
  },
  LANG: {
    stranger: ['LANG EN', 200],
    wrong: [
      ['LANG', 200],
      ['LANG fr', 504],
      ['LANG en fr', 504],
    ],
    during: ['LANG en', 200, 'after'],
  },
  AVBL: {
    stranger: ['AVBL', 530],
    wrong: [
      ['AVBL missing', 550],
      ['AVBL f', 550],
      ['AVBL d d', 550],
    ],
    during: ['AVBL', 213, 'after'],
  },
  NETS: { stranger: ['NETS', 530], wrong: [['NETS x', 501]], during: ['NETS', 211, 'after'] },
  'SITE NETS': {
    stranger: ['SITE NETS', 530],
    wrong: [['SITE NETS x', 501]],
    during: ['SITE NETS', 211, 'after'],
  },
  HELP: {
    stranger: ['HELP', 214],
    wrong: [
      ['HELP FROB', 504],
      ['HELP STOR x', 504],
    ],
    during: ['HELP', 214, 'after'],
  },
  FEAT: { stranger: ['FEAT', 211], wrong: [['FEAT x', 501]], during: ['FEAT', 211, 'after'] },
  OPTS: {
    stranger: ['OPTS UTF8 ON', 200],
    wrong: [
      ['OPTS', 501],
      ['OPTS FROB', 501],
      ['OPTS UTF8', 200],
      ['OPTS utf-8 on', 200],
      ['OPTS UTF8 NLST', 200],
      ['OPTS UTF8 OFF', 504],
      ['OPTS UTF8 FROB', 501],
      ['OPTS MLST', 200],
      ['OPTS MLST frob;', 200],
      ['OPTS HASH SHA-256', 200],
      ['OPTS HASH MD5', 504],
    ],
    during: ['OPTS UTF8 ON', 200, 'after'],
  },
  SITE: {
    stranger: ['SITE', 530],
    wrong: [
      ['SITE', 501],
      ['SITE FROB', 501],
      ['SITE  ', 501],
    ],
    during: ['SITE', 501, 'after'],
  },
  'SITE HELP': {
    stranger: ['SITE HELP', 214],
    wrong: [['SITE HELP x', 214]],
    during: ['SITE HELP', 214, 'after'],
  },
  SMNT: unsupported('SMNT'),
  ADAT: unsupported('ADAT'),
  CCC: unsupported('CCC'),
  CONF: unsupported('CONF'),
  ENC: unsupported('ENC'),
  MIC: unsupported('MIC'),
  LPRT: unsupported('LPRT'),
  LPSV: unsupported('LPSV'),
};
