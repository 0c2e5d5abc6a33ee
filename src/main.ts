#!/usr/bin/env node
/** The command `cloudroid`: its table of contents, and how a failure becomes an exit status. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandTable, runCommandLine } from './cli/command-line.ts';
import { CommandError, exitStatusOf } from './system/exit-status.ts';

const commands: CommandTable = {
  run: {
    description: 'Run this member in the foreground: storage server, proxy and sweep',
    load: async () => (await import('./cli/run.ts')).run,
  },
  proxy: {
    description: 'Only the door for FTP clients',
    load: async () => (await import('./cli/proxy.ts')).proxy,
  },
  ftp: {
    description: 'Only the storage server, which holds the files',
    load: async () => (await import('./cli/ftp.ts')).ftp,
  },
  sweep: {
    description: 'Only the sweep, which fetches what this member lacks',
    switches: {
      once: 'one round now, then end',
      'dry-run': 'only say what differs (with --once)',
      scrub: 'read and check every file too (with --once)',
      'accept-deletions': 'delete what was deleted elsewhere long ago, however many files (with --once)',
    },
    load: async () => (await import('./cli/sweep.ts')).sweep,
  },
  status: {
    description: 'How the running member and its peers are',
    switches: { json: 'for programs' },
    load: async () => (await import('./cli/status.ts')).status,
  },
  disk: {
    description: 'Says what is to become of a new, foreign or lonely disk',
    switches: { alone: 'there is no other member to wait for (with disk rebuild)' },
    maxWords: 1,
    wordsShown: '[accept | rebuild]',
    load: async () => (await import('./cli/disk.ts')).disk,
  },
  peers: {
    description: 'The other members and how they are; edits PEERS.txt',
    maxWords: 2,
    wordsShown: '[list | add ADDRESS | remove ADDRESS | retire MEMBER]',
    switches: { yes: 'retire without asking' },
    load: async () => (await import('./cli/peers.ts')).peers,
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
    load: async () => (await import('./cli/users.ts')).users,
  },
  trash: {
    description: 'What was deleted or replaced on this member in the last 30 days, and how it comes back',
    maxWords: 2,
    wordsShown: '[list | restore ID | empty]',
    switches: { yes: 'empty without asking', replace: 'restore in place of the file that is there now' },
    values: { to: 'restore to another path than the old one' },
    load: async () => (await import('./cli/trash.ts')).trash,
  },
  conflicts: {
    description: 'Files that were changed in two places at once',
    maxWords: 2,
    wordsShown: '[list | keep PATH]',
    load: async () => (await import('./cli/conflicts.ts')).conflicts,
  },
};

function versionOfPackage(): string {
  const file = join(import.meta.dirname, '..', 'package.json');
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const known = typeof content === 'object' && content !== null && 'version' in content;
  return known ? String(content.version) : 'unknown';
}

try {
  process.exit(await runCommandLine(commands, process.argv.slice(2), versionOfPackage()));
} catch (error) {
  const priority = process.env['JOURNAL_STREAM'] === undefined ? '' : '<3>';
  // A failed system call names its file and reason; a stack would only hide them.
  const expected = error instanceof CommandError || (error instanceof Error && 'syscall' in error);
  const text = expected
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`${priority}cloudroid: ${text}\n`);
  process.exit(exitStatusOf(error));
}
