#!/usr/bin/env node
/** The command `cloudroid`, and how a failure becomes an exit status. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommandLine } from './cli/command-line.ts';
import { commands } from './cli/commands.ts';
import { CommandError, exitStatusOf } from './system/exit-status.ts';

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
