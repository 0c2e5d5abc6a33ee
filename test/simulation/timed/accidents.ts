/** What happens to boards and wires. */
import type { Random } from '../random.ts';
import type { Board } from './board.ts';
import type { Wires } from './wire.ts';

const ACCIDENTS = { cut: 8, join: 4, kill: 4, power: 4, start: 6, clock: 3, backup: 4, restore: 3, die: 1 };

/** Does one accident, most likely to this board; tells which. */
export function happen(
  board: Board,
  all: readonly Board[],
  wires: Wires,
  random: Random,
): keyof typeof ACCIDENTS {
  const kind = random.weighted(ACCIDENTS);
  const { member } = board.storage;
  const other = random.pick(all).storage.member;
  switch (kind) {
    case 'cut':
      wires.cut.add(`${member}>${other}`);
      if (random.chance(0.6)) wires.cut.add(`${other}>${member}`);
      break;
    case 'join':
      wires.cut.clear();
      break;
    case 'kill':
      if (board.storage.up) board.killStorage();
      break;
    case 'power':
      if (board.storage.up) board.powerOff();
      break;
    case 'start':
      for (const each of all) each.start();
      break;
    case 'clock':
      board.skewMs += random.below(2_000_000) - 1_000_000;
      break;
    case 'backup':
      board.saveBackup();
      break;
    case 'restore':
      board.restoreBackup();
      break;
    case 'die':
      if (all.length < 3 || all.some(({ dead }) => dead)) break;
      board.powerOff();
      board.dead = true;
      break;
  }
  return kind;
}
