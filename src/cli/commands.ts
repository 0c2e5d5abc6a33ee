/** Every command of `cloudroid`; its code is loaded when it is used. */
import type { CommandTable } from './command-line.ts';

export const commands: CommandTable = {
  run: {
    description: 'Run this member in the foreground: storage server, proxy and sweep',
    load: async () => (await import('./run.ts')).run,
  },
  proxy: {
    description: 'Only the door for FTP clients',
    load: async () => (await import('./proxy.ts')).proxy,
  },
  ftp: {
    description: 'Only the storage server, which holds the files',
    load: async () => (await import('./ftp.ts')).ftp,
  },
  sweep: {
    description: 'Only the sweep, which fetches what this member lacks',
    switches: {
      once: 'one round now, then end',
      'dry-run': 'only say what differs (with --once)',
      scrub: 'read and check every file too (with --once)',
      'accept-deletions': 'delete what was deleted elsewhere long ago, however many files (with --once)',
    },
    load: async () => (await import('./sweep.ts')).sweep,
  },
  status: {
    description: 'How the running member and its peers are',
    switches: { json: 'for programs' },
    load: async () => (await import('./status.ts')).status,
  },
  doctor: {
    description: 'Checks this member, its disks and its peers, and tells the cure of what is wrong',
    switches: { json: 'for programs' },
    load: async () => (await import('./doctor.ts')).doctor,
  },
  update: {
    description: 'Installs a newer package of Cloudroid, and goes back if the member is not well with it',
    maxWords: 1,
    wordsShown: 'FILE.deb',
    switches: { force: 'an older or the same version, or a member that is not well now' },
    load: async () => (await import('./update.ts')).update,
  },
  disk: {
    description: 'Says what is to become of a new, foreign or lonely disk',
    switches: { alone: 'there is no other member to wait for (with disk rebuild)' },
    maxWords: 1,
    wordsShown: '[accept | rebuild]',
    load: async () => (await import('./disk.ts')).disk,
  },
  peers: {
    description: 'The other members and how they are; edits PEERS.txt',
    maxWords: 2,
    wordsShown: '[list | add ADDRESS | remove ADDRESS | retire MEMBER]',
    switches: { yes: 'retire without asking' },
    load: async () => (await import('./peers.ts')).peers,
  },
  users: {
    description: 'Accounts of FTP users, the same on all members',
    maxWords: 2,
    wordsShown: '[list | add NAME | set NAME | password NAME | remove NAME]',
    switches: {
      full: 'may do everything in the home folder (add, set)',
      'read-only': 'may list and read (add, set)',
      'upload-only': 'for cameras: may store, neither list, read nor delete (add, set)',
      'password-stdin': 'the password comes on standard input (add, password)',
      json: 'list for programs',
    },
    values: {
      home: 'folder that is / for the user (add, set)',
      quota: 'bytes that the home folder may take up, such as 20G, or none (add, set)',
    },
    load: async () => (await import('./users.ts')).users,
  },
  trash: {
    description: 'What was deleted or replaced on this member in the last 30 days, and how it comes back',
    maxWords: 2,
    wordsShown: '[list | restore ID | empty]',
    switches: { yes: 'empty without asking', replace: 'restore in place of the file that is there now' },
    values: { to: 'restore to another path than the old one' },
    load: async () => (await import('./trash.ts')).trash,
  },
  conflicts: {
    description: 'Files that were changed in two places at once',
    maxWords: 2,
    wordsShown: '[list | keep PATH]',
    load: async () => (await import('./conflicts.ts')).conflicts,
  },
  setup: {
    description:
      'At each start of a board, as root: takes over cloudroid.txt from the card, mounts the data disk',
    switches: { accounts: 'afterwards, what needs the running member: guest' },
    values: {
      'boot-folder': 'where cloudroid.txt is (/boot/cloudroid)',
      root: 'another tree than /, which does not run',
    },
    load: async () => (await import('./setup.ts')).setup,
  },
};
