/** Cameras and recorders: a login for each picture, a folder for each day, leaving without a word. FTP.md, docs/devices.md. */
import { type Dialogue, get, hangUp, login, put, putUnheard, type Step, say } from './dialogue.ts';

/** CWD to each folder on the way; one that is not there is made. `made`: the device was here before. */
const enterDay = (folders: readonly string[], made: boolean): readonly Step[] => [
  say('CWD /', 250),
  ...folders.flatMap((folder) =>
    made
      ? [say(`CWD ${folder}`, 250)]
      : [say(`CWD ${folder}`, 550), say(`MKD ${folder}`, 257), say(`CWD ${folder}`, 250)],
  ),
];

const everyPicture = (
  count: number,
  steps: (picture: number) => readonly Step[],
): readonly (readonly Step[])[] => Array.from({ length: count }, (_, index) => steps(index + 1));

export const cameraDialogues: readonly Dialogue[] = [
  {
    title: 'a camera that enters and makes its folders step by step, and resets the connection after the 226',
    uploadOnly: true,
    sessions: everyPicture(3, (picture) => [
      ...login,
      say('TYPE I', 200),
      ...enterDay(['Kamera Einfahrt', '2026-11-23'], picture > 1),
      put('PASV', `STOR 192.168.1.64_01_2026112312000${picture}_MOTION.jpg`, `picture ${picture}`),
      hangUp('reset'),
    ]),
    stored: {
      '/Kamera Einfahrt/2026-11-23/192.168.1.64_01_20261123120001_MOTION.jpg': 'picture 1',
      '/Kamera Einfahrt/2026-11-23/192.168.1.64_01_20261123120003_MOTION.jpg': 'picture 3',
    },
  },
  {
    title:
      'a camera in active mode that makes its folders blindly, expects 550 the second time, and leaves without QUIT',
    uploadOnly: true,
    sessions: everyPicture(2, (picture) => [
      ...login,
      say('MKD /active', picture === 1 ? 257 : 550),
      say('MKD /active/20261123', picture === 1 ? 257 : 550),
      say('TYPE I', 200),
      say('MODE S', 200),
      say('STRU F', 200),
      put('PORT', `STOR /active/20261123/snap${picture}.jpg`, `snap ${picture}`),
      hangUp('FIN'),
    ]),
    stored: { '/active/20261123/snap1.jpg': 'snap 1', '/active/20261123/snap2.jpg': 'snap 2' },
  },
  {
    title:
      'a recorder with brackets and at signs in its names, a test file, and a temporary name until all is there',
    sessions: [
      [
        ...login,
        say('SYST', 215, /UNIX Type: L8/),
        say('PWD', 257, /^257 "\/"/),
        say('CWD recorder', 550),
        say('MKD recorder', 257),
        say('CWD recorder', 250),
        say('TYPE I', 200),
        put('PASV', 'STOR DVRWorkDirectory', ''),
        say('SIZE DVRWorkDirectory', 213, /^213 0$/),
        say('DELE DVRWorkDirectory', 250),
        say('QUIT', 221),
      ],
      [
        ...login,
        say('TYPE I', 200),
        say('CWD recorder', 250),
        say('MKD 4A00B7DPAZ', 257),
        say('CWD 4A00B7DPAZ', 250),
        say('MKD 2026-11-23', 257),
        say('CWD 2026-11-23', 250),
        put('PASV', 'STOR 11.59.58-12.00.18[M][0@0][0].dav_', 'a film'),
        say('RNFR 11.59.58-12.00.18[M][0@0][0].dav_', 350),
        say('RNTO 11.59.58-12.00.18[M][0@0][0].dav', 250),
        put('PASV', 'STOR 12.00.01[R][0@0][0].jpg', 'a picture'),
        hangUp('reset'),
      ],
    ],
    stored: {
      '/recorder/DVRWorkDirectory': null,
      '/recorder/4A00B7DPAZ/2026-11-23/11.59.58-12.00.18[M][0@0][0].dav_': null,
      '/recorder/4A00B7DPAZ/2026-11-23/11.59.58-12.00.18[M][0@0][0].dav': 'a film',
      '/recorder/4A00B7DPAZ/2026-11-23/12.00.01[R][0@0][0].jpg': 'a picture',
    },
  },
  {
    title: 'a recorder that uploads under a temporary name, renames, and sets the time',
    uploadOnly: true,
    sessions: everyPicture(2, (picture) => [
      ...login,
      say('TYPE I', 200),
      say('CWD nvr', picture === 1 ? 550 : 250),
      ...(picture === 1 ? [say('MKD nvr', 257), say('CWD nvr', 250)] : []),
      get('PASV', 'NLST', /^(.*\.mp4\r\n)?$/),
      put('PASV', `STOR film${picture}.tmp`, `film ${picture}`),
      say(`SIZE film${picture}.tmp`, 213, /^213 6$/),
      say(`RNFR film${picture}.tmp`, 350),
      say(`RNTO film${picture}.mp4`, 250),
      say(`MFMT 20260102030405 film${picture}.mp4`, 213),
      hangUp('FIN'),
    ]),
    stored: { '/nvr/film1.mp4': 'film 1', '/nvr/film2.mp4': 'film 2', '/nvr/film1.tmp': null },
  },
  {
    title: 'a camera that connects to the passive port only after the 150',
    uploadOnly: true,
    sessions: [
      [
        ...login,
        say('TYPE I', 200),
        put('PASV late', 'STOR late.jpg', 'late'),
        say('NOOP', 200),
        hangUp('FIN'),
      ],
    ],
    stored: { '/late.jpg': 'late' },
  },
  {
    title: 'a camera that lets the server choose the name (STOU), with and without a wish',
    sessions: [
      [
        ...login,
        say('MKD /unique', 257),
        say('CWD /unique', 250),
        say('TYPE I', 200),
        put('PASV', 'STOU', 'first'),
        put('PASV', 'STOU picture.jpg', 'second'),
        put('PORT', 'STOU picture.jpg', 'third'),
        get('PASV', 'NLST', /^picture\.jpg\r\npicture\.jpg\.\S+\r\nunique\S*\r\n$/),
        say('QUIT', 221),
      ],
    ],
    stored: { '/unique/picture.jpg': 'second' },
  },
  {
    title:
      'a camera that says how much will come (ALLO), overwrites its one picture and looks at it with LIST -a and SIZE',
    sessions: everyPicture(3, (picture) => [
      ...login,
      say('ALLO 9', 200),
      say('TYPE I', 200),
      put(picture === 2 ? 'EPSV' : 'PASV', 'STOR webcam.jpg', `webcam  ${picture}`),
      get('PASV', 'LIST -a webcam.jpg', / 9 .* webcam\.jpg\r\n$/),
      say('SIZE webcam.jpg', 213, /^213 9$/),
      say('QUIT', 221),
    ]),
    stored: { '/webcam.jpg': 'webcam  3' },
  },
  {
    title: 'a camera that speaks of extended active mode (EPRT) and cleans up pictures of yesterday',
    sessions: [
      [
        ...login,
        say('MKD ring', 257),
        say('CWD ring', 250),
        say('TYPE I', 200),
        put('EPRT', 'STOR 1.jpg', 'old'),
        put('EPRT', 'STOR 2.jpg', 'new'),
        get('EPRT', 'NLST', /^1\.jpg\r\n2\.jpg\r\n$/),
        say('DELE 1.jpg', 250),
        say('DELE 1.jpg', 550),
        hangUp('reset'),
      ],
    ],
    stored: { '/ring/1.jpg': null, '/ring/2.jpg': 'new' },
  },
];

/** For a member that runs with --accept-abrupt-close. */
export const hastyDialogues: readonly Dialogue[] = [
  {
    title: 'a camera that hangs up as soon as its bytes are sent, without waiting for the 226',
    sessions: everyPicture(3, (picture) => [
      ...login,
      say('TYPE I', 200),
      putUnheard('PASV', `STOR hasty${picture}.jpg`, `picture ${picture}`),
      hangUp(picture === 2 ? 'reset' : 'FIN'),
    ]),
    stored: { '/hasty1.jpg': 'picture 1', '/hasty2.jpg': 'picture 2', '/hasty3.jpg': 'picture 3' },
  },
];
