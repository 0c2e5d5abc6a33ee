/**
 * The configuration file, and the drop-ins beside it: `member.json`, then `member.json.d/*.json` in the order of their
 * names, each beating those before it. A program that sets something (first boot, a configuration tool) writes a drop-in of
 * its own and leaves the file to its owner; systemd's unit files work so (systemd.unit(5)).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, exitStatus, systemCodeOf } from '../system/exit-status.ts';
import { nearest } from './nearest.ts';
import { settingNames } from './settings-table.ts';

/** What was given for a setting, and where. */
export interface Given {
  readonly text: string;
  readonly from: string;
  /** What a relative path is relative to. */
  readonly folder: string;
}

export function wrong(what: string): CommandError {
  return new CommandError(exitStatus.configuration, what);
}

/** Throws CommandError with status 78 that names the file. */
export function readConfigFiles(file: string): ReadonlyMap<string, Given> {
  return new Map([file, ...dropInsOf(file)].flatMap((one) => [...readConfigFile(one, dirname(file))]));
}

function dropInsOf(file: string): string[] {
  const folder = `${file}.d`;
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw wrong(
      `The folder ${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function readConfigFile(file: string, folder: string): ReadonlyMap<string, Given> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw wrong(`The configuration file ${file} cannot be used: ${why}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw wrong(`The configuration file ${file} must hold one JSON object, such as {"name": "odroid-a"}`);
  }
  const found = new Map<string, Given>();
  for (const [key, value] of Object.entries(content)) {
    if (!settingNames.some((name) => name === key)) {
      const hint = nearest(key, settingNames);
      const advice = hint === null ? '' : ` Did you mean "${hint}"?`;
      throw wrong(`Unknown key "${key}" in the configuration file ${file}.${advice}`);
    }
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw wrong(
        `"${key}" in the configuration file ${file}: expected a text or a number, got ${JSON.stringify(value)}`,
      );
    }
    found.set(key, { text: String(value), from: `"${key}" in ${file}`, folder });
  }
  return found;
}
