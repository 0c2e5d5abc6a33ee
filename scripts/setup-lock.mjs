/** One set-up at a time in a checkout: a lock file that names its holder; the lock of a dead holder is taken over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The start time tells a living holder from another process that got its number. */
function identityOf(/** @type {number} */ pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return `${pid} gone`;
  }
}

function holderLives(/** @type {string} */ lock) {
  try {
    const holder = readFileSync(lock, 'utf8');
    return identityOf(Number.parseInt(holder, 10)) === holder;
  } catch (error) {
    // Released between two looks: the next attempt finds out.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return true;
    throw error;
  }
}

/** The link either makes the lock with its holder's name inside or fails: no moment without a name. */
function tryLock(/** @type {string} */ lock, /** @type {string} */ own) {
  writeFileSync(own, identityOf(process.pid));
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Moves a dead holder's lock aside; puts it back when, between look and move, somebody alive had taken it. */
function removeDeadLock(/** @type {string} */ lock, /** @type {string} */ aside) {
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return;
    throw error;
  }
  if (holderLives(aside)) renameSync(aside, lock);
  else rmSync(aside, { force: true });
}

export async function withSetupLock(
  /** @type {string} */ lock,
  /** @type {() => void | Promise<void>} */ work,
) {
  for (let told = false; !tryLock(lock, `${lock}.${process.pid}`); await sleep(200)) {
    if (!holderLives(lock)) {
      removeDeadLock(lock, `${lock}.dead-${process.pid}`);
    } else if (!told) {
      told = true;
      console.error('Another start is setting up this checkout; waiting for it ...');
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}
