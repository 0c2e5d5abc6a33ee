/**
 * Keeps an eye on PEERS.txt: read at start, when it changes and on SIGHUP. Editors replace files rather than write into
 * them, so the folder is watched, not the file; where watching does not work (network mounts) a look every few
 * seconds does.
 */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { systemCodeOf } from '../system/exit-status.ts';
import type { Logger } from '../system/logger-api.ts';
import { parsePeersFile } from './peers-file.ts';
import type { Endpoint } from './settings-api.ts';

const POLL_MS = 5000;
/** A file being written is read once it has been quiet for this long. */
const SETTLE_MS = 100;

export interface PeersWatch {
  /** As read last. */
  readonly peers: readonly Endpoint[];
  close(): void;
}

/** Null: there is no such file. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * Calls `onChange` with the peers before it returns, and again whenever the file says something else. A missing file
 * means no peers; one that cannot be read leaves the peers as they were.
 */
export function watchPeersFile(
  file: string,
  onChange: (peers: readonly Endpoint[]) => void,
  logger: Logger,
): PeersWatch {
  let peers: readonly Endpoint[] = [];
  /** `undefined`: not read yet. */
  let lastText: string | null | undefined;
  let lastTrouble = '';

  const look = (): void => {
    let text: string | null;
    try {
      text = read(file);
      lastTrouble = '';
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== lastTrouble) {
        logger.error('the list of peers cannot be read; the peers stay as they were', {
          file,
          error: trouble,
        });
      }
      lastTrouble = trouble;
      return;
    }
    if (text === lastText) return;
    lastText = text;
    if (text === null) logger.info('there is no list of peers: this member is alone', { file });
    const list = parsePeersFile(text ?? '');
    for (const { line, text: given, expected } of list.badLines) {
      logger.warn('a line of the list of peers is left out', { file, line, expected, given });
    }
    peers = list.peers;
    onChange(peers);
  };

  let settle: NodeJS.Timeout | null = null;
  let watcher: FSWatcher | null = null;
  const lookSoon = (): void => {
    if (settle !== null) clearTimeout(settle);
    settle = setTimeout(look, SETTLE_MS).unref();
  };
  const startWatching = (): void => {
    if (watcher !== null) return;
    try {
      watcher = watch(dirname(file), { persistent: false }, (_, name) => {
        if (name === null || name === basename(file)) lookSoon();
      });
      watcher.once('error', stopWatching);
    } catch (error) {
      logger.debug('the folder of the list of peers cannot be watched; looking now and then', {
        file,
        error,
      });
    }
  };
  const stopWatching = (): void => {
    watcher?.close();
    watcher = null;
  };

  look();
  if (lastText === undefined) onChange(peers);
  startWatching();
  const poll = setInterval(() => {
    look();
    startWatching();
  }, POLL_MS).unref();
  process.on('SIGHUP', look);
  return {
    get peers() {
      return peers;
    },
    close() {
      process.off('SIGHUP', look);
      clearInterval(poll);
      if (settle !== null) clearTimeout(settle);
      stopWatching();
    },
  };
}
